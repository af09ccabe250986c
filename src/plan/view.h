// What each observed task of an instance is worth, sorted into its revision.
#pragma once

#include <vector>

#include "plan/round.h"

namespace slipway::plan {

// What was observed of one instance; `tasks` without one-off ones. Both sorted by id.
struct Sighting {
  std::vector<const model::ObservedRevision*> revisions;
  std::vector<const model::Task*> tasks;
};

// The round of this instance, its revisions and tasks in view, nothing decided yet.
Round open_round(const Inputs& inputs, SharedRoom& room, Wanted wanted, const Sighting& sighting);

// As observed; null where the engine does not tell of it.
const model::Node* find_node(const Round& round, const model::NodeId& id);

// Exited, failed or lost: no process.
bool is_dead(const model::Task& task);
// Running and, at the last check, healthy; where health checks are skipped, running is enough.
bool is_healthy(const Round& round, const model::Task& task);

}  // namespace slipway::plan
