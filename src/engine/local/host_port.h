// Ports for tasks that share the host's network, where two tasks must not listen on one.
#pragma once

#include <set>

#include "base/result.h"

namespace slipway::engine::local {

// A TCP port that nobody on the host listens on now and that is not in `taken`: `preferred` when it is free,
// else one that the kernel chooses. Nothing holds it until the task listens, so another program may still
// come first; the task then fails to start, says so in its log, and is started again. Exhausted when there is
// none.
Result<int> choose_host_port(int preferred, const std::set<int>& taken);

}  // namespace slipway::engine::local
