// The processes of a task that has no control group to hold them together.
#pragma once

#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "model/ids.h"

namespace slipway::engine::local {

// SIGKILL to every process that was started with this task's SLIPWAY_TASK in its environment, whoever its
// parent is by now, again until none is left.
Status kill_marked_processes(const model::TaskId& task, const Clock& clock, Deadline deadline);

}  // namespace slipway::engine::local
