// How a change goes: when it began, when it last made progress, whether it has stalled, when it is done. What
// the memory calls a bounce is any time that an instance is on its way to enough happy tasks of its wanted
// revision.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Before deciding: begin, redirect, note progress or a stall.
void follow_bounce(Round& round);

// After deciding: the change is over when the wanted tasks are happy and nothing old is left.
void finish_bounce(Round& round);

// Forget the change without an end of its own (the instance is paused, stopped or broken), and say why.
void drop_bounce(Round& round, const std::string& why);

}  // namespace slipway::plan
