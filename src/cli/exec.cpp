#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "io/file.h"

namespace slipway::cli {

namespace {

// Between two looks at a command that says nothing; only so that no wait is without end.
constexpr Duration kQuiet = 30s;

std::string size_payload() {
  const TerminalSize size = terminal_size(STDIN_FILENO);
  return fmt::format("{} {}", size.rows, size.columns);
}

// Carries the keyboard (or a pipe) to the command, and changes of the terminal's size. A thread of its own.
class InputPump {
 public:
  InputPump(api::ExecChannel& channel, bool resizes) : channel_(channel), stop_(eventfd(0, EFD_CLOEXEC)) {
    if (resizes) {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGWINCH);
      // Blocked in all threads, as this runs before any is started: the signal comes through the descriptor
      // only.
      pthread_sigmask(SIG_BLOCK, &set, nullptr);
      resize_ = io::Fd(signalfd(-1, &set, SFD_CLOEXEC));
    }
    thread_ = std::thread([this] { run(); });
  }
  ~InputPump() {
    const uint64_t one = 1;
    // The counter takes it: it is 0 and nobody else writes.
    [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof one);
    thread_.join();
  }
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

 private:
  void run() {
    std::array<pollfd, 3> fds = {
        {{stop_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}, {resize_.get(), POLLIN, 0}}};
    // A failed write means that the command's end is on its way to the other thread, which reports it.
    while (poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR) {
      if (fds[0].revents != 0) return;
      if (fds[2].revents != 0 && !pass_resize()) return;
      if (fds[1].revents != 0 && !pass_input()) fds[1].fd = -1;
    }
  }

  // False at the end of the input.
  bool pass_input() {
    std::array<char, 16384> buffer{};
    const ssize_t bytes = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) return true;
    const size_t length =
        bytes > 0 ? static_cast<size_t>(bytes) : 0;  // an empty frame ends the command's input
    return channel_.write({api::FrameType::Stdin, std::string(buffer.data(), length)}).has_value() &&
           length > 0;
  }

  bool pass_resize() {
    signalfd_siginfo info{};
    if (read(resize_.get(), &info, sizeof info) <= 0) return true;
    return channel_.write({api::FrameType::Resize, size_payload()}).has_value();
  }

  api::ExecChannel& channel_;
  io::Fd stop_;
  io::Fd resize_;
  std::thread thread_;
};

Result<int> exit_code_from(const std::string& payload) {
  int code = 0;
  const auto [end, error] = std::from_chars(payload.data(), payload.data() + payload.size(), code);
  if (error == std::errc() && end == payload.data() + payload.size()) return code;
  return Error(ErrorCode::Internal, "the control plane sent '" + payload + "' as an exit code");
}

Result<int> relay_output(Context& context, api::ExecChannel& channel) {
  while (true) {
    const auto frame = TRY(channel.read(kQuiet));
    if (!frame) continue;
    switch (frame->type) {
      case api::FrameType::Stdout:
        context.out.result(frame->payload);
        break;
      case api::FrameType::Stderr:
        context.out.err().write(frame->payload);
        break;
      case api::FrameType::Exit:
        return exit_code_from(frame->payload);
      case api::FrameType::Error:
        return Error(ErrorCode::Internal, frame->payload);
      case api::FrameType::Stdin:
      case api::FrameType::Resize:
        break;  // only ever sent by us
    }
  }
}

// An instance stands for one of its running tasks, a healthy one if there is.
Result<std::string> task_of(const api::Client& client, const std::string& text) {
  const auto subject = parse_subject(text);
  if (!subject || subject->instance.empty()) return text;
  const model::InstanceId id = TRY(instance_of(client, text));
  const Json status = TRY(client.status({.service = id.service, .instance = id.instance}));
  std::string running;
  for (const Json& instance : status.at("instances").as_array()) {
    for (const Json& task : instance.at("tasks").as_array()) {
      if (task.at("state").as_string() != "running") continue;
      if (running.empty() || task.at("health").as_string() == "healthy") running = task.at("id").as_string();
    }
  }
  if (running.empty()) return Error(ErrorCode::NotFound, "no task of " + text + " is running");
  return running;
}

Result<int> run(Context& context) {
  const auto& argv = context.args.rest();
  if (argv.empty()) return Error(ErrorCode::Invalid, "say what to run: slipway exec T -- CMD [ARG...]");
  const bool at_terminal = isatty(STDIN_FILENO) == 1 && context.out.out().terminal;
  const bool tty = context.args.has("tty") || (at_terminal && !context.args.has("no-tty"));
  const api::Client client = TRY(connect(context));
  const std::string task = TRY(task_of(client, context.args.text("T")));
  Json request = Json::Object{{"task", task}, {"argv", Json::Array(argv.begin(), argv.end())}, {"tty", tty}};
  request["env"] = Json::Object();
  const TerminalSize size = terminal_size(STDIN_FILENO);
  request["rows"] = size.rows;
  request["columns"] = size.columns;
  if (const std::string terminal = context.environment.variable("TERM"); tty && !terminal.empty()) {
    request["env"]["TERM"] = terminal;
  }
  api::ExecChannel channel = TRY_CONTEXT(client.exec(request), "run " + argv.front() + " in " + task);
  // The terminal is given back before an error is printed.
  const RawTerminal raw(tty && isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : -1);
  const InputPump pump(channel, tty);
  return relay_output(context, channel);
}

}  // namespace

Command exec_command() {
  return {
      .name = "exec",
      .summary = "run a command inside a task",
      .details =
          "Input, output and the exit code are the command's own. At a terminal the command gets one too.",
      .arguments = {{.name = "T",
                     .help = "a task, by a prefix that only it has, or an instance for any of its tasks",
                     .completes = Completes::Tasks}},
      .options = {{.name = "tty", .letter = 't', .help = "give the command a terminal, also in a pipe"},
                  {.name = "no-tty", .letter = 'T', .help = "give it none, also at a terminal"}},
      .takes_rest = true,
      .examples = {{"slipway exec web.main -- sh", "a shell in some task of the instance"},
                   {"slipway exec web-main-3f9c2b7a-x7k2p -- cat /etc/hosts", "one command in this task"}},
      .run = run};
}

}  // namespace slipway::cli
