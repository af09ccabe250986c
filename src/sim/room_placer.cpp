#include "sim/room_placer.h"

namespace slipway::sim {

// Room::place() takes the place, and occupied() takes it again for a task that has a name: so it is given
// back at once.
std::optional<model::NodeId> RoomPlacer::choose(const model::Revision& revision, std::string& why_not) {
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

}  // namespace slipway::sim
