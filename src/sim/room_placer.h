// The planner's own placement, for a fake cluster.
#pragma once

#include "engine/fake/placer.h"
#include "plan/room.h"

namespace slipway::sim {

class RoomPlacer final : public engine::fake::Placer {
 public:
  void node_changed(const model::Node& node) override;
  void expect(const model::Revision& revision, int tasks) override;
  std::optional<model::NodeId> choose(const model::Revision& revision, std::string& why_not) override;
  void occupied(const model::Task& task, const model::Revision& revision) override;
  void left(const model::TaskId& task) override;

 private:
  void drop_batch();

  plan::Room room_;
  // Chosen ahead for the tasks that are expected, the next one last; their room is taken until they come.
  model::Revision expected_;
  std::vector<plan::NodeNumber> batch_;
};

}  // namespace slipway::sim
