#include "discovery/master_cli.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/check.h"
#include "base/text.h"
#include "discovery/haproxy.h"
#include "io/file.h"

namespace slipway::discovery {
namespace {

// The state of 100,000 servers is some 30 MB; more than this is not an answer but a fault.
constexpr size_t kAnswerLimit = 256U << 20;

// Waits until `fd` is ready for `events` or the deadline passes.
Status wait_for(int fd, short events, const Clock& clock, Deadline deadline) {
  for (;;) {
    const Duration left = deadline.left(clock.steady_now());
    if (left == Duration::zero()) return Error(ErrorCode::Timeout, "HAProxy did not answer in time");
    pollfd item{fd, events, 0};
    const int ready = poll(&item, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error(errno, "wait for HAProxy");
  }
}

// Connects through the folder's descriptor: sun_path has room for 107 bytes, and the folder's path may be
// longer.
Result<io::Fd> connect_in(const std::string& directory, std::string_view name) {
  const io::Fd folder(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid())
    return Error(ErrorCode::Unavailable, "HAProxy is not running: " + directory + " is missing");
  io::Fd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_fd.valid()) return errno_error(errno, "make a unix socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", folder.get(), name);
  CHECK(path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return socket_fd;
  return Error(ErrorCode::Unavailable,
               fmt::format("connect to {}/{}: {}", directory, name, std::strerror(errno)));
}

// Appends what there is to read now; `ended` at the end of the stream.
Status read_available(int fd, std::string& out, bool& ended) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got > 0) {
      out.append(buffer, static_cast<size_t>(got));
      if (out.size() > kAnswerLimit) return Error(ErrorCode::Internal, "HAProxy's answer does not end");
    } else if (got == 0) {
      ended = true;
      return {};
    } else if (errno == EAGAIN) {
      return {};
    } else if (errno != EINTR) {
      return Error(ErrorCode::Unavailable, fmt::format("listen to HAProxy: {}", std::strerror(errno)));
    }
  }
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

}  // namespace

// The text: a heading, the master's line, then sections that begin with "# workers", "# old workers" and
// others.
//   9155            master          1 [failed: 0]   0d00h03m50s     2.6.12
//   # workers
//   10225           worker          0               0d00h00m01s     2.6.12
Result<Processes> parse_processes(std::string_view text) {
  Processes processes;
  std::vector<pid_t>* section = nullptr;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("#")) {
      section = line == "# workers"       ? &processes.workers
                : line == "# old workers" ? &processes.old_workers
                                          : nullptr;
      continue;
    }
    const std::optional<int> pid = number(line);
    if (!pid) continue;
    if (line.find(" master ") != std::string::npos) {
      processes.master = *pid;
      const size_t failed = line.find("[failed: ");
      if (failed != std::string::npos) processes.failed_reloads = number(line.substr(failed + 9)).value_or(0);
    } else if (section != nullptr) {
      section->push_back(*pid);
    }
  }
  if (processes.master == 0) {
    return Error(ErrorCode::Unavailable,
                 "HAProxy's master does not tell its processes: " + std::string(trim(text)));
  }
  return processes;
}

Result<std::string> MasterCli::converse(const std::string& lines, Deadline deadline) const {
  const io::Fd connection = TRY(connect_in(directory_, kMasterSocket));
  deadline.at = std::min(deadline.at, clock_.deadline_in(kAnswerWait).at);
  // Written and read by turns: HAProxy stops reading commands while its answers are not taken.
  std::string_view rest = lines;
  std::string answer;
  bool ended = false;
  while (!ended) {
    TRY(wait_for(connection.get(), static_cast<short>(rest.empty() ? POLLIN : POLLIN | POLLOUT), clock_,
                 deadline));
    if (!rest.empty()) {
      const ssize_t sent = send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) rest.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return Error(ErrorCode::Unavailable, fmt::format("speak to HAProxy: {}", std::strerror(errno)));
      }
    }
    TRY(read_available(connection.get(), answer, ended));
  }
  return answer;
}

Result<Processes> MasterCli::processes(Deadline deadline) const {
  // "quit" needs the interactive mode; without it the master waits for more after an answer.
  const std::string text = TRY(converse("prompt\nshow proc\nquit\n", deadline));
  return parse_processes(text);
}

Result<std::vector<std::string>> MasterCli::ask(pid_t worker, const std::vector<std::string>& commands,
                                                Deadline deadline) const {
  // In interactive mode each answer is followed by a prompt, "PID> ", at the start of a line.
  std::string lines = fmt::format("prompt\n@!{}\n", worker);
  for (const std::string& command : commands) lines += command + "\n";
  const std::string text = TRY(converse(lines + "quit\n", deadline));

  const std::string prompt = fmt::format("{}> ", worker);
  std::vector<std::string> answers;
  size_t at = text.find(prompt);
  while (at != std::string::npos && answers.size() < commands.size()) {
    const size_t begin = at + prompt.size();
    at = text.find("\n" + prompt, begin);
    if (at == std::string::npos) break;
    answers.emplace_back(trim(std::string_view(text).substr(begin, at - begin)));
    ++at;
  }
  if (answers.size() == commands.size()) return answers;
  return Error(ErrorCode::Unavailable, fmt::format("HAProxy's process {} answered {} of {} commands", worker,
                                                   answers.size(), commands.size()));
}

Status MasterCli::reload(Deadline deadline) const {
  // The master executes itself anew, which ends this connection one way or another: all but silence means
  // that it was heard, and processes() tells what came of it.
  const Result<std::string> ended = converse("reload\n", deadline);
  if (!ended && ended.error().code() == ErrorCode::Timeout) return ended.error();
  return {};
}

}  // namespace slipway::discovery
