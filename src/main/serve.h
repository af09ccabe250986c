// The daemon: builds the concrete parts from the cluster file, wires them, runs until it is told to end.
#pragma once

#include <string>

#include "cli/cli.h"

namespace slipway::daemon {

// Returns the exit code of the process. Logs to standard error.
int serve(const cli::ServeOptions& options, const std::string& version);

}  // namespace slipway::daemon
