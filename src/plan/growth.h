// How many more tasks there is room for: a change that does not fit whole is made in slices.
#pragma once

#include <functional>
#include <optional>
#include <unordered_set>
#include <utility>

#include "plan/room.h"
#include "plan/round.h"

namespace slipway::plan {

// Nodes that take no tasks: not ready, or being drained.
using ClosedNodes = std::unordered_set<model::NodeId>;

// The room of the cluster during one call of the planner, made when it is first asked for. What is granted to
// one instance is no longer there for the next.
class SharedRoom {
 public:
  using Furnish = std::function<Room()>;
  // `furnish`: the nodes and all that takes room on them, tasks that the engine is about to place included.
  SharedRoom(bool limited, const ClosedNodes& closed, Furnish furnish)
      : limited_(limited), closed_(closed), furnish_(std::move(furnish)) {}
  // Mostly there is none, and nodes need not be looked up one by one.
  bool is_closed(const model::NodeId& node) const { return !closed_.empty() && closed_.contains(node); }
  Room& get() { return room_ ? *room_ : room_.emplace(furnish_()); }
  // Where the engine does not tell of its nodes, or places more on them than they say, there is no limit.
  bool is_limited() const { return limited_; }

 private:
  bool limited_;
  const ClosedNodes& closed_;
  Furnish furnish_;
  std::optional<Room> room_;
};

// Of `more` further tasks of the wanted revision, how many can be started now. Fewer than `more`:
// round.no_room says why.
int with_room(Round& round, int more);

// Moves a task of an instance that is wholly happy, where the cluster may be balanced and one of its nodes
// (or a value of the first attribute to spread over) has at least two tasks more than another that would take
// it. At most one task of an instance at a time and Inputs::rebalance of all; an instance rests for a while
// between two moves, so that an engine that places by other rules is not chased.
void balance(Round& round, int& moves_left);

}  // namespace slipway::plan
