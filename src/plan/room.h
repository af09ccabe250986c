// Where tasks may run: the nodes, what runs on them, and the choice of a node for one task more.
//
// Pure: the same calls in the same order give the same answers. One thread. Amounts are whole numbers inside:
// thousandths of a core, MB.
//
// Filters, in the order in which a node is counted under the first that excludes it: it is ready; it is not
// draining; its pool; each selector; cpus, memory, disk (where the node says how much it has), gpus; the host
// port of a task in the host's network; each rule apart_from; max_per_node; each max_per, by attribute.
//
// Limits (max_per_node, max_per) and spread count the tasks of one revision only, one-off tasks not at all. A
// rolling change runs two revisions of an instance side by side for a while: if old tasks counted, one task
// per node on as many nodes as tasks could never be rolled, since each node would be full of what is to go.
// For the same reason apart_from never means the instance itself. It looks one way: it keeps the tasks that
// state it away from the others, not the others away from them.
//
// Among the nodes that pass, in this order: fewest tasks of the revision under the node's value of the first
// attribute to spread over (nodes without it share the value ""), then of the second and so on; then packing,
// by the resource that the node would have least left of, as a share of the whole node (balance: most left;
// pack: least left); then the node id. Nothing else is weighed, so that people can tell what will happen.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "model/observed.h"
#include "plan/placement_explanation.h"
#include "plan/room_nodes.h"
#include "plan/room_picker.h"
#include "plan/room_request.h"
#include "plan/room_tenants.h"

namespace slipway::plan {

class Room {
 public:
  Room() = default;
  // Tasks of a revision that is not observed are not here: nobody knows what they take.
  explicit Room(const model::Observed& observed);

  // Adds the node, or replaces what is known of it. What runs there stays.
  void set_node(const model::Node& node);
  // Tasks there stay and are counted again should the node come back.
  void remove_node(const model::NodeId& id);

  // The task as it was last seen, in place of what was known of it. It takes room from when it has a node
  // until it is gone, also while it stops or waits to be started again; not when it is lost, or has ended for
  // good.
  void occupy(const model::Task& task, const model::Revision& revision);
  void vacate(const model::TaskId& task);

  // The node for one task more, and its room is taken, by nobody yet: give_back() before occupy() when the
  // task is there. Nothing where none will do; explain() says why.
  std::optional<model::NodeId> place(const model::Revision& revision);

  // The same for many, one entry a task, the first task first. Fewer than `tasks` where no more fit. The
  // nodes are read once for the whole batch, so one call for a hundred tasks costs little more than one for
  // one.
  std::vector<NodeNumber> place_many(const model::Revision& revision, int tasks);
  const model::NodeId& node_id(NodeNumber node) const { return nodes_.id(node); }

  // Undoes a place() of this revision on this node.
  void give_back(const model::Revision& revision, const model::NodeId& node);

  // What place() would choose now and what comes next, or why there is nothing. Reads every node.
  Explanation explain(const model::Revision& revision) const;
  // Whether any node could ever take such a task, were it ready and empty: by pool, selectors and size. An
  // instance for which none can is told at once.
  Explanation explain_ever(const model::Revision& revision) const;

 private:
  NodeTable nodes_;
  Tenants tenants_;
  std::unordered_map<model::TaskId, Tenants::Seat> seats_;

  // Kept for their memory alone.
  Request request_;
  Picker picker_;
};

}  // namespace slipway::plan
