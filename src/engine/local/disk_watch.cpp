#include "engine/local/disk_watch.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>

#include <sys/stat.h>

#include "io/file.h"

namespace slipway::engine::local {

namespace {

// Each folder on the way down costs a descriptor. Who nests deeper than any real program hides a little.
constexpr int kDeepest = 100;
constexpr int kFilesBetweenQuestions = 64;

class Walk {
 public:
  Walk(uint64_t enough, const std::function<bool()>& go_on) : enough_(enough), go_on_(go_on) {}

  void begin(const std::filesystem::path& folder) {
    io::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat info {};
    if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return;
    device_ = info.st_dev;
    descend(std::move(fd), 0);
  }

  uint64_t bytes() const { return bytes_; }

 private:
  void descend(io::Fd fd, int depth) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd.get()), ::closedir);
    if (!folder) return;
    fd.release();
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (!count(::dirfd(folder.get()), entry->d_name, depth)) return;
    }
  }

  // False: it is enough.
  bool count(int folder, const char* name, int depth) {
    struct stat info {};
    if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != device_) return true;
    const auto held = static_cast<uint64_t>(info.st_blocks) * 512;
    const bool is_folder = S_ISDIR(info.st_mode);
    // All names of a file are in the one layer, so each bears its part.
    bytes_ += is_folder ? held : held / std::max<uint64_t>(info.st_nlink, 1);
    if (bytes_ > enough_) return false;
    if (++looked_at_ % kFilesBetweenQuestions == 0 && !go_on_()) stopped_ = true;
    if (!stopped_ && is_folder && depth < kDeepest) {
      io::Fd below(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (below.valid()) descend(std::move(below), depth + 1);
    }
    return !stopped_ && bytes_ <= enough_;
  }

  const uint64_t enough_;
  const std::function<bool()>& go_on_;
  dev_t device_ = 0;
  uint64_t bytes_ = 0;
  uint64_t looked_at_ = 0;
  bool stopped_ = false;
};

}  // namespace

uint64_t disk_use(const std::filesystem::path& folder, uint64_t enough, const std::function<bool()>& go_on) {
  Walk walk(enough, go_on);
  walk.begin(folder);
  return walk.bytes();
}

DiskWatch::DiskWatch(const Clock& clock, DiskPace pace, Report report)
    : clock_(clock), pace_(pace), report_(std::move(report)), thread_([this] { work(); }) {}

DiskWatch::~DiskWatch() {
  {
    const Lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void DiskWatch::watch(const model::TaskId& task, DiskTarget target) {
  const Lock lock(mutex_);
  targets_[task] = std::move(target);
}

void DiskWatch::forget(const model::TaskId& task) {
  const Lock lock(mutex_);
  targets_.erase(task);
}

void DiskWatch::work() {
  SteadyTime next = clock_.steady_now() + pace_.period;
  while (wait_until(next)) {
    slice_began_ = clock_.steady_now();
    next = slice_began_ + pace_.period;
    std::map<model::TaskId, DiskTarget> targets;
    {
      const Lock lock(mutex_);
      targets = targets_;
    }
    for (const auto& [task, target] : targets) {
      if (!take_a_rest()) return;
      look_at(task, target);
    }
  }
}

void DiskWatch::look_at(const model::TaskId& task, const DiskTarget& target) {
  // A big layer takes many slices; the task may be gone before the last.
  const auto go_on = [&] { return take_a_rest() && is_watched(task, target.run); };
  if (!is_watched(task, target.run)) return;
  const uint64_t used = disk_use(target.layer, target.limit_bytes, go_on);
  if (used > target.limit_bytes) report_(task, target.run, used);
}

bool DiskWatch::is_watched(const model::TaskId& task, uint64_t run) const {
  const Lock lock(mutex_);
  const auto found = targets_.find(task);
  return found != targets_.end() && found->second.run == run;
}

// Where the slice is used up. False: it closes.
bool DiskWatch::take_a_rest() {
  const SteadyTime now = clock_.steady_now();
  const auto worked = now - slice_began_;
  if (worked < pace_.slice) return true;
  const auto rest = std::min<SteadyTime::duration>(worked * pace_.rest, pace_.longest_rest);
  const bool open = wait_until(now + rest);
  slice_began_ = clock_.steady_now();
  return open;
}

bool DiskWatch::wait_until(SteadyTime at) {
  const Lock lock(mutex_);
  while (!closing_ && clock_.steady_now() < at) wake_.wait_until(mutex_, at);
  return !closing_;
}

}  // namespace slipway::engine::local
