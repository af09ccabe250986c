// Starting and ending one task's container.
//
// The container runs below conmon, which outlives us: it holds the log's pipes, waits for the process and
// writes down its exit code. conmon is started inside a mount namespace (and, with a bridge, a network
// namespace) prepared for it, and the container inherits them; so mounts and network live exactly as long as
// the task does, never show on the host, and nothing has to be undone after a crash. docs/decisions/0010
// tells why.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/cgroup.h"
#include "engine/local/conmon.h"
#include "engine/local/exec.h"
#include "engine/local/host_runtime.h"
#include "engine/local/images.h"
#include "engine/local/network.h"
#include "engine/local/oci_spec.h"
#include "engine/local/task_paths.h"
#include "io/process.h"
#include "model/revision.h"

namespace slipway::engine::local {

struct LaunchRequest {
  model::TaskId task;
  const model::Revision& revision;
  const PreparedImage* image = nullptr;  // null for the host's filesystem
  std::string address;                   // of Network::allocate; used with NetMode::Bridge
  std::optional<int> port;               // where the task is to listen: its PORT
};

struct ExecOptions {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // on top of the task's own
  // Where the command's standard streams are one, already its controlling one. The runtime makes another, in
  // the task, of this size; crun sets it just after the command has begun.
  std::optional<ExecTerminal> terminal = {};
  std::filesystem::path pid_file = {};  // where the runtime writes the command's pid; empty: nowhere
};

struct LauncherOptions {
  std::filesystem::path state;
  std::string cluster;
  // Folders that a task on the host's filesystem finds empty, besides `state`: whoever reaches the sockets in
  // them governs the cluster. One below another is covered by it.
  std::vector<std::filesystem::path> hidden = {};
  HostRuntime& runtime;        // outlives the launcher
  Network* network = nullptr;  // borrowed; null where no task has a bridge
  uint64_t log_limit =
      256ULL << 20;  // conmon starts a task's log anew at this size, whatever the keeper does
};

// Thread-safe; calls for different tasks do not wait for each other. Calls for one task must not overlap.
class Launcher {
 public:
  static Result<std::unique_ptr<Launcher>> create(LauncherOptions options, const Clock& clock);

  // Whether this host has what it takes to launch such a task. Unavailable naming the package that is
  // missing; stop(), destroy() and find() need none of it. Cheap.
  Status can_launch(const model::TaskSpec& spec) const;
  // Looks again for whatever was missing.
  Status look_again(Deadline deadline);

  // From nothing (or from the remains of an earlier life of the same task) to a running process with an empty
  // writable layer. The log and whatever else the keeper has in the folder stay. On failure nothing runs.
  //   NotFound   the command (named), a volume's host path (named)
  //   Invalid    user unknown, no command, working directory missing, or another thing that the runtime
  //   refused Exhausted, Timeout, Unavailable (what can_launch() says)
  Result<Launched> launch(const LaunchRequest& request, Deadline deadline);

  // Ends what is left of the task, whatever state it is in: processes, control group, the runtime's record,
  // the veth of `address` (may be empty). The folder stays, so that log and exit can still be read.
  // Idempotent.
  Status stop(const model::TaskId& task, const std::string& address, Deadline deadline);
  // SIGKILL to the task, whose first process is `container`; the rest of it follows. Waits for nothing.
  Status kill(const ProcessName& container) const;
  // stop(), then removes the folder.
  Status destroy(const model::TaskId& task, const std::string& address, Deadline deadline);

  // The pids that conmon wrote, if both processes are this task's and alive: for a crash between launch and
  // the record of it. NotFound otherwise, also for a container that was created and not yet started: that one
  // is for launch() to begin anew.
  Result<Launched> find(const model::TaskId& task) const;

  // The runtime that started the task, which alone knows its container; the host may have gone over to
  // another since. Unavailable, naming the package, where it is no longer there; NotFound when the task was
  // never launched.
  Result<Runtime> runtime_of(const model::TaskId& task) const;

  // A command that runs inside the task when given to io::run or io::spawn. NotFound when the task was never
  // launched. What it says to the runtime stands in a small file in the task's folder, which goes with the
  // folder; the same command uses the same file.
  Result<io::Command> exec_command(const model::TaskId& task, const ExecOptions& options) const;

  // SIGKILL to the command that the runtime wrote into `pid_file`, and to its process group; none there is
  // fine. For when the runtime was killed before its command ended.
  void kill_exec(const model::TaskId& task, const std::filesystem::path& pid_file) const;

  // NotFound when it does not run in a control group (any more).
  Result<CgroupUsage> usage(const model::TaskId& task) const;

  // Whether the kernel killed a process of the task for lack of memory. To be asked after its end and before
  // stop().
  bool was_out_of_memory(const model::TaskId& task) const;

  // Removes what all tasks of the cluster shared: its control group and the runtime's folder. No task may be
  // left.
  Status release();

  const HostRuntime& runtime() const { return options_.runtime; }
  TaskPaths paths(const model::TaskId& task) const { return TaskPaths(options_.state, task); }

 private:
  Launcher(LauncherOptions options, const Clock& clock);
  std::string cgroup(const model::TaskId& task) const {
    return "/slipway/" + options_.cluster + "/" + task.str();
  }
  Result<Json> configure(const LaunchRequest& request) const;
  Result<Json> config_of(const model::TaskId& task) const;
  Result<Runtime> runtime_from(const Json& config) const;
  std::string monitors_cgroup() const { return "/slipway/" + options_.cluster + "/_monitors"; }
  std::function<void()> leave_our_cgroup() const;
  Result<std::function<int()>> prepare_namespaces(const LaunchRequest& request, bool hide_unified,
                                                  io::Fd& network) const;
  Status forget_process(const model::TaskId& task, Deadline deadline) const;
  bool open_gate(const model::TaskId& task) const;
  Status start(const model::TaskId& task, Deadline deadline) const;

  LauncherOptions options_;
  const Clock& clock_;
  Cgroups cgroups_;
  uint64_t open_files_ = 0;
  int oom_score_ = 0;
  std::vector<BindMount> host_mounts_;
};

}  // namespace slipway::engine::local
