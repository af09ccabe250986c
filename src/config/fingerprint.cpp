// What a look at every name of the tree tells, without reading a file.
#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "config/config.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

// A tree beyond these is no config tree; the limits keep a mistake (the root folder, say) from taking
// minutes.
constexpr size_t kMaxEntries = 1'000'000;
constexpr int kMaxDepth = 64;

class Fingerprint {
 public:
  Status add_folder(const fs::path& folder, int depth) {
    if (depth > kMaxDepth) {
      return Error(ErrorCode::Invalid,
                   fmt::format("{} lies deeper than {} folders", folder.string(), kMaxDepth));
    }
    auto names = io::list_directory(folder);
    if (!names.has_value()) {
      hash_.update(names.error().text());  // unreadable is a state like any other
      return {};
    }
    for (const std::string& name : *names) {
      if (name.starts_with('.')) continue;
      if (++entries_ > kMaxEntries) {
        return Error(ErrorCode::Invalid, fmt::format("the tree has more than {} files", kMaxEntries));
      }
      TRY(add_entry(folder / name, depth));
    }
    hash_.update("end\n");
    return {};
  }

  std::string hex() { return hash_.hex(); }

 private:
  Status add_entry(const fs::path& path, int depth) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      hash_.update(fmt::format("{} {}\n", path.string(), errno));
      return {};
    }
    add(path, info);
    if (S_ISLNK(info.st_mode)) {
      struct stat target {};
      if (::stat(path.c_str(), &target) != 0) return {};
      add(path, target);
      // A service may be a link to a folder; links further down are not followed, and so cannot go round.
      return S_ISDIR(target.st_mode) && depth == 0 ? add_folder(path, depth + 1) : Status();
    }
    return S_ISDIR(info.st_mode) ? add_folder(path, depth + 1) : Status();
  }

  void add(const fs::path& path, const struct stat& info) {
    hash_.update(fmt::format("{} {:o} {}\n", path.filename().string(), info.st_mode, info.st_ino));
    // A folder's times change with its hidden files too; what counts in it is told by its entries.
    if (S_ISDIR(info.st_mode)) return;
    hash_.update(fmt::format("{} {}.{} {}.{}\n", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                             info.st_ctim.tv_sec, info.st_ctim.tv_nsec));
  }

  Sha256 hash_;
  size_t entries_ = 0;
};

}  // namespace

Result<std::string> fingerprint(const fs::path& tree) {
  std::error_code error;
  if (!fs::is_directory(tree, error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", tree.string()));
  }
  Fingerprint print;
  TRY(print.add_folder(tree, 0));
  return print.hex();
}

}  // namespace slipway::config
