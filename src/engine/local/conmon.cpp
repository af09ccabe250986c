#include "engine/local/conmon.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

// Where conmon finds the write end of the pipe on which it reports.
constexpr int kSyncDescriptor = 3;
// One report is a line of JSON; a runtime's complaint may be long, but not longer than this.
constexpr size_t kReportLimit = 256 << 10;

struct Pipe {
  io::Fd read, write;
  static Result<Pipe> create() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "make a pipe");
    return Pipe{io::Fd(ends[0]), io::Fd(ends[1])};
  }
};

io::Command conmon_command(const ConmonRequest& request) {
  const TaskPaths& paths = request.paths;
  const std::string id = request.task.str();
  io::Command command;
  command.argv = {request.runtime.conmon, "-c", id, "-u", id, "-n", id, "-b", paths.bundle(), "-r",
                  request.runtime.path};
  for (const std::string& arg : request.runtime.args) {
    command.argv.insert(command.argv.end(), {"--runtime-arg", arg});
  }
  const std::vector<std::string> rest = {"--full-attach",
                                         "--socket-dir-path",
                                         paths.folder,
                                         "-P",
                                         paths.conmon_pid(),
                                         "-p",
                                         paths.container_pid(),
                                         "--exit-dir",
                                         paths.exit_folder(),
                                         "--no-sync-log",
                                         "-l",
                                         "k8s-file:" + paths.log().string(),
                                         "--log-size-max",
                                         std::to_string(request.log_limit),
                                         "--log-level",
                                         "error"};
  command.argv.insert(command.argv.end(), rest.begin(), rest.end());
  const char* path = ::getenv("PATH");
  command.env = {{"PATH", path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin"},
                 {"_OCI_SYNCPIPE", std::to_string(kSyncDescriptor)}};
  command.directory = paths.bundle();
  command.new_session = true;
  command.setup = request.setup;
  command.setup_name = "prepare the task's mounts and network";
  return command;
}

// One line, or all until the end. Timeout at the deadline.
Result<std::string> read_report(int fd, const Clock& clock, Deadline deadline) {
  std::string report;
  while (report.size() < kReportLimit && report.find('\n') == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(deadline.left(clock.steady_now()).count()));
    if (count == 0) return Error(ErrorCode::Timeout, "wait for the container to be created");
    if (count < 0 && errno == EINTR) continue;
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    report.append(buffer, static_cast<size_t>(got));
  }
  return report;
}

std::string read_whole(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  std::string text(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (::pread(fd, text.data(), text.size(), 0) != size) return "";
  return text;
}

Result<ProcessName> name_process(pid_t pid) {
  return ProcessName{pid, TRY(io::process_start_time(pid))};
}

// conmon's own parent, which ends as soon as conmon runs in the background; never longer than the fork takes.
void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// After a failure, whatever conmon has begun. Its session is its own, so its process group is too.
void abandon(const TaskPaths& paths, const model::TaskId& task) {
  const Result<ProcessName> conmon = find_conmon(paths, task);
  if (conmon) ::kill(-conmon->pid, SIGKILL);
}

}  // namespace

Result<pid_t> read_pid_file(const fs::path& path) {
  const std::string text = TRY(io::read_file(path));
  pid_t pid = 0;
  const std::string_view digits = trim(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  if (error != std::errc() || pid <= 0) return Error(ErrorCode::NotFound, "read a pid from " + path.string());
  return pid;
}

Status check_alive(const ProcessName& process) {
  if (TRY(io::process_start_time(process.pid)) == process.start_time) return {};
  return Error(ErrorCode::NotFound, fmt::format("process {} has ended", process.pid));
}

bool is_alive(const ProcessName& process) {
  return check_alive(process).has_value();
}

Status signal_process(const ProcessName& process, int signal) {
  const std::string what = fmt::format("signal process {}", process.pid);
  const io::Fd handle = TRY_CONTEXT(io::open_pidfd(process.pid), what);
  // Checked after the handle is held: from here on the pid cannot come to mean another process.
  TRY_CONTEXT(check_alive(process), what);
  if (::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0)
    return errno_error(errno, what);
  return {};
}

Status wait_for_end(const ProcessName& process, const Clock& clock, Deadline deadline) {
  const Result<io::Fd> handle = io::open_pidfd(process.pid);
  const Status alive = handle ? check_alive(process) : Status(handle.error());
  if (!alive) return alive.error().code() == ErrorCode::NotFound ? Status() : alive;
  pollfd ended{handle->get(), POLLIN, 0};
  while (true) {
    const int count = ::poll(&ended, 1, static_cast<int>(deadline.left(clock.steady_now()).count()));
    if (count > 0) return {};
    if (count == 0) return Error(ErrorCode::Timeout, fmt::format("wait for process {} to end", process.pid));
    if (errno != EINTR) return errno_error(errno, fmt::format("wait for process {} to end", process.pid));
  }
}

Result<Launched> create_container(const ConmonRequest& request, const Clock& clock, Deadline deadline) {
  Pipe pipe = TRY(Pipe::create());
  const io::Fd complaints(::memfd_create("conmon", MFD_CLOEXEC));
  io::Command command = conmon_command(request);
  command.fds = {{pipe.write.get(), kSyncDescriptor}};
  command.stderr_fd = complaints.get();
  const pid_t starter = TRY_CONTEXT(io::spawn(command), "start conmon");
  pipe.write.reset();
  reap(starter);

  Result<std::string> report = read_report(pipe.read.get(), clock, deadline);
  if (!report) {
    abandon(request.paths, request.task);
    return report.error();
  }
  if (report->empty()) {
    return Error(ErrorCode::Internal, "start conmon",
                 Error(ErrorCode::Internal, read_whole(complaints.get())));
  }
  const Json answer = TRY_CONTEXT(Json::parse(trim(*report)), "read conmon's report");
  const pid_t pid = static_cast<pid_t>(answer.at("pid").as_int(-1));
  if (pid <= 0) return runtime_error(answer.at("message").as_string());
  Launched launched;
  launched.container = TRY_CONTEXT(name_process(pid), "find the task's process");
  launched.supervisor =
      TRY_CONTEXT(name_process(TRY(read_pid_file(request.paths.conmon_pid()))), "find the task's conmon");
  return launched;
}

Result<ProcessName> find_conmon(const TaskPaths& paths, const model::TaskId& task) {
  const ProcessName process = TRY(name_process(TRY(read_pid_file(paths.conmon_pid()))));
  // A pid file outlives its process; the command line tells whether the pid is another's by now.
  const std::string line = TRY(io::read_file(fmt::format("/proc/{}/cmdline", process.pid)));
  if (line.find(paths.bundle().string()) == std::string::npos || line.find("conmon") == std::string::npos) {
    return Error(ErrorCode::NotFound, "conmon of task " + task.str());
  }
  return process;
}

Result<Launched> find_launched(const TaskPaths& paths, const model::TaskId& task) {
  Launched launched;
  launched.supervisor = TRY(find_conmon(paths, task));
  launched.container = TRY(name_process(TRY(read_pid_file(paths.container_pid()))));
  if (TRY(io::process_facts(launched.container.pid)).parent != launched.supervisor.pid) {
    return Error(ErrorCode::NotFound, "process of task " + task.str());
  }
  return launched;
}

Error runtime_error(std::string_view complaint) {
  std::string text(trim(complaint));
  // logrus: time="..." level=error msg="..."
  if (const size_t message = text.find("msg=\""); message != std::string::npos && text.starts_with("time=")) {
    text = text.substr(message + 5);
    while (!text.empty() && (text.back() == '"' || text.back() == '\n')) text.pop_back();
    for (size_t at = 0; (at = text.find("\\\"", at)) != std::string::npos; ++at) text.erase(at, 1);
  }
  for (const std::string_view stage :
       {"runc create failed: ", "unable to start container process: ", "error during container init: "}) {
    if (text.starts_with(stage)) text.erase(0, stage.size());
  }
  const bool missing = text.find("executable file") != std::string::npos || text.starts_with("command ") ||
                       text.starts_with("exec: ");
  if (text.empty()) text = "the runtime gave no reason";
  return Error(missing ? ErrorCode::NotFound : ErrorCode::Invalid, std::move(text));
}

}  // namespace slipway::engine::local
