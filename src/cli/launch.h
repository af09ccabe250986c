// Starting the control plane in the background, and knowing when it is there or gone.
#pragma once

#include <filesystem>
#include <string>

#include "api/client.h"
#include "api/registry.h"
#include "cli/context.h"

namespace slipway::cli {

// Where a background control plane writes its own log.
std::filesystem::path control_plane_log(const std::filesystem::path& state);

// How a control plane is started: from `source`, a config tree or a cluster file, which says `state` and
// `endpoint`.
struct Launch {
  std::filesystem::path source;
  std::filesystem::path state;
  io::Endpoint endpoint;
  bool up = false;  // take back a `down` that has not come to its end; else it is gone on with
};

// Starts `slipway serve` in a session of its own and returns once its API answers. Where it ends at once
// instead, the error carries the last lines of its log; Timeout (and it is left to go on) when it does
// neither in 20 s.
Status launch(const Context& context, const Launch& what);

// Whether the control plane answers. An error other than Unavailable (somebody else's socket) is passed on.
Result<bool> answers(const api::Client& client);

// Waits for the process (with its start time, see api/registry.h) to be gone. False when it is still there at
// the deadline.
bool wait_for_end(pid_t pid, uint64_t started, const Clock& clock, Deadline deadline);

}  // namespace slipway::cli
