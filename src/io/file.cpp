#include "io/file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/text.h"

namespace slipway::io {

namespace fs = std::filesystem;

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  // Linux closes the descriptor whatever close() answers, so there is nothing to retry.
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

Error path_error(const char* verb, const fs::path& path) {
  return errno_error(errno, fmt::format("{} '{}'", verb, path.string()));
}

Status write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return path_error("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status sync_directory(const fs::path& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return path_error("sync", path);
  return {};
}

// A name that no other writer of ours uses, hidden, so that readers of the folder pass it by.
fs::path beside(const fs::path& path) {
  static std::atomic<uint64_t> counter = 0;
  return path.parent_path() / fmt::format(".{}.{}.{}.new", path.filename().string(), ::getpid(), ++counter);
}

Status write_new(const fs::path& path, std::string_view content, bool durable, int mode) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid()) return path_error("create", path);
  // The mode asked for, whatever the umask is.
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return path_error("set the mode of", path);
  TRY(write_all(file.get(), content, path));
  if (durable && ::fsync(file.get()) != 0) return path_error("sync", path);
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, uint64_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return path_error("open", path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return path_error("look at", path);
  // The size is a hint only: files of /proc say 0 and a log grows while it is read.
  std::string content;
  content.reserve(std::min<uint64_t>(static_cast<uint64_t>(std::max<off_t>(info.st_size, 0)), limit));
  char buffer[64 << 10];
  while (true) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return path_error("read", path);
    if (count == 0) return content;
    if (content.size() + static_cast<size_t>(count) > limit) {
      return Error(ErrorCode::Invalid,
                   fmt::format("'{}' is larger than {}", path.string(), bytes_text(limit)));
    }
    content.append(buffer, static_cast<size_t>(count));
  }
}

Status write_file(const fs::path& path, std::string_view content, bool durable, int mode) {
  const fs::path fresh = beside(path);
  Status written = write_new(fresh, content, durable, mode);
  if (written.has_value() && ::rename(fresh.c_str(), path.c_str()) != 0)
    written = path_error("replace", path);
  if (!written.has_value()) {
    ::unlink(fresh.c_str());
    return written;
  }
  return durable ? sync_directory(path.has_parent_path() ? path.parent_path() : fs::path(".")) : Status();
}

Status make_directories(const fs::path& path, int mode) {
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) {
    if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return path_error("set the mode of", path);
    return {};
  }
  if (errno == ENOENT && path.has_parent_path() && path.parent_path() != path) {
    TRY(make_directories(path.parent_path(), mode));
    if (path.filename().empty()) return {};  // "a/b/" is "a/b"
    return make_directories(path, mode);
  }
  const int reason = errno;
  struct stat info {};
  if (reason == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  errno = reason;
  return path_error("create folder", path);
}

bool exists(const fs::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<Fd> lock_file(const fs::path& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file.valid()) return path_error("open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return path_error("lock", path);
    const auto holder = read_file(path, 64);
    const std::string pid = holder.has_value() ? std::string(trim(*holder)) : std::string();
    return Error(ErrorCode::Conflict, fmt::format("'{}' is locked by {}", path.string(),
                                                  pid.empty() ? "another process" : "process " + pid));
  }
  if (::ftruncate(file.get(), 0) != 0) return path_error("empty", path);
  TRY(write_all(file.get(), fmt::format("{}\n", ::getpid()), path));
  return file;
}

Result<uint64_t> free_bytes(const fs::path& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return path_error("read the free space of", path);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

std::optional<std::string> find_program(std::string_view name) {
  const auto runs = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) {
    return runs(std::string(name)) ? std::optional(std::string(name)) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::vector<std::string> folders = split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':');
  // Many a PATH has /usr/bin and not its brother, where what only root needs is installed.
  for (size_t i = 0, count = folders.size(); i < count; ++i) {
    if (folders[i].ends_with("/bin")) {
      folders.push_back(folders[i].substr(0, folders[i].size() - 3) + "sbin");
    }
  }
  for (const std::string& folder : folders) {
    const std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (runs(candidate)) return candidate;
  }
  return std::nullopt;
}

Result<TemporaryDirectory> TemporaryDirectory::create() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  return create(error ? fs::path("/tmp") : parent);
}

Result<TemporaryDirectory> TemporaryDirectory::create(const fs::path& parent) {
  std::string name = (parent / "slipway-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return path_error("create a folder in", parent);
  return TemporaryDirectory(name);
}

TemporaryDirectory::~TemporaryDirectory() {
  // Nobody is left to tell; what cannot be removed stays for the system's own clean-up of temporary files.
  if (!path_.empty()) static_cast<void>(io::remove_all(path_));
}

}  // namespace slipway::io
