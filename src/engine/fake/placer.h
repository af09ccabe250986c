// Who chooses the nodes of a fake cluster, where it does not do so by its own simple rule (the node with the
// fewest tasks among those with room).
#pragma once

#include <optional>
#include <string>

#include "model/observed.h"

namespace slipway::engine::fake {

// Told of every node and of every task that takes or leaves one. One thread.
class Placer {
 public:
  virtual ~Placer() = default;
  virtual void node_changed(const model::Node& node) = 0;
  // So many tasks of this revision are asked for next, and nothing else happens meanwhile. Not a promise.
  virtual void expect(const model::Revision&, int /*tasks*/) {}
  // Nothing where no node will do: `why_not` says why.
  virtual std::optional<model::NodeId> choose(const model::Revision& revision, std::string& why_not) = 0;
  // The task is on its node; a node that choose() named is taken by it.
  virtual void occupied(const model::Task& task, const model::Revision& revision) = 0;
  virtual void left(const model::TaskId& task) = 0;
};

}  // namespace slipway::engine::fake
