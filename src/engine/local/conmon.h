// conmon, the small program between us and a container: how it is called, and what it answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/runtime.h"
#include "engine/local/task_paths.h"
#include "io/process.h"

namespace slipway::engine::local {

// A process by a name that is not used twice.
struct ProcessName {
  pid_t pid = 0;
  uint64_t start_time = 0;  // in clock ticks since boot
  bool operator==(const ProcessName&) const = default;
};

// The process is there and is the one that was named (a zombie counts as gone).
bool is_alive(const ProcessName& process);
// NotFound when it is not; another error when that cannot be told.
Status check_alive(const ProcessName& process);
// Signals exactly this process. NotFound when it has gone.
Status signal_process(const ProcessName& process, int signal);
// Waits for its end. Timeout.
Status wait_for_end(const ProcessName& process, const Clock& clock, Deadline deadline);

struct Launched {
  ProcessName container;   // the task's first process
  ProcessName supervisor;  // its conmon
};

struct ConmonRequest {
  const Runtime& runtime;
  const TaskPaths& paths;
  model::TaskId task;
  uint64_t log_limit = 0;
  std::function<int()> setup;  // between fork and exec: see io::Command
};

// Has conmon create the container from the bundle, and returns when it is created (not yet started), or
// conmon's reason why not. conmon goes on in a session of its own.
Result<Launched> create_container(const ConmonRequest& request, const Clock& clock, Deadline deadline);

// conmon and container as their pid files name them, if they are this task's and alive; NotFound otherwise.
Result<ProcessName> find_conmon(const TaskPaths& paths, const model::TaskId& task);
Result<Launched> find_launched(const TaskPaths& paths, const model::TaskId& task);

// The number in a file that conmon or a runtime wrote. NotFound where there is none.
Result<pid_t> read_pid_file(const std::filesystem::path& path);

// What a runtime complained, as an Error that a user can act on: without time stamps and the runtime's own
// stages, and NotFound where a command is missing.
Error runtime_error(std::string_view complaint);

}  // namespace slipway::engine::local
