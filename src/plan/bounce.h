// The four bounce methods: which old tasks to drain now, and whether to start the new revision.
//
// Pure arithmetic over counts, shared by the planner and `slipway internal bounce`. The table is the one of
// PaaSTA's bounce methods (docs/internals/planner.md has it in full).
#pragma once

#include <string>
#include <vector>

#include "model/instance.h"

namespace slipway::plan {

struct BounceInput {
  model::BounceMethod method = model::BounceMethod::Crossover;
  int count = 0;      // wanted; >= 0
  double margin = 1;  // 0 < margin <= 1
  bool new_exists = false;
  int happy_new = 0;
  std::vector<std::string> old;  // not yet draining, most desirable first
};

struct BounceDecision {
  bool create = false;
  std::vector<std::string> drain;  // in the order of `old`
  bool operator==(const BounceDecision&) const = default;
};

// What is drained is always the end of `old`, perhaps all of it.
BounceDecision decide_bounce(const BounceInput& input);

// The last row of the table: nothing is wanted any more, so all go.
BounceDecision decide_removal(const std::vector<std::string>& old);

// ceil(count * margin) over the IEEE double product: how many tasks our actions keep happy.
int floor_of(int count, double margin);

// One line of `slipway internal bounce`: a JSON object in, a JSON object out, {"error": "..."} for bad input.
std::string bounce_line(const std::string& line);

}  // namespace slipway::plan
