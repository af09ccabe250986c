#include "engine/local/cgroup.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <set>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

bool is_filesystem(const char* path, long magic) {
  struct statfs info {};
  return ::statfs(path, &info) == 0 && info.f_type == magic;
}

// Files of /sys/fs/cgroup are one short text; absent or unreadable ones (a controller that is not there)
// count as empty.
std::string read_text(const fs::path& path) {
  Result<std::string> text = io::read_file(path);
  return text ? *text : std::string();
}

uint64_t read_number(const fs::path& path) {
  uint64_t number = 0;
  std::istringstream(read_text(path)) >> number;
  return number;
}

// The value behind `key` in lines of "key value"; 0 when absent.
uint64_t read_keyed(const fs::path& path, std::string_view key) {
  std::istringstream lines(read_text(path));
  std::string name;
  for (uint64_t value = 0; lines >> name >> value;) {
    if (name == key) return value;
  }
  return 0;
}

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error) && !it->is_symlink(error)) found.push_back(it->path());
  }
  return found;
}

void add_processes(const fs::path& folder, std::set<pid_t>& out) {
  std::istringstream pids(read_text(folder / "cgroup.procs"));
  // A pid of 0 is a process of another pid namespace, which we could not signal.
  for (pid_t pid = 0; pids >> pid;) {
    if (pid > 0) out.insert(pid);
  }
  for (const fs::path& below : subfolders(folder)) add_processes(below, out);
}

// Children first; false when a process is still in one of them.
bool remove_tree(const fs::path& folder) {
  bool removed = true;
  for (const fs::path& below : subfolders(folder)) removed = remove_tree(below) && removed;
  return removed && (::rmdir(folder.c_str()) == 0 || errno == ENOENT);
}

// What oci_spec sets limits by.
constexpr std::string_view kControllers[] = {"cpu", "memory", "pids"};
// Where the processes of a root that is not the machine's go.
constexpr const char* kHostLeaf = "slipway-host";
// Processes may fork while they are moved.
constexpr int kMoveRounds = 10;

bool has_word(const std::string& text, std::string_view wanted) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

// One write is one order to the kernel; the files are never made by us.
Status order(const fs::path& file, const std::string& text) {
  const io::Fd opened(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const bool written = opened.valid() && ::write(opened.get(), text.data(), text.size()) >= 0;
  return written ? Status() : errno_error(errno, fmt::format("write '{}' to {}", text, file.string()));
}

Status make_group(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return errno_error(errno, "make control group " + folder.string());
}

Status pass_down(const fs::path& folder) {
  const fs::path file = folder / "cgroup.subtree_control";
  const std::string passed = read_text(file);
  for (const std::string_view controller : kControllers) {
    if (!has_word(passed, controller)) TRY(order(file, fmt::format("+{} ", controller)));
  }
  return {};
}

// Those that end meanwhile are not there to be moved.
Status empty_root(const fs::path& root) {
  TRY(make_group(root / kHostLeaf));
  std::istringstream pids(read_text(root / "cgroup.procs"));
  for (pid_t pid = 0; pids >> pid;) {
    const Status moved = order(root / kHostLeaf / "cgroup.procs", fmt::format("{}\n", pid));
    if (!moved && moved.error().code() != ErrorCode::NotFound && io::process_start_time(pid)) return moved;
  }
  return {};
}

}  // namespace

CgroupMode cgroup_mode() {
  if (is_filesystem("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC)) return CgroupMode::V2;
  if (is_filesystem("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC)) return CgroupMode::Hybrid;
  return CgroupMode::V1;
}

Cgroups::Cgroups(CgroupMode mode, fs::path root) : mode_(mode), root_(std::move(root)) {}

// Where the group may be: once in version 2, once a hierarchy otherwise. Controllers that share a hierarchy
// are links to one folder, which counts once.
std::vector<fs::path> Cgroups::folders(const std::string& group) const {
  const fs::path relative = fs::path(group).relative_path();
  if (mode_ == CgroupMode::V2) return {root_ / relative};
  std::vector<fs::path> found;
  for (const fs::path& hierarchy : subfolders(root_)) found.push_back(hierarchy / relative);
  return found;
}

fs::path Cgroups::folder(std::string_view controller, const std::string& group) const {
  const fs::path relative = fs::path(group).relative_path();
  return mode_ == CgroupMode::V2 ? root_ / relative : root_ / controller / relative;
}

Status Cgroups::delegate(const std::string& group) const {
  if (mode_ != CgroupMode::V2) return {};
  const std::string there = read_text(root_ / "cgroup.controllers");
  for (const std::string_view controller : kControllers) {
    if (!has_word(there, controller)) {
      return Error(ErrorCode::Unavailable,
                   fmt::format("limit tasks: {} has no controller '{}'", root_.string(), controller));
    }
  }
  // The machine's own root has no type, and may hold processes and pass controllers down.
  const bool machines_own = !io::exists(root_ / "cgroup.type");
  Status passed = machines_own ? pass_down(root_) : Status(Error(ErrorCode::Conflict, "not emptied"));
  for (int round = 0; !machines_own && !passed && round < kMoveRounds; ++round) {
    TRY(empty_root(root_));
    passed = pass_down(root_);
  }
  TRY(passed);
  fs::path folder = root_;
  for (const fs::path& part : fs::path(group).relative_path()) {
    folder /= part;
    TRY(make_group(folder));
    TRY(pass_down(folder));
  }
  return {};
}

std::vector<pid_t> Cgroups::processes(const std::string& group) const {
  std::set<pid_t> found;
  for (const fs::path& folder : folders(group)) add_processes(folder, found);
  return {found.begin(), found.end()};
}

Result<CgroupUsage> Cgroups::usage(const std::string& group) const {
  const fs::path memory = folder("memory", group);
  if (!io::exists(memory)) return Error(ErrorCode::NotFound, "control group " + group);
  CgroupUsage usage;
  usage.processes = read_number(folder("pids", group) / "pids.current");
  if (mode_ == CgroupMode::V2) {
    usage.memory_bytes = read_number(memory / "memory.current");
    usage.oom_kills = read_keyed(memory / "memory.events", "oom_kill");
    usage.cpu_time = Duration(read_keyed(memory / "cpu.stat", "usage_usec") / 1000);
  } else {
    usage.memory_bytes = read_number(memory / "memory.usage_in_bytes");
    usage.oom_kills = read_keyed(memory / "memory.oom_control", "oom_kill");
    usage.cpu_time = Duration(read_number(folder("cpuacct", group) / "cpuacct.usage") / 1'000'000);
  }
  return usage;
}

// A handle of the process that was killed; none when it is not in the group (any more).
io::Fd Cgroups::kill_member(const std::string& group, pid_t pid) const {
  io::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return {};
  // The pid may have been used again since it was read: only the group's own list says that it is still ours.
  const std::vector<pid_t> still = processes(group);
  if (!std::binary_search(still.begin(), still.end(), pid)) return {};
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  return process;
}

void Cgroups::kill_process_group(const std::string& group, pid_t leader) const {
  for (const pid_t pid : processes(group)) {
    if (pid == leader || ::getpgid(pid) == leader) kill_member(group, pid);
  }
}

Status Cgroups::kill(const std::string& group, const Clock& clock, Deadline deadline) const {
  // A process may fork between the reading and the signal, so this is done until nobody is left.
  for (std::vector<pid_t> pids = processes(group); !pids.empty(); pids = processes(group)) {
    for (const pid_t pid : pids) {
      const io::Fd process = kill_member(group, pid);
      if (!process.valid()) continue;
      const Duration left = deadline.left(clock.steady_now());
      pollfd ended{process.get(), POLLIN, 0};
      if (::poll(&ended, 1, static_cast<int>(left.count())) == 0) {
        return Error(ErrorCode::Timeout, fmt::format("kill process {} of control group {}", pid, group));
      }
    }
    if (deadline.passed(clock.steady_now())) {
      return Error(ErrorCode::Timeout, "kill the processes of control group " + group);
    }
  }
  return {};
}

Status Cgroups::remove(const std::string& group, const Clock& clock, Deadline deadline) const {
  while (true) {
    TRY(kill(group, clock, deadline));
    bool removed = true;
    for (const fs::path& folder : folders(group)) removed = remove_tree(folder) && removed;
    if (removed) return {};
    if (deadline.passed(clock.steady_now())) {
      return Error(ErrorCode::Timeout, "remove control group " + group,
                   Error(ErrorCode::Conflict, "it is busy"));
    }
    // A process that has ended leaves its group a moment after its pidfd says so, and no event tells of that.
    ::poll(nullptr, 0, 1);
  }
}

void Cgroups::remove_if_empty(const std::string& group) const {
  for (const fs::path& folder : folders(group)) ::rmdir(folder.c_str());
}

}  // namespace slipway::engine::local
