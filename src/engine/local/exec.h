// A command running inside a task, with its standard streams in our hands.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/engine.h"
#include "io/process.h"

namespace slipway::engine::local {

struct ExecTerminal {
  int rows = 24;
  int columns = 80;
};

// Starts `command` (of Launcher::exec_command) and returns the session over its pipes or, with `terminal`,
// over a pseudo-terminal. `pid_file` is where the runtime writes the pid of the process inside the task, by
// which the session's end kills it too; empty where the command is that process itself.
Result<std::unique_ptr<ExecSession>> start_exec(io::Command command, const std::filesystem::path& pid_file,
                                                std::optional<ExecTerminal> terminal);

// SIGKILL to the process that the runtime wrote down, and its process group; none there is fine. To be called
// at once when the runtime was killed before its command ended, while the pid is fresh.
void kill_by_pid_file(const std::filesystem::path& pid_file);

}  // namespace slipway::engine::local
