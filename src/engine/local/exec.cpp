#include "engine/local/exec.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/log.h"

namespace slipway::engine::local {

namespace {

constexpr size_t kChunk = 64 << 10;
// A command that does not read its input for this long is taken to have stopped doing so.
constexpr int kInputPatienceMs = 10'000;

struct Pipe {
  io::Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "make a pipe");
  return Pipe{io::Fd(ends[0]), io::Fd(ends[1])};
}

Status make_nonblocking(int fd) {
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "set up a command's stream");
  return {};
}

// Writing to a pipe whose reader has gone raises SIGPIPE, which must not end the process, whatever it has set
// up for that signal: it is blocked for the write, and taken off when it came.
ssize_t write_without_signal(int fd, std::string_view bytes) {
  sigset_t pipe, before, pending;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  const ssize_t written = ::write(fd, bytes.data(), bytes.size());
  const int number = errno;
  if (written < 0 && number == EPIPE && !was_pending) {
    const timespec at_once{};
    while (::sigtimedwait(&pipe, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return written;
}

Status set_size(int terminal, int rows, int columns) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  if (::ioctl(terminal, TIOCSWINSZ, &size) != 0) return errno_error(errno, "resize a terminal");
  return {};
}

// Our ends of the command's streams. With a terminal, `out` is its master and `err` is none.
struct Streams {
  io::Fd in, out, err;
  bool terminal = false;
};

class ProcessSession final : public ExecSession {
 public:
  ProcessSession(pid_t child, io::Fd child_end, Streams streams, ExecInside inside)
      : child_(child),
        child_end_(std::move(child_end)),
        streams_(std::move(streams)),
        inside_(std::move(inside)) {}
  ~ProcessSession() override;

  Result<std::optional<Chunk>> read(Duration wait) override;
  Status write(std::string_view input) override;
  Status close_input() override;
  void resize(int rows, int columns) override;
  bool finished() const override { return finished_; }
  int exit_code() const override { return exit_code_; }

 private:
  Result<std::optional<Chunk>> take(io::Fd& fd, Stream stream);
  void reap();

  const pid_t child_;
  io::Fd child_end_;  // readable when the child has ended
  Streams streams_;   // `in` is the writer's, the rest the reader's
  const ExecInside inside_;
  bool ended_ = false;     // the child has; what it wrote may not have been read
  bool finished_ = false;  // and all has
  int exit_code_ = 0;
};

ProcessSession::~ProcessSession() {
  if (!finished_) {
    if (inside_.kill) inside_.kill();
    ::kill(-child_, SIGKILL);  // it leads a session of its own
    reap();
  }
  if (!inside_.pid_file.empty()) ::unlink(inside_.pid_file.c_str());
}

Result<std::optional<ExecSession::Chunk>> ProcessSession::read(Duration wait) {
  if (finished_) return std::optional<Chunk>();
  // Closed ones are -1, which poll ignores.
  std::array<pollfd, 3> fds = {pollfd{streams_.out.get(), POLLIN, 0}, pollfd{streams_.err.get(), POLLIN, 0},
                               pollfd{child_end_.get(), POLLIN, 0}};
  if (ended_) wait = 0ms;
  constexpr Duration kLongest = 1h;  // fits poll's int; the caller comes back
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::min(wait, kLongest).count()));
  if (ready < 0 && errno != EINTR) return errno_error(errno, "wait for a command's output");
  if (ready <= 0) return std::optional<Chunk>();
  if (fds[0].revents != 0) return take(streams_.out, Stream::Out);
  if (fds[1].revents != 0) return take(streams_.err, Stream::Err);
  // It has ended. What it wrote last may have come after poll looked at the streams and before it looked at
  // the child, so they are looked at once more. Something that it started may still hold them; that is not
  // waited for.
  if (std::exchange(ended_, true)) reap();
  return std::optional<Chunk>();
}

Result<std::optional<ExecSession::Chunk>> ProcessSession::take(io::Fd& fd, Stream stream) {
  Chunk chunk{stream, std::string(kChunk, '\0')};
  const ssize_t got = ::read(fd.get(), chunk.data.data(), chunk.data.size());
  if (got > 0) {
    chunk.data.resize(static_cast<size_t>(got));
    return std::optional(std::move(chunk));
  }
  // A terminal that nobody has open any more reads as EIO.
  if (got < 0 && errno != EIO && errno != EAGAIN && errno != EINTR)
    return errno_error(errno, "read a command's output");
  if (got == 0 || errno == EIO) fd.reset();
  return std::optional<Chunk>();
}

Status ProcessSession::write(std::string_view input) {
  while (!input.empty()) {
    if (!streams_.in.valid()) return Error(ErrorCode::Unavailable, "the command's input is closed");
    const ssize_t written = write_without_signal(streams_.in.get(), input);
    if (written > 0) {
      input.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EPIPE || errno == EIO)
      return Error(ErrorCode::Unavailable, "the command reads no more input");
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return errno_error(errno, "write a command's input");
    pollfd ready{streams_.in.get(), POLLOUT, 0};
    if (::poll(&ready, 1, kInputPatienceMs) == 0) {
      return Error(ErrorCode::Timeout, "the command does not read its input");
    }
  }
  return {};
}

Status ProcessSession::close_input() {
  if (!streams_.terminal) {
    streams_.in.reset();
    return {};
  }
  constexpr char kEndOfTransmission = 4;  // what Ctrl-D sends
  return write(std::string_view(&kEndOfTransmission, 1));
}

void ProcessSession::resize(int rows, int columns) {
  if (!streams_.terminal || !streams_.in.valid()) return;
  const Status resized = set_size(streams_.in.get(), rows, columns);
  if (!resized) log::debug("engine.local", "{}", resized.error().text());
}

void ProcessSession::reap() {
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0) {
    if (errno != EINTR) break;
  }
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  finished_ = true;
}

Result<std::unique_ptr<ExecSession>> spawn_session(const io::Command& command, Streams streams,
                                                   const ExecInside& inside) {
  const pid_t child = TRY(io::spawn(command));
  // Ours to wait for, so even one that has ended has its pid still.
  auto end = io::open_pidfd(child);
  if (!end && end.error().code() != ErrorCode::NotFound) {
    ::kill(-child, SIGKILL);
    return end.error();
  }
  io::Fd child_end;
  if (end) {
    child_end = std::move(*end);
  } else {
    // Ended already: any descriptor that is readable for good says the same.
    child_end = io::Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  return std::make_unique<ProcessSession>(child, std::move(child_end), std::move(streams), inside);
}

Result<std::unique_ptr<ExecSession>> start_on_pipes(io::Command command, const ExecInside& inside) {
  Pipe in = TRY(make_pipe()), out = TRY(make_pipe()), err = TRY(make_pipe());
  TRY(make_nonblocking(in.write.get()));
  command.stdin_fd = in.read.get();
  command.stdout_fd = out.write.get();
  command.stderr_fd = err.write.get();
  return spawn_session(command, Streams{std::move(in.write), std::move(out.read), std::move(err.read)},
                       inside);
}

Result<std::unique_ptr<ExecSession>> start_on_terminal(io::Command command, const ExecInside& inside,
                                                       const ExecTerminal& terminal) {
  io::Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 64> name{};
  if (!master.valid() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
    return errno_error(errno, "open a terminal");
  }
  const io::Fd slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.valid()) return errno_error(errno, "open a terminal");
  io::Fd writer(::fcntl(master.get(), F_DUPFD_CLOEXEC, 3));
  if (!writer.valid()) return errno_error(errno, "open a terminal");
  TRY(make_nonblocking(master.get()));
  command.stdin_fd = command.stdout_fd = command.stderr_fd = slave.get();
  command.setup = [before = std::move(command.setup), fd = slave.get()] {
    if (::ioctl(fd, TIOCSCTTY, 0) != 0) return errno;
    return before ? before() : 0;
  };
  // Before there is anybody to ask for it.
  TRY(set_size(master.get(), terminal.rows, terminal.columns));
  return spawn_session(command, Streams{std::move(writer), std::move(master), io::Fd(), true}, inside);
}

}  // namespace

Result<std::unique_ptr<ExecSession>> start_exec(io::Command command, const ExecInside& inside,
                                                std::optional<ExecTerminal> terminal) {
  command.new_session = true;
  if (terminal) return start_on_terminal(std::move(command), inside, *terminal);
  return start_on_pipes(std::move(command), inside);
}

}  // namespace slipway::engine::local
