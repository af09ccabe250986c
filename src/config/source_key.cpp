#include "config/source_key.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"

namespace slipway::config {

namespace {

// An upgrade replaces the file, so its inode and times say which program this is.
std::string program_identity() {
  struct stat info {};
  if (::stat("/proc/self/exe", &info) != 0) return "unknown";
  return fmt::format("{} {} {}.{}", info.st_size, info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// Each part with its length, so that no two sequences of parts read the same.
class Parts {
 public:
  void add(std::string_view text) {
    hash_.update(fmt::format("{} ", text.size()));
    hash_.update(text);
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

}  // namespace

std::string source_key(const ServiceSource& source, const std::string& cluster) {
  static const std::string program = program_identity();
  Parts parts;
  parts.add(program);
  parts.add(cluster);
  // Bound by name, so that a part that is added to the source stops the build here, where it must be counted.
  const auto& [name, path, folder, layout, files, misnamed, trouble] = source;
  parts.add(std::to_string(static_cast<int>(layout)));
  for (const std::string_view part : {std::string_view(name), std::string_view(path),
                                      std::string_view(folder.native()), std::string_view(trouble)}) {
    parts.add(part);
  }
  for (const SourceFile& file : files) {
    const auto& [role, file_layout, of_cluster, stem, file_path, text, file_trouble] = file;
    for (const int number : {static_cast<int>(role), static_cast<int>(file_layout), of_cluster ? 1 : 0}) {
      parts.add(std::to_string(number));
    }
    parts.add(stem);
    parts.add(file_path);
    parts.add(text);
    parts.add(file_trouble);
  }
  for (const std::string& misnamed_path : misnamed) parts.add(misnamed_path);
  return parts.hex();
}

}  // namespace slipway::config
