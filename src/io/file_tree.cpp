// The half of file.h that walks folders: by descriptors and not by paths, so that a folder that is swapped
// for a symlink behind our back leads nowhere else.
#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/text.h"
#include "io/file.h"
#include "io/tree_stamp.h"

namespace slipway::io {

namespace fs = std::filesystem;

namespace {

Error path_error(const char* verb, const fs::path& path) {
  return errno_error(errno, fmt::format("{} '{}'", verb, path.string()));
}

// The names in an open folder, sorted. The descriptor is borrowed and stays open.
Result<std::vector<std::string>> names_in(int directory, const fs::path& path) {
  Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return path_error("open", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), ::closedir);
  if (!stream) return path_error("open", path);
  own.release();  // the stream closes it
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return path_error("list", path);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_mount_point(int directory) {
  struct statx info {};
  return ::statx(directory, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Opens a folder so that what is in it can be removed: unpacked images hold folders that even their owner may
// not write.
Result<Fd> open_for_removal(int parent, const char* name, const fs::path& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd directory(::openat(parent, name, kFlags));
  if (!directory.valid() && errno == EACCES && ::fchmodat(parent, name, 0700, 0) == 0) {
    directory = Fd(::openat(parent, name, kFlags));
  }
  if (!directory.valid()) return path_error("open", path);
  if (is_mount_point(directory.get())) {
    return Error(ErrorCode::Conflict, fmt::format("remove '{}'", path.string()),
                 Error(ErrorCode::Conflict, "something is mounted there"));
  }
  struct stat info {};
  if (::fstat(directory.get(), &info) == 0 && (info.st_mode & S_IRWXU) != S_IRWXU) {
    // Where this fails, removing the first entry tells why.
    static_cast<void>(::fchmod(directory.get(), 0700));
  }
  return directory;
}

// Removes `name` of the open folder `parent`. Goes on past what it cannot remove, so that as little as
// possible is left, and returns the first error.
Status remove_entry(int parent, const char* name, const fs::path& path) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return path_error("remove", path);
  struct stat info {};
  if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode)) {
    errno = EPERM;
    return path_error("remove", path);
  }
  Status status;
  {
    const Fd directory = TRY(open_for_removal(parent, name, path));
    for (const std::string& entry : TRY(names_in(directory.get(), path))) {
      Status removed = remove_entry(directory.get(), entry.c_str(), path / entry);
      if (status.has_value()) status = std::move(removed);
    }
  }
  if (!status.has_value()) return status;
  if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return path_error("remove", path);
  return {};
}

}  // namespace

Status remove_all(const fs::path& path) {
  // Without the slash of "a/b/", which would follow a link b.
  const fs::path whole = path.has_filename() ? path : path.parent_path();
  return remove_entry(AT_FDCWD, whole.c_str(), whole);
}

Result<std::vector<std::string>> list_directory(const fs::path& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() && errno == ENOENT) return std::vector<std::string>();
  if (!directory.valid()) return path_error("open", path);
  return names_in(directory.get(), path);
}

namespace {

// What of a file counts.
enum class FileLook { Content, Stamp };

// Feeds one tree to a digest, entry by entry: "type mode path NUL content-or-target NUL".
class TreeHasher {
 public:
  TreeHasher(FileLook look, uint64_t byte_limit) : look_(look), bytes_left_(byte_limit) {}

  Status add_directory(int directory, const fs::path& path, const std::string& relative) {
    for (const std::string& name : TRY(names_in(directory, path))) {
      TRY(add_entry(directory, name, path / name, relative.empty() ? name : relative + "/" + name));
    }
    return {};
  }

  std::string hex() { return total_.hex(); }

 private:
  static constexpr int kFileLimit = 100'000;

  Status add_entry(int parent, const std::string& name, const fs::path& path, const std::string& relative) {
    if (++files_ > kFileLimit) {
      return Error(ErrorCode::Invalid,
                   fmt::format("'{}' is file number {}, beyond the limit", path.string(), files_));
    }
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return path_error("look at", path);
    const mode_t bits = info.st_mode & 07777;
    if (S_ISDIR(info.st_mode)) {
      head('d', bits, relative);
      const Fd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!directory.valid()) return path_error("open", path);
      return add_directory(directory.get(), path, relative);
    }
    if (S_ISLNK(info.st_mode)) {
      head('l', 0, relative);
      char target[PATH_MAX];
      const ssize_t length = ::readlinkat(parent, name.c_str(), target, sizeof target);
      if (length < 0) return path_error("read the link", path);
      text(std::string_view(target, static_cast<size_t>(length)));
      return {};
    }
    if (!S_ISREG(info.st_mode)) {
      head('s', bits, relative);  // a socket, pipe or device: it has no content
      return {};
    }
    head('f', bits, relative);
    text(look_ == FileLook::Content ? TRY(content_hash(parent, name, path)) : stamp_of(info));
    return {};
  }

  static std::string stamp_of(const struct stat& info) {
    return fmt::format("{} {} {}.{} {}.{}", info.st_size, info.st_ino, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
  }

  Result<std::string> content_hash(int parent, const std::string& name, const fs::path& path) {
    // Without O_NONBLOCK a file that was swapped for a pipe would hold us for ever.
    const Fd file(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return path_error("open", path);
    Sha256 digest;
    char buffer[64 << 10];
    while (true) {
      const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return path_error("read", path);
      if (count == 0) return digest.hex();
      if (static_cast<uint64_t>(count) > bytes_left_) {
        return Error(ErrorCode::Invalid,
                     fmt::format("'{}' makes the folder larger than the limit", path.string()));
      }
      bytes_left_ -= static_cast<uint64_t>(count);
      digest.update(std::string_view(buffer, static_cast<size_t>(count)));
    }
  }

  void head(char type, mode_t bits, const std::string& relative) {
    text(fmt::format("{} {:o} {}", type, bits, relative));
  }
  void text(std::string_view value) {
    total_.update(value);
    total_.update(std::string_view("\0", 1));
  }

  Sha256 total_;
  FileLook look_;
  uint64_t bytes_left_;
  int files_ = 0;
};

}  // namespace

namespace {

Result<std::string> digest_tree(const fs::path& directory, FileLook look, uint64_t limit) {
  const Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return path_error("open", directory);
  TreeHasher hasher(look, limit);
  TRY(hasher.add_directory(root.get(), directory, ""));
  return hasher.hex();
}

}  // namespace

Result<std::string> hash_tree(const fs::path& directory, uint64_t limit) {
  return digest_tree(directory, FileLook::Content, limit);
}

Result<std::string> stamp_tree(const fs::path& directory) {
  return digest_tree(directory, FileLook::Stamp, 0);
}

}  // namespace slipway::io
