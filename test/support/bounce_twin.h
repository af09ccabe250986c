// The table of the bounce methods once more, task by task and without arithmetic on positions.
#pragma once

#include "plan/bounce.h"

namespace slipway::test {

inline plan::BounceDecision naive_bounce(const plan::BounceInput& input) {
  using model::BounceMethod;
  plan::BounceDecision decision;
  decision.create = !input.new_exists;
  int needed = 0;
  while (needed < input.count * input.margin) ++needed;
  for (int i = 0; i < input.happy_new && needed > 0; ++i) --needed;
  for (const std::string& task : input.old) {
    bool drain = true;
    if (input.method == BounceMethod::Crossover) drain = needed-- <= 0;
    if (input.method == BounceMethod::UpThenDown) drain = input.new_exists && input.happy_new >= input.count;
    if (input.method == BounceMethod::DownThenUp) decision.create = false;
    if (drain) decision.drain.push_back(task);
  }
  return decision;
}

}  // namespace slipway::test
