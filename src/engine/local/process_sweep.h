// The processes of a task that has no control group to hold them together.
//
// All that a task starts stays below the first process of it, which is ours (see process_runtime.h), however
// often it forks, changes its session or clears its environment. What a command of `slipway exec` starts
// bears the task's SLIPWAY_TASK in its environment.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/conmon.h"
#include "model/ids.h"

namespace slipway::engine::local {

// SIGKILL to every process of the task but `first`, again until none is left; `first` then ends by itself.
// Where `first` is gone (or there was none: pid 0), those that bear the mark are found all the same.
Status kill_task_processes(const model::TaskId& task, const ProcessName& first, const Clock& clock,
                           Deadline deadline);

// SIGKILL to all below `first`, or, where nothing is, to itself. Waits for nothing.
Status kill_below(const ProcessName& first);

}  // namespace slipway::engine::local
