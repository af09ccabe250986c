// From decisions to steps: stop what is drained, start what may start, delete what is empty.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Reads round.leaving, the cuts and may_start; to be called after settle_drains().
void add_steps(Round& round);

}  // namespace slipway::plan
