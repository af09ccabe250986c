// What one instance gets out of one call of the planner.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// `instance` may be null: not in the files. `moves_left`: how many tasks of whatever instance may still begin
// to move for balance.
Round plan_instance(const Inputs& inputs, SharedRoom& room, int& moves_left, const model::InstanceId& id,
                    const model::Instance* instance, const Seen& seen);

}  // namespace slipway::plan
