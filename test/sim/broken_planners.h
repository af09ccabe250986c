// Planners, and some other parts, that break one rule each, to see that the simulator finds them: it is worth
// no more than that.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/simulation.h"

namespace slipway::sim {

struct BrokenPlanner {
  std::string name;   // "stop-before-drain"
  int invariant = 0;  // that it breaks
  // A fresh one, with what it keeps from call to call.
  std::function<Options()> make;
};

const std::vector<BrokenPlanner>& broken_planners();

}  // namespace slipway::sim
