// A command running inside a task, with its standard streams in our hands.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "engine/engine.h"
#include "io/process.h"

namespace slipway::engine::local {

struct ExecTerminal {
  int rows = 24;
  int columns = 80;
};

// The process inside the task where the command is the runtime, which only waits for it.
struct ExecInside {
  std::filesystem::path pid_file;  // where the runtime writes its pid; the session's end removes it
  std::function<void()> kill;      // ends it; called when the session ends before the command
};

// Starts `command` (of Launcher::exec_command) and returns the session over its pipes or, with `terminal`,
// over a pseudo-terminal. `inside` is empty where the command is the process inside the task itself.
Result<std::unique_ptr<ExecSession>> start_exec(io::Command command, const ExecInside& inside,
                                                std::optional<ExecTerminal> terminal);

}  // namespace slipway::engine::local
