// A rehearsal's report as JSON: what `slipway plan` and `slipway simulate` print with `-o json`.
#pragma once

#include "base/json.h"
#include "sim/rehearsal.h"

namespace slipway::sim {

// {"converges", "seconds", "rounds", "steps_taken", "tasks", "lowest", "lowest_of", "lowest_at_seconds",
// "tasks_started", "tasks_moved", "instances": [...], "steps": [...]}. Instances with nothing to do and
// nothing to say are left out.
Json to_json(const RehearsalReport& report, const RehearsalQuestion& question);

}  // namespace slipway::sim
