// The first few: a new revision proves itself with so many tasks before the rest follows.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// While the canaries of the change under way have not been happy for canary_seconds without a break: sets
// round.canaries, the most new tasks that there may be, and round.canary_wait. A downthenup bounce has none,
// because nothing old would be left beside them.
void follow_canary(Round& round);

}  // namespace slipway::plan
