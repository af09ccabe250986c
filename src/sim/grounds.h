// The nodes of a simulation: how many, how big, of what kind, and who chooses among them.
//
// Drawn from the seed. Half of the seeds have nodes that take everything, so that what is found there is not
// about room; the others have the planner's own placement, with attributes that rules may name, and half of
// those so little room that a change has to go in slices, or has none at all.
#pragma once

#include <memory>

#include "engine/fake/knobs.h"
#include "sim/chance.h"

namespace slipway::sim {

struct Grounds {
  engine::fake::Options options;
  bool placed = false;  // by plan::Room, so that rules of placement mean something
  bool tight = false;
  int rebalance = 0;  // most tasks at a time that move for the sake of balance

  // `ignores_rules`: the same, and whoever places goes by sizes alone.
  static Grounds draw(uint64_t seed, bool ignores_rules);
};

// Is kept back until the faults stop: then there is room for everything, for all rules that stay.
bool is_spare(const engine::fake::NodeOptions& node);

}  // namespace slipway::sim
