// Taking tasks out of traffic, and knowing when one may be stopped.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Decide that this task is to go. Its drain begins, or goes on.
void leave(Round& round, const model::Task& task, std::string why);

// Make the tasks that were decided to go, and no others, the draining ones: a task that is wanted again goes
// back into traffic, unless its stop has been asked for.
void settle_drains(Round& round);

// Steps that tell the draining tasks of their drain, where the instance's method is http or command, and
// again until they have heard it; and those that are wanted again, of that.
void tell_tasks(Round& round);

// Whether the task, which is draining, may be stopped now: it gets no new requests, has none open and has
// said that it is done (where it is asked), or has used up its drain timeout. Wakes the round for that
// timeout.
bool is_drained(Round& round, const model::Task& task);

// What the drains that are told to the tasks wait for, to be shown; empty where there is nothing to say.
std::string drain_note(const Round& round);

}  // namespace slipway::plan
