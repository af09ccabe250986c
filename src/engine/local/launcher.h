// Starting and ending one task's container.
//
// The container runs below conmon, which outlives us: it holds the log's pipes, waits for the process and writes down
// its exit code. conmon is started inside a mount namespace (and, with a bridge, a network namespace) prepared for it,
// and the container inherits them; so mounts and network live exactly as long as the task does, never show on the host,
// and nothing has to be undone after a crash. docs/decisions/0010 tells why.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/cgroup.h"
#include "engine/local/images.h"
#include "engine/local/network.h"
#include "engine/local/runtime.h"
#include "engine/local/task_paths.h"
#include "io/process.h"
#include "model/revision.h"

namespace slipway::engine::local {

// A process by a name that is not used twice.
struct ProcessName {
  pid_t pid = 0;
  uint64_t start_time = 0;  // in clock ticks since boot
  bool operator==(const ProcessName&) const = default;
};

// The process is there and is the one that was named (a zombie counts as gone).
bool is_alive(const ProcessName& process);
// Signals exactly this process. NotFound when it has gone.
Status signal_process(const ProcessName& process, int signal);

struct Launched {
  ProcessName container;   // the task's first process
  ProcessName supervisor;  // its conmon
};

struct LaunchRequest {
  model::TaskId task;
  const model::Revision& revision;
  const PreparedImage* image = nullptr;  // null for the host's filesystem
  std::string address;                   // of Network::allocate; used with NetMode::Bridge
};

struct ExecOptions {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // on top of the task's own
  bool tty = false;                        // the command's standard streams are a terminal, already its controlling one
};

struct LauncherOptions {
  std::filesystem::path state;
  std::string cluster;
  Runtime runtime;
  Network* network = nullptr;            // borrowed; null where no task has a bridge
  uint64_t log_limit = 256ULL << 20;     // conmon starts a task's log anew at this size, whatever the keeper does
};

// Thread-safe; calls for different tasks do not wait for each other. Calls for one task must not overlap.
class Launcher {
 public:
  static Result<std::unique_ptr<Launcher>> create(LauncherOptions options, const Clock& clock);

  // From nothing (or from the remains of an earlier life of the same task) to a running process with an empty writable
  // layer. The log and whatever else the keeper has in the folder stay. On failure nothing runs.
  //   NotFound   the command (named), a volume's host path (named)
  //   Invalid    user unknown, no command, working directory missing, or another thing that the runtime refused
  //   Exhausted, Timeout, Unavailable (no network, though asked for)
  Result<Launched> launch(const LaunchRequest& request, Deadline deadline);

  // Ends what is left of the task, whatever state it is in: processes, control group, the runtime's record, the veth of
  // `address` (may be empty). The folder stays, so that log and exit can still be read. Idempotent.
  Status stop(const model::TaskId& task, const std::string& address, Deadline deadline);
  // stop(), then removes the folder.
  Status destroy(const model::TaskId& task, const std::string& address, Deadline deadline);

  // The pids that conmon wrote, if both processes are this task's and alive: for a crash between launch and the record
  // of it. NotFound otherwise.
  Result<Launched> find(const model::TaskId& task) const;

  // A command that runs inside the task when given to io::run or io::spawn. NotFound when the task was never launched.
  // It owns a small file in the task's folder, which goes with the folder.
  Result<io::Command> exec_command(const model::TaskId& task, const ExecOptions& options);

  // NotFound when it does not run in a control group (any more).
  Result<CgroupUsage> usage(const model::TaskId& task) const;

  // Removes what all tasks of the cluster shared: its control group and the runtime's folder. No task may be left.
  Status release();

  const Runtime& runtime() const { return options_.runtime; }
  TaskPaths paths(const model::TaskId& task) const { return TaskPaths(options_.state, task); }

 private:
  Launcher(LauncherOptions options, const Clock& clock);

  LauncherOptions options_;
  const Clock& clock_;
  Cgroups cgroups_;
  std::string conmon_;
  std::atomic<uint64_t> exec_count_{0};
};

}  // namespace slipway::engine::local
