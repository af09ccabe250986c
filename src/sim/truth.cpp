#include "sim/truth.h"

namespace slipway::sim {

Picture take_picture(engine::fake::FakeCluster& cluster, const discovery::ProxyState& proxy) {
  Picture picture;
  cluster.with([&](engine::fake::World& world) {
    world.each_task([&](const model::Task& task, const model::Revision&) {
      if (task.one_off) return;
      TaskTruth& truth = picture.emplace_hint(picture.end(), task.id, TaskTruth())->second;
      truth.instance = task.instance;
      truth.revision = task.revision;
      truth.node = task.node;
      truth.started_at = task.started_at;
      truth.running = task.state == model::TaskState::Running;
      truth.stopping = task.state == model::TaskState::Stopping;
      truth.lost = task.state == model::TaskState::Lost;
      truth.healthy_since = task.health == model::Health::Healthy ? task.healthy_since : std::nullopt;
    });
  });
  for (const auto& [id, server] : proxy.servers) {
    TaskTruth& task = picture[id];
    task.listed = true;
    task.in = server.in;
    task.sessions = server.sessions;
  }
  return picture;
}

}  // namespace slipway::sim
