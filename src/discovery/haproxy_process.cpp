#include "discovery/haproxy_process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/text.h"
#include "discovery/haproxy.h"
#include "discovery/worker.h"
#include "io/own_cgroup.h"
#include "io/process.h"

namespace slipway::discovery {
namespace {

constexpr std::string_view kConfig = "haproxy.cfg";
constexpr std::string_view kNextConfig = "haproxy.cfg.next";
constexpr std::string_view kLog = "haproxy.log";
constexpr std::string_view kPidFile = "haproxy.pid";
constexpr uintmax_t kLogLimit = 1 << 20;
// How long to wait between two looks at a HAProxy that starts or reloads, which takes it 30 ms or so.
constexpr Duration kLook = 2ms;
// What it is given to end by itself before it is killed.
constexpr Duration kTermWait = 3s;
constexpr Duration kOrphanWait = 1s;
// Stands for the master where silences are counted: what does not answer does not tell its pid either.
constexpr pid_t kMaster = 0;

// Waits for the process behind `pidfd` to end; false when `wait` is over first.
bool ends_within(const io::Fd& pidfd, Duration wait) {
  pollfd item{pidfd.get(), POLLIN, 0};
  return poll(&item, 1, static_cast<int>(wait.count())) > 0;
}

// The child processes of `pid`'s first thread; none where it is gone.
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const Result<std::string> text = io::read_file(fmt::format("/proc/{0}/task/{0}/children", pid));
  if (!text) return children;
  for (const std::string& word : split(*text, ' ')) {
    pid_t child = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), child).ec == std::errc() && child > 1) {
      children.push_back(child);
    }
  }
  return children;
}

// What HAProxy complains of, without its own decoration:
//   [ALERT]    (9155) : Starting frontend x: cannot bind socket (Address already in use) [127.0.0.1:80]
std::string complaints(std::string_view text) {
  std::vector<std::string> found;
  for (const std::string& line : split(text, '\n')) {
    const size_t begin = line.find(" : ");
    if (!line.starts_with("[ALERT]") || begin == std::string::npos) continue;
    found.emplace_back(trim(std::string_view(line).substr(begin + 3)));
    if (found.size() == 3) break;
  }
  return join(found, "; ");
}

}  // namespace

HaproxyProcess::HaproxyProcess(std::string directory, std::string program, std::string cgroup,
                               const Clock& clock)
    : directory_(std::move(directory)),
      program_(std::move(program)),
      cgroup_(std::move(cgroup)),
      clock_(clock),
      cli_(directory_, clock) {}

Result<std::string> HaproxyProcess::program() const {
  const std::optional<std::string> found = io::find_program(program_);
  if (found) return *found;
  return Error(
      ErrorCode::NotFound,
      fmt::format("{} is not installed: install the package haproxy (apt-get install haproxy)", program_));
}

std::optional<pid_t> HaproxyProcess::recorded() const {
  const Result<std::string> text = io::read_file(path(kPidFile));
  if (!text) return std::nullopt;
  const std::vector<std::string> words = split(trim(*text), ' ');
  pid_t pid = 0;
  if (words.size() != 2) return std::nullopt;
  std::from_chars(words[0].data(), words[0].data() + words[0].size(), pid);
  const Result<uint64_t> started = io::process_start_time(pid);
  if (pid <= 1 || !started || std::to_string(*started) != words[1]) return std::nullopt;
  return pid;
}

void HaproxyProcess::reap() {
  if (child_ != 0 && waitpid(child_, nullptr, WNOHANG) != 0) child_ = 0;
}

Result<std::optional<Processes>> HaproxyProcess::running(Deadline deadline) {
  for (;;) {
    reap();
    Result<Processes> processes = cli_.processes(deadline);
    if (processes && !processes->workers.empty()) {
      note_answer(kMaster, false);
      remember_workers(*processes);
      kill_silent_old(*processes);
      if (!too_silent(processes->workers.front())) return std::optional(*std::move(processes));
      TRY(kill_master(processes->master, deadline));
      continue;
    }
    const bool silent = !processes && processes.error().code() == ErrorCode::Timeout;
    if (!silent && !processes && processes.error().code() != ErrorCode::Unavailable) return processes.error();
    // Nobody answers: none runs, or one is just starting or reloading.
    const std::optional<pid_t> pid = processes ? processes->master : recorded();
    const Result<io::Fd> pidfd = pid ? io::open_pidfd(*pid) : Error(ErrorCode::NotFound, "no HAProxy runs");
    if (!pidfd && !silent) {
      wait_for_orphans(deadline);
      return std::optional<Processes>();
    }
    if (silent || deadline.passed(clock_.steady_now())) {
      note_answer(kMaster, true);
      if (pid && too_silent(kMaster)) {
        TRY(kill_master(*pid, deadline));
        continue;
      }
      return Error(ErrorCode::Timeout, silent ? processes.error().text()
                                              : fmt::format("HAProxy (pid {}) runs but has no worker", *pid));
    }
    ends_within(*pidfd, kLook);
  }
}

Result<std::vector<std::string>> HaproxyProcess::ask(pid_t worker, const std::vector<std::string>& commands,
                                                     Deadline deadline) {
  Result<std::vector<std::string>> answers = cli_.ask(worker, commands, deadline);
  note_answer(worker, !answers && answers.error().code() == ErrorCode::Timeout);
  return answers;
}

bool HaproxyProcess::too_silent(pid_t pid) const {
  const auto found = silences_.find(pid);
  return found != silences_.end() && found->second >= kSilences;
}

void HaproxyProcess::note_answer(pid_t pid, bool silent) {
  if (silent) {
    ++silences_[pid];
  } else {
    silences_.erase(pid);
  }
}

void HaproxyProcess::kill_silent_old(const Processes& processes) {
  for (const pid_t old : processes.old_workers) {
    const auto known = workers_.find(old);
    if (!too_silent(old) || known == workers_.end() || ends_within(known->second, 0ms)) continue;
    log::warning("proxy", "HAProxy's old worker {} has not answered {} times: it is killed", old, kSilences);
    kill(old, SIGKILL);
    silences_.erase(old);
  }
}

// Its workers end with it, or are killed, because until then they hold the ports.
Status HaproxyProcess::kill_master(pid_t master, Deadline deadline) {
  const Result<io::Fd> pidfd = io::open_pidfd(master);
  if (!pidfd || recorded() != master) {
    return Error(ErrorCode::Timeout, fmt::format("HAProxy (pid {}) does not answer, and its pid is not on "
                                                 "record: it is not killed",
                                                 master));
  }
  remember_children(master);
  log::warning("proxy", "HAProxy (pid {}) has not answered {} times in a row: it is killed", master,
               kSilences);
  kill(master, SIGKILL);
  if (!ends_within(*pidfd, deadline.left(clock_.steady_now()))) {
    return Error(ErrorCode::Timeout,
                 fmt::format("HAProxy (pid {}) was killed and has not ended yet", master));
  }
  silences_.clear();
  wait_for_orphans(deadline);
  return {};
}

void HaproxyProcess::remember_workers(const Processes& processes) {
  std::map<pid_t, io::Fd> seen;
  for (const std::vector<pid_t>* pids : {&processes.workers, &processes.old_workers}) {
    for (const pid_t pid : *pids) {
      if (const auto known = workers_.find(pid); known != workers_.end()) {
        seen.insert(workers_.extract(known));
      } else if (Result<io::Fd> pidfd = io::open_pidfd(pid)) {
        seen[pid] = *std::move(pidfd);
      }
    }
  }
  workers_ = std::move(seen);
}

void HaproxyProcess::wait_for_orphans(Deadline deadline) {
  for (const auto& [pid, pidfd] : workers_) {
    if (ends_within(pidfd, std::min(kOrphanWait, deadline.left(clock_.steady_now())))) continue;
    log::warning("proxy", "HAProxy's process {} outlives its master: it is killed", pid);
    kill(pid, SIGKILL);  // its pidfd says that it is that process still
    ends_within(pidfd, kOrphanWait);
  }
  workers_.clear();
}

// The workers of a master that does not tell them.
void HaproxyProcess::remember_children(pid_t master) {
  for (const pid_t child : children_of(master)) {
    if (Result<io::Fd> pidfd = io::open_pidfd(child)) workers_.try_emplace(child, *std::move(pidfd));
  }
}

Status HaproxyProcess::have_folder() const {
  TRY(io::make_directories(directory_, 0700));
  return io::make_directories(path(kEmptyFolder), 0700);
}

Status HaproxyProcess::check(const std::string& text, Deadline deadline) {
  TRY(have_folder());
  TRY(io::write_file(path(kNextConfig), text, false, 0600));
  io::Command command;
  command.argv = {TRY(program()), "-c", "-f", std::string(kNextConfig)};
  command.directory = directory_;
  const io::Finished finished = TRY(io::run(command, clock_, deadline));
  if (finished.ok()) return {};
  const std::string why = complaints(finished.err);
  return Error(ErrorCode::Invalid, "HAProxy refuses it: " + (why.empty() ? finished.last_lines() : why));
}

// A service manager that ends the daemon's group must not end HAProxy with it.
std::function<int()> HaproxyProcess::leave_our_cgroup() const {
  if (cgroup_.empty()) return {};
  Result<io::OwnCgroup> opened = io::OwnCgroup::open(cgroup_);
  if (!opened) {
    log::warning("proxy",
                 "HAProxy stays in the control plane's control group, and ends where that is ended: {}",
                 opened.error().text());
    return {};
  }
  return [own = std::make_shared<io::OwnCgroup>(std::move(*opened))] {
    own->enter();
    return 0;
  };
}

Status HaproxyProcess::start(const std::string& text, const std::string& signature, Deadline deadline) {
  const std::string haproxy = TRY(program());
  TRY(have_folder());
  TRY(io::write_file(path(kConfig), text, false, 0600));
  const io::Fd log(open(path(kLog).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return errno_error(errno, "open " + path(kLog));
  io::Command command;
  command.argv = {
      haproxy, "-W", "-S", fmt::format("unix@{},mode,600", kMasterSocket), "-f", std::string(kConfig)};
  command.directory = directory_;
  command.stdout_fd = log.get();
  command.stderr_fd = log.get();
  command.new_session = true;
  command.setup = leave_our_cgroup();
  child_ = TRY(io::spawn(command));
  const Result<uint64_t> started = io::process_start_time(child_);
  if (started) {
    TRY(io::write_file(path(kPidFile), fmt::format("{} {}\n", child_, *started), false, 0600));
  }
  const Status serving = serve(signature, child_, deadline);
  reap();
  if (serving) return {};
  const std::string why = complaint(0);
  return why.empty() ? serving.error() : Error(ErrorCode::Unavailable, "HAProxy did not start: " + why);
}

Status HaproxyProcess::reload(const std::string& text, const std::string& signature, Deadline deadline) {
  const Processes before = TRY(cli_.processes(deadline));
  TRY(io::write_file(path(kConfig), text, false, 0600));
  const size_t log_before = log_size();
  TRY(cli_.reload(deadline));
  const Status serving = serve(signature, before.master, deadline);
  if (serving) return {};
  const std::string why = complaint(log_before);
  return why.empty() ? serving.error() : Error(ErrorCode::Unavailable, "HAProxy did not reload: " + why);
}

// Waits for a worker that was started with the text of `signature`.
Status HaproxyProcess::serve(const std::string& signature, pid_t master, Deadline deadline) {
  const Result<io::Fd> pidfd = io::open_pidfd(master);
  if (!pidfd) return Error(ErrorCode::Unavailable, "HAProxy ended at once");
  while (!deadline.passed(clock_.steady_now())) {
    // Errors are part of it: the master's socket is not there yet, or has just been replaced.
    const Result<Processes> processes = cli_.processes(deadline);
    if (processes && processes->failed_reloads > 0)
      return Error(ErrorCode::Unavailable, "HAProxy's reload failed");
    if (processes && !processes->workers.empty()) {
      const auto answers = cli_.ask(processes->workers.front(), worker_questions(), deadline);
      const Result<WorkerView> view = answers ? parse_worker(*answers) : Result<WorkerView>(answers.error());
      if (view && view->signature == signature) return {};
    }
    if (ends_within(*pidfd, kLook)) return Error(ErrorCode::Unavailable, "HAProxy ended");
  }
  return Error(ErrorCode::Timeout, "HAProxy was told its configuration and does not serve it yet");
}

Status HaproxyProcess::stop(Deadline deadline) {
  // One that cannot say its pid is found by the record of it.
  const Result<Processes> processes = cli_.processes(deadline);
  const std::optional<pid_t> master = processes ? processes->master : recorded();
  if (processes) remember_workers(*processes);
  if (master) {
    remember_children(*master);
    if (Result<io::Fd> pidfd = io::open_pidfd(*master)) {
      kill(*master, SIGTERM);
      if (!ends_within(*pidfd, std::min(kTermWait, deadline.left(clock_.steady_now()))))
        kill(*master, SIGKILL);
      if (!ends_within(*pidfd, deadline.left(clock_.steady_now()))) {
        return Error(ErrorCode::Timeout,
                     fmt::format("HAProxy (pid {}) was killed and has not ended yet", *master));
      }
    }
  }
  wait_for_orphans(deadline);
  reap();
  for (const std::string_view name :
       {kConfig, kNextConfig, kLog, kPidFile, kMasterSocket, kWorkerSocket, kEmptyFolder}) {
    TRY(io::remove_all(path(name)));
  }
  if (!cgroup_.empty()) io::OwnCgroup::remove(cgroup_, clock_, deadline);
  std::error_code not_empty;  // then somebody else's file is in it, and it stays
  std::filesystem::remove(directory_, not_empty);
  return {};
}

size_t HaproxyProcess::log_size() const {
  std::error_code missing;
  const uintmax_t size = std::filesystem::file_size(path(kLog), missing);
  return missing ? 0 : static_cast<size_t>(size);
}

std::string HaproxyProcess::complaint(size_t offset) const {
  const Result<std::string> text = io::read_file(path(kLog));
  if (!text) return "";
  return complaints(std::string_view(*text).substr(std::min(offset, text->size())));
}

void HaproxyProcess::bound_log() {
  if (log_size() <= kLogLimit) return;
  if (truncate(path(kLog).c_str(), 0) != 0)
    log::warning("proxy", "cut {}: {}", path(kLog), std::strerror(errno));
}

}  // namespace slipway::discovery
