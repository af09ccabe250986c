// The words of status: reasons and causes.
#pragma once

#include <string>
#include <vector>

#include "model/status.h"
#include "plan/round.h"

namespace slipway::plan {

// Every task of the wanted revision has been started again several times, and none is healthy.
bool is_crashlooping(const Round& round);

// What keeps one task from being happy, in one clause; empty when nothing does.
std::string trouble_of(const Round& round, const model::Task& task);

// Tasks that are not happy, of the wanted revision where there is one: those that say most come first.
std::vector<const model::Task*> troubled(const Round& round);

// What the change that is under way waits for.
std::string waiting_for(const Round& round);

// What the reason names that waiting does not mend.
model::Blocked blocked_of(const Round& round);

// One sentence that a user can act on; empty when all is as wanted.
std::string reason_of(const Round& round, model::InstanceState state);

// For `why`: what holds now, then the newest first, down to log lines. `reason` is reason_of(round).
std::vector<model::Cause> causes_of(const Round& round, const std::string& reason);

}  // namespace slipway::plan
