#include "io/process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"

namespace slipway::io {

namespace {

// glibc 2.36 declares pidfd_open without extern "C", so that it does not link from C++.
int pidfd_open(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// Of open descriptors, for what we start; set once, before there are threads. Absent: ours was never raised.
std::optional<rlimit> g_limit_before;

// The words of a command in a message: enough to know which one it was.
std::string short_text(const Command& command) {
  constexpr size_t kLimit = 200;
  std::string text = command.text();
  if (text.size() > kLimit) text = text.substr(0, kLimit) + "...";
  return text;
}

enum class Stage : int { Setup, Directory, Descriptors, Exec };

struct ChildError {
  Stage stage;
  int number;
};

// All that the child needs, made before the fork: between fork and exec nothing may allocate or lock, because
// another thread may have held the lock when the fork happened.
struct Prepared {
  std::string program;
  std::vector<std::string> env_words;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::pair<int, int>> fds;  // ours -> theirs, standard ones included
  std::vector<int> copies;               // room for a copy of each of ours
  int above = 0;                         // a number above all of theirs
  Fd null_device;
  bool own_group = false;
};

Result<Prepared> prepare(const Command& command, bool own_group) {
  if (command.argv.empty()) return Error(ErrorCode::Invalid, "an empty command");
  Prepared prepared;
  prepared.own_group = own_group;
  prepared.program = command.argv.front();
  if (prepared.program.find('/') == std::string::npos) {
    const auto found = find_program(prepared.program);
    if (!found) {
      return Error(ErrorCode::NotFound, fmt::format("start '{}'", prepared.program),
                   Error(ErrorCode::NotFound, "there is no such program in PATH"));
    }
    prepared.program = *found;
  }
  for (const std::string& word : command.argv) prepared.argv.push_back(const_cast<char*>(word.c_str()));
  prepared.argv.push_back(nullptr);
  if (command.env) {
    for (const auto& [key, value] : *command.env) prepared.env_words.push_back(key + "=" + value);
    for (std::string& word : prepared.env_words) prepared.envp.push_back(word.data());
  } else {
    for (char** word = environ; *word != nullptr; ++word) prepared.envp.push_back(*word);
  }
  prepared.envp.push_back(nullptr);
  prepared.null_device = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!prepared.null_device.valid()) return errno_error(errno, "open '/dev/null'");
  const int standard[] = {command.stdin_fd, command.stdout_fd, command.stderr_fd};
  for (int theirs = 0; theirs < 3; ++theirs) {
    prepared.fds.emplace_back(standard[theirs] >= 0 ? standard[theirs] : prepared.null_device.get(), theirs);
  }
  prepared.fds.insert(prepared.fds.end(), command.fds.begin(), command.fds.end());
  for (const auto& [ours, theirs] : prepared.fds) prepared.above = std::max(prepared.above, theirs + 1);
  prepared.copies.resize(prepared.fds.size(), -1);
  return prepared;
}

[[noreturn]] void child_fails(int error_pipe, Stage stage, int number) {
  const ChildError error{stage, number};
  // A pipe takes so few bytes whole; when the parent is gone nobody wants them.
  static_cast<void>(!::write(error_pipe, &error, sizeof error));
  ::_exit(127);
}

// The child, up to exec. Async-signal-safe calls only.
[[noreturn]] void child_main(const Command& command, Prepared& prepared, int error_pipe) {
  // First above all numbers that will be given out below, so that none is overwritten before it is used.
  error_pipe = ::fcntl(error_pipe, F_DUPFD_CLOEXEC, prepared.above);
  if (error_pipe < 0) ::_exit(127);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  if (command.new_session) {
    ::setsid();
  } else if (prepared.own_group) {
    ::setpgid(0, 0);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  if (g_limit_before) ::setrlimit(RLIMIT_NOFILE, &*g_limit_before);
  if (command.setup) {
    if (const int number = command.setup(); number != 0) child_fails(error_pipe, Stage::Setup, number);
  }
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) {
    child_fails(error_pipe, Stage::Directory, errno);
  }
  for (size_t i = 0; i < prepared.fds.size(); ++i) {
    prepared.copies[i] = ::fcntl(prepared.fds[i].first, F_DUPFD_CLOEXEC, prepared.above);
    if (prepared.copies[i] < 0) child_fails(error_pipe, Stage::Descriptors, errno);
  }
  // Ours are close-on-exec anyhow; this is for those that a library forgot. Kernels before 5.11 do not know
  // the flag.
  static_cast<void>(::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
  for (size_t i = 0; i < prepared.fds.size(); ++i) {
    if (::dup2(prepared.copies[i], prepared.fds[i].second) < 0)
      child_fails(error_pipe, Stage::Descriptors, errno);
  }
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  child_fails(error_pipe, Stage::Exec, errno);
}

Error start_error(const Command& command, const ChildError& error) {
  const std::string what = fmt::format("start '{}'", command.argv.front());
  switch (error.stage) {
    case Stage::Setup:
      return errno_error(error.number, command.setup_name).context(what);
    case Stage::Directory:
      return errno_error(error.number, fmt::format("change to folder '{}'", command.directory)).context(what);
    case Stage::Descriptors:
      return errno_error(error.number, "hand over descriptors").context(what);
    case Stage::Exec:
      return errno_error(error.number, what);
  }
  return errno_error(error.number, what);
}

Result<pid_t> start(const Command& command, bool own_group) {
  Prepared prepared = TRY(prepare(command, own_group));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "create a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);

  // No handler of ours may run in the child, so no signal may arrive there before the handlers are reset.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) child_main(command, prepared, writer.get());
  const int fork_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error(fork_errno, fmt::format("start '{}'", command.argv.front()));

  // The pipe closes by the exec; until then the child does nothing that waits.
  writer.reset();
  ChildError error{};
  ssize_t count = 0;
  do {
    count = ::read(reader.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return pid;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (count != sizeof error)
    return Error(ErrorCode::Internal, fmt::format("start '{}'", command.argv.front()));
  return start_error(command, error);
}

// What a program writes to one of its streams: read as it comes, the end kept.
class Capture {
 public:
  static constexpr size_t kLimit = 1 << 20;

  Result<int> open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "create a pipe");
    reader_ = Fd(ends[0]);
    writer_ = Fd(ends[1]);
    if (::fcntl(reader_.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "prepare a pipe");
    return writer_.get();
  }
  void close_writer() { writer_.reset(); }
  bool open_still() const { return reader_.valid(); }
  int fd() const { return reader_.get(); }

  // Takes what is there; closes at the end of the stream.
  void drain() {
    char buffer[64 << 10];
    while (reader_.valid()) {
      const ssize_t count = ::read(reader_.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        reader_.reset();
        return;
      }
      text_.append(buffer, static_cast<size_t>(count));
      // Trimmed at twice the limit and not at each read, so that a flood is not moved in memory again and
      // again.
      if (text_.size() > 2 * kLimit) text_.erase(0, text_.size() - kLimit);
      if (count < static_cast<ssize_t>(sizeof buffer)) return;
    }
  }
  std::string take() {
    if (text_.size() > kLimit) text_.erase(0, text_.size() - kLimit);
    return std::move(text_);
  }

 private:
  Fd reader_;
  Fd writer_;
  std::string text_;
};

// Standard input as a file in memory: nothing to write while the program runs, and no SIGPIPE when it does
// not read.
Result<Fd> input_file(std::string_view input) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return errno_error(errno, "create a file in memory");
  while (!input.empty()) {
    const ssize_t written = ::write(file.get(), input.data(), input.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "fill a file in memory");
    input.remove_prefix(static_cast<size_t>(written));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return errno_error(errno, "rewind a file in memory");
  return file;
}

// Reads both streams until the program has ended and both are closed. A grandchild may keep them open for
// ever: it gets `kGrace` after the program's end. False: the deadline came first.
bool follow(int pidfd, Capture& out, Capture& err, const Clock& clock, Deadline deadline) {
  constexpr Duration kGrace = 200ms;
  bool exited = false;
  while (!exited || out.open_still() || err.open_still()) {
    const Duration left = deadline.left(clock.steady_now());
    if (left == Duration::zero()) break;
    // poll() passes over negative descriptors, which is what closed captures have.
    pollfd polled[] = {{exited ? -1 : pidfd, POLLIN, 0}, {out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}};
    const int wait = static_cast<int>(std::min<Duration::rep>(left.count(), 60'000));
    if (::poll(polled, 3, wait) < 0 && errno != EINTR) break;
    if (polled[1].revents != 0) out.drain();
    if (polled[2].revents != 0) err.drain();
    if (polled[0].revents != 0) {
      exited = true;
      deadline.at = std::min(deadline.at, clock.deadline_in(kGrace).at);
    }
  }
  return exited;
}

// Reaps; the program is known to have ended, or gets `kKillWait` to end after SIGKILL. A process that even
// SIGKILL does not end (stuck in the kernel) stays a zombie-to-be: waiting longer would hang the caller with
// it.
std::optional<int> reap(pid_t pid, int pidfd) {
  constexpr int kKillWaitMs = 5000;
  pollfd polled{pidfd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&polled, 1, kKillWaitMs);
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid, &status, ready > 0 ? 0 : WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  return reaped == pid ? std::optional(status) : std::nullopt;
}

}  // namespace

std::string Command::text() const {
  std::vector<std::string> words;
  for (const std::string& word : argv) words.push_back(shell_quote(word));
  return join(words, " ");
}

std::string Finished::last_lines(int count) const {
  std::string_view text = trim(err).empty() ? trim(out) : trim(err);
  size_t begin = text.size();
  for (int i = 0; i < count && begin > 0 && begin != std::string_view::npos; ++i) {
    begin = text.rfind('\n', begin - 1);
  }
  if (begin != std::string_view::npos && begin < text.size() && text[begin] == '\n')
    text.remove_prefix(begin + 1);
  return std::string(text);
}

void Cancellation::cancel() {
  const Lock lock(mutex_);
  cancelled_ = true;
  for (const pid_t pid : running_) ::kill(-pid, SIGKILL);
}

bool Cancellation::cancelled() const {
  const Lock lock(mutex_);
  return cancelled_;
}

bool Cancellation::enter(pid_t pid) {
  const Lock lock(mutex_);
  running_.insert(pid);
  return !cancelled_;
}

void Cancellation::leave(pid_t pid) {
  const Lock lock(mutex_);
  running_.erase(pid);
}

Result<Finished> run(const Command& command, const Clock& clock, Deadline deadline,
                     Cancellation* cancellation) {
  Capture out, err;
  Command prepared = command;
  prepared.stdout_fd = TRY(out.open());
  prepared.stderr_fd = TRY(err.open());
  Fd input;
  prepared.stdin_fd = -1;
  if (!command.input.empty()) {
    input = TRY(input_file(command.input));
    prepared.stdin_fd = input.get();
  }
  prepared.fds.clear();
  const pid_t pid = TRY(start(prepared, true));
  out.close_writer();
  err.close_writer();
  const Fd pidfd(pidfd_open(pid));
  const bool wanted = cancellation == nullptr || cancellation->enter(pid);
  const bool ended = wanted && pidfd.valid() && follow(pidfd.get(), out, err, clock, deadline);
  // Still unreaped, so neither the pid nor its group can be somebody else's by now.
  if (!ended) ::kill(-pid, SIGKILL);
  if (cancellation != nullptr) cancellation->leave(pid);
  const std::optional<int> status = reap(pid, pidfd.get());
  Finished finished;
  finished.out = out.take();
  finished.err = err.take();
  if (cancellation != nullptr && cancellation->cancelled())
    return Error(ErrorCode::Unavailable, short_text(command), Error(ErrorCode::Unavailable, "cancelled"));
  if (!ended) {
    const std::string lines = finished.last_lines();
    return Error(
        ErrorCode::Timeout, short_text(command),
        Error(ErrorCode::Timeout, lines.empty() ? "not done by its deadline; killed"
                                                : "not done by its deadline; killed. It said: " + lines));
  }
  if (!status)
    return Error(ErrorCode::Internal, short_text(command) + ": its exit status was taken by somebody else");
  finished.exit_code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
  return finished;
}

Result<Finished> run_ok(const Command& command, const Clock& clock, Deadline deadline) {
  Finished finished = TRY(run(command, clock, deadline));
  if (finished.ok()) return finished;
  const std::string how = finished.exit_code > 128 && finished.exit_code < 128 + NSIG
                              ? signal_name(finished.exit_code - 128)
                              : fmt::format("exit code {}", finished.exit_code);
  const std::string lines = finished.last_lines();
  return Error(ErrorCode::Internal, short_text(command),
               Error(ErrorCode::Internal, lines.empty() ? how : fmt::format("{}: {}", how, lines)));
}

Result<pid_t> spawn(const Command& command) {
  return start(command, false);
}

Status raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error(errno, "read the limit of descriptors");
  const rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error(errno, "raise the limit of descriptors");
  if (!g_limit_before) g_limit_before = before;
  return {};
}

Result<ProcessFacts> process_facts(pid_t pid) {
  const Error gone(ErrorCode::NotFound, fmt::format("there is no process {}", pid));
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat.has_value()) return stat.error().code() == ErrorCode::NotFound ? gone : stat.error();
  // The name stands in parentheses and may itself hold spaces and parentheses: the last one ends it.
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return gone;
  const std::vector<std::string> fields = split(std::string_view(*stat).substr(name_end + 2), ' ');
  constexpr size_t kState = 0, kParent = 1, kSession = 3, kStartTime = 19;  // proc(5): fields 3, 4, 6, 22
  if (fields.size() <= kStartTime || fields[kState] == "Z" || fields[kState] == "X") return gone;
  const auto read = [&fields](size_t field, auto& value) {
    const std::string& digits = fields[field];
    return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc();
  };
  ProcessFacts facts;
  if (!read(kParent, facts.parent) || !read(kSession, facts.session) || !read(kStartTime, facts.start_time))
    return gone;
  return facts;
}

Result<uint64_t> process_start_time(pid_t pid) {
  return TRY(process_facts(pid)).start_time;
}

Result<std::vector<pid_t>> all_processes() {
  std::vector<pid_t> pids;
  for (const std::string& name : TRY(list_directory("/proc"))) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

Result<Fd> open_pidfd(pid_t pid) {
  Fd pidfd(pidfd_open(pid));
  if (!pidfd.valid()) {
    return errno_error(errno == EINVAL ? ESRCH : errno, fmt::format("watch process {}", pid));
  }
  pollfd polled{pidfd.get(), POLLIN, 0};
  if (::poll(&polled, 1, 0) > 0) return errno_error(ESRCH, fmt::format("watch process {}", pid));
  return pidfd;
}

std::optional<int> signal_number(std::string_view name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) {
    return number > 0 && number < NSIG ? std::optional(number) : std::nullopt;
  }
  if (name.starts_with("SIG")) name.remove_prefix(3);
  // Images of init systems name real-time signals as their stop signal ("SIGRTMIN+3").
  if (name.starts_with("RTMIN+")) {
    const std::string_view offset = name.substr(6);
    const auto read = std::from_chars(offset.data(), offset.data() + offset.size(), number);
    const bool whole = read.ec == std::errc() && read.ptr == offset.data() + offset.size();
    return whole && number >= 0 && SIGRTMIN + number <= SIGRTMAX ? std::optional(SIGRTMIN + number)
                                                                 : std::nullopt;
  }
  for (int candidate = 1; candidate < NSIG; ++candidate) {
    const char* known = ::sigabbrev_np(candidate);
    if (known != nullptr && name == known) return candidate;
  }
  return std::nullopt;
}

std::string signal_name(int number) {
  const char* known = ::sigabbrev_np(number);
  return known != nullptr ? std::string("SIG") + known : fmt::format("signal {}", number);
}

}  // namespace slipway::io
