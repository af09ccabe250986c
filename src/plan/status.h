// What users are told of one instance: its state, one sentence of why, and what lies behind it.
#pragma once

#include "model/status.h"
#include "plan/round.h"

namespace slipway::plan {

// After everything is decided.
model::InstanceStatus status_of(const Round& round);

}  // namespace slipway::plan
