#include "engine/local/mounts.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <sys/mount.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kProgramFolders[] = {"/bin", "/etc",  "/lib", "/lib32", "/lib64",
                                                "/opt", "/sbin", "/srv", "/usr",   "/var"};
constexpr std::string_view kDiskFilesystems[] = {"bcachefs", "btrfs", "ext2", "ext3", "ext4",
                                                 "f2fs",     "jfs",   "xfs",  "zfs"};

// What would end the path in overlay's options is escaped by a backslash.
std::string escape(const fs::path& path) {
  std::string out;
  for (const char c : path.string()) {
    if (c == '\\' || c == ',' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

// /proc/self/mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

bool is_program_folder(std::string_view path) {
  return std::any_of(std::begin(kProgramFolders), std::end(kProgramFolders), [&](std::string_view folder) {
    return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
  });
}

bool is_disk(std::string_view type) {
  return std::find(std::begin(kDiskFilesystems), std::end(kDiskFilesystems), type) !=
         std::end(kDiskFilesystems);
}

}  // namespace

int OverlayMount::mount() const {
  // Device files in an image are dead; the task's /dev is its own.
  if (::mount("overlay", target.c_str(), "overlay", MS_NODEV, options.c_str()) == 0) return 0;
  if (errno != EINVAL) return errno;
  return ::mount("overlay", target.c_str(), "overlay", MS_NODEV, fallback_options.c_str()) == 0 ? 0 : errno;
}

OverlayMount task_overlay(const fs::path& lower, const TaskPaths& paths) {
  OverlayMount overlay;
  overlay.target = paths.rootfs().string();
  overlay.fallback_options = fmt::format("lowerdir={},upperdir={},workdir={}", escape(lower),
                                         escape(paths.written()), escape(paths.layer() / "work"));
  overlay.options = overlay.fallback_options + ",volatile";
  return overlay;
}

Status reset_layer(const TaskPaths& paths) {
  TRY(io::remove_all(paths.layer()));
  TRY(io::make_directories(paths.written()));
  TRY(io::make_directories(paths.layer() / "work"));
  return io::make_directories(paths.rootfs());
}

std::vector<BindMount> host_program_mounts(std::string_view mountinfo) {
  std::vector<BindMount> found;
  for (const std::string& line : split(mountinfo, '\n')) {
    // "36 35 98:0 /root /mount/point options optional... - type source super-options"
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || dash == fields.end() || dash + 1 == fields.end()) continue;
    const std::string path = unescape(fields[4]);
    if (is_program_folder(path) && is_disk(*(dash + 1))) found.push_back({path, path, true, false});
  }
  // A folder before what is mounted in it; of mounts one upon the other, one.
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.destination < b.destination; });
  found.erase(std::unique(found.begin(), found.end(),
                          [](const auto& a, const auto& b) { return a.destination == b.destination; }),
              found.end());
  return found;
}

}  // namespace slipway::engine::local
