#include "engine/local/process_runtime.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

struct Arguments {
  fs::path root;
  std::string verb;
  fs::path bundle;
  fs::path pid_file;
  bool force = false;
  std::vector<std::string> rest;  // ID, and the signal of kill
};

Result<Arguments> parse_arguments(std::span<const std::string> words) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--force") {
      arguments.force = true;
    } else if (word == "--root" || word == "--bundle" || word == "--pid-file" || word == "--log" ||
               word == "--log-format" || word == "--signal") {
      if (++i == words.size()) return Error(ErrorCode::Invalid, word + " needs a value");
      if (word == "--root") arguments.root = words[i];
      if (word == "--bundle") arguments.bundle = words[i];
      if (word == "--pid-file") arguments.pid_file = words[i];
    } else if (word.starts_with("--")) {
      return Error(ErrorCode::Invalid, "unknown option " + word);
    } else if (arguments.verb.empty()) {
      arguments.verb = word;
    } else {
      arguments.rest.push_back(word);
    }
  }
  if (arguments.root.empty()) return Error(ErrorCode::Invalid, "--root is missing");
  if (arguments.rest.empty()) return Error(ErrorCode::Invalid, "the container's id is missing");
  return arguments;
}

struct Program {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;
  std::string path;  // of argv[0], found
};

// As execvp would find it, but before there is a process, so that its absence is an error of `create`.
Result<std::string> find_executable(const Program& program) {
  const std::string& name = program.argv.front();
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) == 0) return name;
    return errno_error(errno, fmt::format("command `{}`", name));
  }
  for (const std::string& entry : program.env) {
    if (!entry.starts_with("PATH=")) continue;
    for (const std::string& folder : split(std::string_view(entry).substr(5), ':')) {
      const std::string path = folder + "/" + name;
      struct stat info {};
      if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0)
        return path;
    }
  }
  return Error(ErrorCode::NotFound, fmt::format("executable file `{}` not found in $PATH", name));
}

Result<Program> read_program(const fs::path& bundle) {
  const Json config = TRY(Json::parse(TRY(io::read_file(bundle / "config.json"))));
  const Json& process = config.at("process");
  Program program;
  for (const Json& word : process.at("args").as_array()) program.argv.push_back(word.as_string());
  for (const Json& entry : process.at("env").as_array()) program.env.push_back(entry.as_string());
  program.cwd = process.at("cwd").as_string();
  if (program.argv.empty()) return Error(ErrorCode::Invalid, "process.args is empty");
  if (::chdir(program.cwd.c_str()) != 0) {
    return errno_error(errno, fmt::format("chdir to `{}`", program.cwd));
  }
  program.path = TRY(find_executable(program));
  return program;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(Program& program, const sigset_t& signals) {
  std::vector<char*> argv = pointers(program.argv);
  std::vector<char*> env = pointers(program.env);
  // What conmon ignores is not for the program to inherit.
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::execve(program.path.c_str(), argv.data(), env.data());
  ::perror(program.path.c_str());
  ::_exit(errno == ENOENT ? 127 : 126);
}

// Ends all that the program has left. Those whose parent has ended are our children, so that with each round
// one more generation is; one that forks faster than it is killed is left to the launcher's own sweep.
void kill_children() {
  constexpr int kRounds = 1000;
  for (int round = 0; round < kRounds && ::waitpid(-1, nullptr, WNOHANG) >= 0; ++round) {
    const Result<std::vector<pid_t>> pids = io::all_processes();
    if (!pids) return;
    for (const pid_t pid : *pids) {
      const Result<io::ProcessFacts> facts = io::process_facts(pid);
      if (!facts || facts->parent != ::getpid()) continue;
      // Ours to wait for, so the pid cannot be another's.
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
}

// Passes signals on to the program, collects what nobody else does, and ends as the program ends.
[[noreturn]] void look_after(pid_t program) {
  sigset_t all;
  ::sigfillset(&all);
  while (true) {
    const int number = ::sigwaitinfo(&all, nullptr);
    if (number > 0 && number != SIGCHLD) ::kill(program, number);
    int status = 0;
    for (pid_t ended = ::waitpid(-1, &status, WNOHANG); ended > 0; ended = ::waitpid(-1, &status, WNOHANG)) {
      if (ended != program) continue;
      kill_children();
      // conmon writes the same down for a signal and for this code.
      ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
}

// The first process of a task: wait for `start`, then run the program below us. The kernel gives us whatever
// loses its parent, so that all of a task is found below its first process. Errors go to the task's own
// standard error.
[[noreturn]] void wait_and_run(int fifo, Program program) {
  ::setsid();
  char go = 0;
  ssize_t got = 0;
  do {
    got = ::read(fifo, &go, 1);
  } while (got < 0 && errno == EINTR);
  ::close(fifo);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, &before);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(126);
    become(program, before);
  }
  if (child < 0) {
    ::perror("fork");
    ::_exit(126);
  }
  // When the program has closed its output, nobody is to hold it open.
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);
  look_after(child);
}

fs::path record_path(const Arguments& arguments) {
  return arguments.root / arguments.rest.front() / "state.json";
}
fs::path fifo_path(const Arguments& arguments) {
  return arguments.root / arguments.rest.front() / "exec.fifo";
}

Status create(const Arguments& arguments) {
  const fs::path bundle = fs::absolute(arguments.bundle);
  const fs::path pid_file = fs::absolute(arguments.pid_file);
  Program program = TRY(read_program(bundle));
  TRY(io::make_directories(record_path(arguments).parent_path(), 0700));
  const fs::path fifo = fifo_path(arguments);
  if (::mkfifo(fifo.c_str(), 0600) != 0 && errno != EEXIST)
    return errno_error(errno, "make " + fifo.string());
  // Open for both ways: reading then blocks until `start` writes, and `start` finds a reader as long as we
  // live.
  io::Fd gate(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  if (!gate.valid()) return errno_error(errno, "open " + fifo.string());
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error(errno, "fork");
  if (pid == 0) wait_and_run(gate.release(), std::move(program));

  Json record;
  record["pid"] = pid;
  record["start_time"] = TRY(io::process_start_time(pid));
  record["bundle"] = bundle.string();
  TRY(io::write_file(record_path(arguments), record.dump()));
  return io::write_file(pid_file, std::to_string(pid));
}

Result<Json> read_record(const Arguments& arguments) {
  return TRY_CONTEXT(Json::parse(TRY(io::read_file(record_path(arguments)))),
                     "container " + arguments.rest.front());
}

bool is_running(const Json& record) {
  const Result<uint64_t> started = io::process_start_time(static_cast<pid_t>(record.at("pid").as_int()));
  return started && static_cast<int64_t>(*started) == record.at("start_time").as_int();
}

Status start(const Arguments& arguments) {
  const fs::path fifo = fifo_path(arguments);
  const io::Fd gate(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!gate.valid()) return errno_error(errno, "start container " + arguments.rest.front());
  if (::write(gate.get(), "1", 1) != 1) return errno_error(errno, "write to " + fifo.string());
  ::unlink(fifo.c_str());
  return {};
}

Status signal(const Arguments& arguments, int number) {
  const Json record = TRY(read_record(arguments));
  if (!is_running(record))
    return Error(ErrorCode::NotFound, "container " + arguments.rest.front() + " is not running");
  const pid_t pid = static_cast<pid_t>(record.at("pid").as_int());
  // SIGKILL ends a container whole; here, its process group. Other signals are for the first process, as
  // there.
  if (::kill(number == SIGKILL ? -pid : pid, number) != 0)
    return errno_error(errno, fmt::format("signal {}", pid));
  return {};
}

Status remove(const Arguments& arguments) {
  const Result<Json> record = read_record(arguments);
  if (record && is_running(*record)) {
    if (!arguments.force)
      return Error(ErrorCode::Conflict, "container " + arguments.rest.front() + " is running");
    TRY(signal(arguments, SIGKILL));
  }
  return io::remove_all(arguments.root / arguments.rest.front());
}

Status state(const Arguments& arguments) {
  const Json record = TRY(read_record(arguments));
  Json out;
  out["ociVersion"] = "1.0.0";
  out["id"] = arguments.rest.front();
  out["pid"] = record.at("pid");
  out["bundle"] = record.at("bundle");
  out["status"] = !is_running(record) ? "stopped" : io::exists(fifo_path(arguments)) ? "created" : "running";
  fmt::print("{}\n", out.dump(2));
  return {};
}

Status dispatch(const Arguments& arguments) {
  if (arguments.verb == "create") return create(arguments);
  if (arguments.verb == "start") return start(arguments);
  if (arguments.verb == "delete") return remove(arguments);
  if (arguments.verb == "state") return state(arguments);
  if (arguments.verb == "kill") {
    const std::optional<int> number =
        io::signal_number(arguments.rest.size() > 1 ? arguments.rest[1] : "TERM");
    if (!number) return Error(ErrorCode::Invalid, "unknown signal " + arguments.rest[1]);
    return signal(arguments, *number);
  }
  return Error(ErrorCode::Invalid, "unknown verb " + arguments.verb);
}

}  // namespace

ProcessName recorded_process(const fs::path& root, const std::string& container) {
  Arguments arguments;
  arguments.root = root;
  arguments.rest = {container};
  const Result<Json> record = read_record(arguments);
  if (!record) return {};
  return {static_cast<pid_t>(record->at("pid").as_int()),
          static_cast<uint64_t>(record->at("start_time").as_int())};
}

int process_runtime_main(std::span<const std::string> words) {
  // The command line takes "--" to leave the words alone, and drops it; a bare main() does not.
  if (!words.empty() && words.front() == "--") words = words.subspan(1);
  const Result<Arguments> arguments = parse_arguments(words);
  const Status done = arguments ? dispatch(*arguments) : Status(arguments.error());
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().text());
  return 1;
}

}  // namespace slipway::engine::local
