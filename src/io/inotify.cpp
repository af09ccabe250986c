#include <cerrno>
#include <unistd.h>
#include <unordered_map>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "io/file.h"
#include "io/folder_watch.h"

namespace fs = std::filesystem;

namespace slipway::io {

namespace {

constexpr int kMaxDepth = 64;
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                             IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// Filesystems that others may write to without a word to this kernel, from statfs(2).
bool tells_of_changes(const fs::path& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return true;  // adding the watch tells what is wrong
  switch (static_cast<uint32_t>(info.f_type)) {
    case 0x6969:      // NFS
    case 0xFF534D42:  // CIFS
    case 0xFE534D42:  // SMB2
    case 0x517B:      // SMB
    case 0x65735546:  // FUSE
    case 0x01021997:  // 9p
    case 0x00C36400:  // Ceph
      return false;
    default:
      return true;
  }
}

class Inotify final : public FolderWatch {
 public:
  Inotify(Fd fd, fs::path folder, size_t limit)
      : fd_(std::move(fd)), root_(std::move(folder)), limit_(limit) {}

  int fd() const override { return fd_.get(); }

  // Watches the folder at `path` and those below; all are told as `name`.
  Status add(const fs::path& path, const std::string& name, int depth) {
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kEvents);
    if (watch < 0) {
      // It may have gone meanwhile, be no folder, or be one that we may not read: whoever reads it will say
      // so.
      if (depth > 0 && errno != ENOSPC && errno != ENOMEM) return {};
      const ErrorCode code = errno == ENOSPC ? ErrorCode::Exhausted : errno_error(errno, "").code();
      return Error(code,
                   errno == ENOSPC ? limit_text() : errno_error(errno, "watch " + path.string()).text());
    }
    watched_[watch] = {name, path, depth};
    if (watched_.size() > limit_) return Error(ErrorCode::Exhausted, limit_text());
    if (depth >= kMaxDepth) return {};
    const auto entries = list_directory(path);
    if (!entries.has_value()) return {};
    for (const std::string& entry : *entries) {
      if (is_folder(path / entry, depth)) TRY(add(path / entry, depth == 0 ? entry : name, depth + 1));
    }
    return {};
  }

  Result<FolderChanges> take() override {
    FolderChanges changes;
    alignas(inotify_event) char buffer[64 << 10];
    while (true) {
      const ssize_t size = ::read(fd_.get(), buffer, sizeof buffer);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) break;
      if (size <= 0) return errno_error(errno, "read the events of " + root_.string());
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        TRY(take_event(*event, event->len > 0 ? event->name : "", changes));
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return changes;
  }

 private:
  struct Watched {
    std::string name;
    fs::path path;
    int depth = 0;
  };

  static bool is_folder(const fs::path& path, int depth) {
    if (path.filename().native().starts_with('.')) return false;
    struct stat info {};
    const int looked = depth == 0 ? ::stat(path.c_str(), &info) : ::lstat(path.c_str(), &info);
    return looked == 0 && S_ISDIR(info.st_mode);
  }

  std::string limit_text() const {
    const auto most = read_file("/proc/sys/fs/inotify/max_user_watches");
    std::string text = most.has_value() ? *most : "unknown\n";
    text.pop_back();
    return fmt::format("the system allows no more watches than {} (fs.inotify.max_user_watches = {})",
                       watched_.size(), text);
  }

  Status take_event(const inotify_event& event, const std::string& entry, FolderChanges& changes) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      changes.all = true;
      return {};
    }
    const auto found = watched_.find(event.wd);
    if (found == watched_.end()) return {};
    if ((event.mask & IN_IGNORED) != 0) {
      if (found->second.depth == 0) return Error(ErrorCode::NotFound, root_.string() + " is gone");
      watched_.erase(found);
      return {};
    }
    // A copy: what is added below may move it.
    const Watched watched = found->second;
    if (watched.depth == 0 && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
      return Error(ErrorCode::NotFound, root_.string() + " is gone, or elsewhere");
    }
    const std::string& name = watched.depth == 0 ? entry : watched.name;
    if (name.empty()) return {};
    changes.names.insert(name);
    const bool came = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    if (came && is_folder(watched.path / entry, watched.depth)) {
      TRY(add(watched.path / entry, name, watched.depth + 1));
    }
    return {};
  }

  Fd fd_;
  fs::path root_;
  size_t limit_;
  std::unordered_map<int, Watched> watched_;
};

}  // namespace

Result<std::unique_ptr<FolderWatch>> watch_folder(const fs::path& folder, size_t limit) {
  if (!tells_of_changes(folder)) {
    return Error(ErrorCode::Unavailable,
                 folder.string() + " is on a filesystem that others may change without a word");
  }
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return errno_error(errno, "watch " + folder.string());
  auto watch = std::make_unique<Inotify>(std::move(fd), folder, limit);
  TRY(watch->add(folder, "", 0));
  return std::unique_ptr<FolderWatch>(std::move(watch));
}

}  // namespace slipway::io
