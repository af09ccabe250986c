#include "plan/bounce.h"

#include <algorithm>
#include <cmath>

namespace slipway::plan {
namespace {

std::vector<std::string> all_beyond(const std::vector<std::string>& old, int kept) {
  const auto first = std::min(static_cast<size_t>(std::max(kept, 0)), old.size());
  return {old.begin() + static_cast<std::ptrdiff_t>(first), old.end()};
}

}  // namespace

int floor_of(int count, double margin) {
  return static_cast<int>(std::ceil(count * margin));
}

BounceDecision decide_bounce(const BounceInput& input) {
  const bool start = !input.new_exists;
  switch (input.method) {
    case model::BounceMethod::Crossover:
      return {start, all_beyond(input.old, floor_of(input.count, input.margin) - input.happy_new)};
    case model::BounceMethod::Brutal:
      return {start, input.old};
    case model::BounceMethod::UpThenDown: {
      const bool up = input.new_exists && input.happy_new >= input.count;
      return {start, up ? input.old : std::vector<std::string>()};
    }
    case model::BounceMethod::DownThenUp:
      return {start && input.old.empty(), input.old};
  }
  return {};
}

BounceDecision decide_removal(const std::vector<std::string>& old) {
  return {false, old};
}

}  // namespace slipway::plan
