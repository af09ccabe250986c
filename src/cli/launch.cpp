#include "cli/launch.h"

#include <algorithm>
#include <fcntl.h>
#include <poll.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include "base/text.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::cli {

namespace {

// From nothing to an answering API takes 0.1 s; a machine under load may take a hundred times that.
constexpr Duration kStartTimeout = 20s;
// Between two tries to reach the API. The process' own end is noticed at once.
constexpr Duration kTry = 50ms;
constexpr Duration kAnswerTimeout = 2s;
constexpr size_t kLinesShown = 10;

// Waits until the process behind `pidfd` ends; true when it has.
bool ended_within(const io::Fd& pidfd, Duration wait) {
  pollfd poll_fd{pidfd.get(), POLLIN, 0};
  return poll(&poll_fd, 1, static_cast<int>(std::max<int64_t>(0, wait.count()))) > 0;
}

std::string last_lines_since(const std::filesystem::path& log, uint64_t offset) {
  const auto text = io::read_file(log);
  if (!text || text->size() <= offset) return "it wrote nothing to " + log.string();
  auto lines = split(trim(std::string_view(*text).substr(offset)), '\n');
  if (lines.size() > kLinesShown) lines.erase(lines.begin(), lines.end() - static_cast<long>(kLinesShown));
  return fmt::format("the end of {}:\n  {}", log.string(), join(lines, "\n  "));
}

std::vector<std::string> serve_argv(const Context& context, const Launch& what) {
  std::error_code error;
  const bool file = std::filesystem::is_regular_file(what.source, error);
  std::vector<std::string> argv = {context.environment.program.string(), "serve", file ? "--config" : "--dir",
                                   what.source.string()};
  if (what.up) argv.emplace_back("--up");
  return argv;
}

}  // namespace

std::filesystem::path control_plane_log(const std::filesystem::path& state) {
  return state / "slipway.log";
}

Result<bool> answers(const api::Client& client) {
  const auto version = client.version(kAnswerTimeout);
  if (version) return true;
  if (version.error().code() == ErrorCode::Unavailable) return false;
  return version.error();
}

Status launch(const Context& context, const Launch& what) {
  const Clock& clock = context.environment.clock;
  const Deadline deadline = clock.deadline_in(kStartTimeout);
  // Searchable for others: the users that tasks run as have folders of theirs below.
  TRY(io::make_directories(what.state, 0711));
  const std::filesystem::path log = control_plane_log(what.state);
  const io::Fd log_fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd.valid()) return errno_error(errno, "open " + log.string());
  std::error_code error;
  const uint64_t offset = std::filesystem::file_size(log, error);

  io::Command command;
  command.argv = serve_argv(context, what);
  command.directory = "/";  // so that it keeps no folder of ours from being unmounted or deleted
  command.stdout_fd = log_fd.get();
  command.stderr_fd = log_fd.get();
  command.new_session = true;
  const pid_t pid = TRY_CONTEXT(io::spawn(command), "start the control plane");
  const Result<io::Fd> pidfd = io::open_pidfd(pid);  // none: it has ended already
  const api::Client client(what.endpoint, clock);
  while (!TRY(answers(client))) {
    if (!pidfd || ended_within(*pidfd, kTry)) {
      int status = 0;
      waitpid(pid, &status, 0);
      return Error(ErrorCode::Internal,
                   fmt::format("the control plane ended at once; {}", last_lines_since(log, offset)));
    }
    if (deadline.passed(clock.steady_now())) {
      return Error(ErrorCode::Timeout,
                   fmt::format("the control plane (process {}) does not answer within {}; {}", pid,
                               to_text(kStartTimeout), last_lines_since(log, offset)));
    }
  }
  return {};
}

bool wait_for_end(pid_t pid, uint64_t started, const Clock& clock, Deadline deadline) {
  if (!api::is_alive(pid, started)) return true;
  const auto pidfd = io::open_pidfd(pid);
  if (pidfd) ended_within(*pidfd, deadline.left(clock.steady_now()));
  return !api::is_alive(pid, started);
}

}  // namespace slipway::cli
