// What happened to the tasks between two observations, as events for people.
#pragma once

#include <vector>

#include "model/observed.h"
#include "model/status.h"

namespace slipway::reconcile {

// Of tasks that were seen before and, at `at`, after; both sorted by task, as are the events.
std::vector<model::Event> task_changes(const std::vector<model::Task>& before,
                                       const std::vector<model::Task>& after, Time at);

// What differs between two specs, in words: "env VERSION: \"1\" -> \"2\"; image". Empty when equal.
std::string spec_changes(const Json& before, const Json& after);

}  // namespace slipway::reconcile
