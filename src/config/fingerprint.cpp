#include "config/fingerprint.h"

#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

class Fingerprint {
 public:
  void add_folder(const fs::path& folder, bool look_below) {
    const auto names = io::list_directory(folder);
    if (!names.has_value()) {
      hash_.update(names.error().text());
      return;
    }
    for (const std::string& name : *names) {
      if (!name.starts_with('.')) add_entry(folder / name, name, look_below);
    }
    hash_.update("end\n");
  }

  std::string hex() { return hash_.hex(); }

 private:
  void add_entry(const fs::path& path, const std::string& name, bool look_below) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      hash_.update(fmt::format("{} {}\n", name, errno));
      return;
    }
    add(name, info);
    if (S_ISLNK(info.st_mode)) {
      if (::stat(path.c_str(), &info) != 0) return;
      add(name, info);
    }
    if (S_ISDIR(info.st_mode) && look_below) add_folder(path, false);
  }

  void add(const std::string& name, const struct stat& info) {
    hash_.update(fmt::format("{} {:o} {}\n", name, info.st_mode, info.st_ino));
    // A folder's times change with its hidden files too; what counts in it is told by its entries.
    if (S_ISDIR(info.st_mode)) return;
    hash_.update(fmt::format("{} {}.{} {}.{}\n", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                             info.st_ctim.tv_sec, info.st_ctim.tv_nsec));
  }

  Sha256 hash_;
};

}  // namespace

std::string fingerprint(const fs::path& folder) {
  Fingerprint print;
  print.add_folder(folder, true);
  return print.hex();
}

}  // namespace slipway::config
