// Taking tasks out of traffic, and knowing when one may be stopped.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Decide that this task is to go. Its drain begins, or goes on.
void leave(Round& round, const model::Task& task, std::string why);

// Make the tasks that were decided to go, and no others, the draining ones: a task that is wanted again goes
// back into traffic, unless its stop has been asked for.
void settle_drains(Round& round);

// Whether the task, which is draining, may be stopped now: it gets no new requests, and has none open or has
// used up its drain timeout. Wakes the round for that timeout.
bool is_drained(Round& round, const model::Task& task);

// Not empty where the instance asks for a drain method that is done in another way; to be shown.
std::string drain_note(const Round& round);

}  // namespace slipway::plan
