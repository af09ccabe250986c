// The planner's own placement, for a fake cluster.
#pragma once

#include "engine/fake/placer.h"
#include "plan/room.h"

namespace slipway::sim {

class RoomPlacer final : public engine::fake::Placer {
 public:
  void node_changed(const model::Node& node) override { room_.set_node(node); }
  std::optional<model::NodeId> choose(const model::Revision& revision, std::string& why_not) override;
  void occupied(const model::Task& task, const model::Revision& revision) override;
  void left(const model::TaskId& task) override { room_.vacate(task); }

 private:
  plan::Room room_;
};

}  // namespace slipway::sim
