// What each observed task of an instance is worth, sorted into its revision.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// The round of this instance, its revisions and tasks in view, nothing decided yet.
Round open_round(const Inputs& inputs, SharedRoom& room, Wanted wanted, const Seen& seen);

// As observed; null where the engine does not tell of it.
const model::Node* find_node(const Round& round, const model::NodeId& id);

// Exited, failed or lost: no process.
bool is_dead(const model::Task& task);
// Running and, at the last check, healthy; where health checks are skipped, running is enough.
bool is_healthy(const Round& round, const model::Task& task);

}  // namespace slipway::plan
