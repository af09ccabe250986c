#include "plan/planner.h"

#include "plan/incremental.h"

namespace slipway::plan {

Outcome decide(const Inputs& inputs) {
  IncrementalPlanner planner;
  planner.decide(inputs);
  return planner.take_outcome();
}

bool same_answer(const Outcome& a, const Outcome& b) {
  return a.plan == b.plan && a.memory == b.memory && a.status == b.status && a.events == b.events &&
         a.wake_at == b.wake_at && a.memory_changes == b.memory_changes;
}

}  // namespace slipway::plan
