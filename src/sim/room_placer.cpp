#include "sim/room_placer.h"

#include <algorithm>

namespace slipway::sim {

void RoomPlacer::node_changed(const model::Node& node) {
  drop_batch();
  room_.set_node(node);
}

// One look at the nodes for all of them: looking is what costs.
void RoomPlacer::expect(const model::Revision& revision, int tasks) {
  drop_batch();
  if (tasks < 2) return;
  expected_ = revision;
  batch_ = room_.place_many(revision, tasks);
  std::ranges::reverse(batch_);
}

// Room::place() takes the place, and occupied() takes it again for a task that has a name: so it is given
// back at once.
std::optional<model::NodeId> RoomPlacer::choose(const model::Revision& revision, std::string& why_not) {
  if (!batch_.empty() && expected_.id == revision.id) {
    const model::NodeId node = room_.node_id(batch_.back());
    batch_.pop_back();
    room_.give_back(revision, node);
    return node;
  }
  drop_batch();
  auto node = room_.place(revision);
  if (node) {
    room_.give_back(revision, *node);
  } else {
    why_not = room_.explain(revision).text();
  }
  return node;
}

void RoomPlacer::occupied(const model::Task& task, const model::Revision& revision) {
  room_.occupy(task, revision);
}

void RoomPlacer::left(const model::TaskId& task) {
  drop_batch();
  room_.vacate(task);
}

void RoomPlacer::drop_batch() {
  for (const plan::NodeNumber node : batch_) room_.give_back(expected_, room_.node_id(node));
  batch_.clear();
}

}  // namespace slipway::sim
