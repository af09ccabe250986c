// What happened to the tasks between two observations, as events for people.
#pragma once

#include <vector>

#include "model/observed.h"
#include "model/status.h"

namespace slipway::reconcile {

// Sorted by task. `before` may be empty (the first look), which yields nothing: what ran before us is no
// news.
std::vector<model::Event> task_changes(const model::Observed& before, const model::Observed& after);

// What differs between two specs, in words: "env VERSION: \"1\" -> \"2\"; image". Empty when equal.
std::string spec_changes(const Json& before, const Json& after);

}  // namespace slipway::reconcile
