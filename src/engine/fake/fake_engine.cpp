#include "engine/fake/fake_engine.h"

#include <fmt/format.h>

#include "engine/fake/streams.h"

namespace slipway::engine::fake {

Capabilities FakeEngine::capabilities() const {
  Capabilities able;
  able.name = "fake";
  able.multi_node = cluster_->with([](World& world) { return world.options().nodes.size() > 1; });
  able.runs_images = able.runs_commands = true;
  able.health_http = able.health_tcp = able.health_cmd = true;
  able.picks_victims = able.restarts_tasks = true;
  able.exec = able.logs = able.one_off = true;
  able.enforces_memory = true;  // by `eat`; nothing here takes cpu, processes or disk
  able.volumes = able.networks = true;
  able.limited_room = true;
  return able;
}

Status FakeEngine::reachable(Deadline deadline) const {
  if (cluster_->api().outage) {
    return Error(ErrorCode::Unavailable, "the fake cluster's API does not answer");
  }
  if (deadline.passed(cluster_->clock().steady_now())) {
    return Error(ErrorCode::Timeout, "the deadline passed before the call");
  }
  return {};
}

// Every verb that changes something, with the ways in which it can go wrong.
Status FakeEngine::change(std::string_view attempt, Deadline deadline,
                          const std::function<Status(World&)>& verb) {
  TRY_CONTEXT(reachable(deadline), std::string(attempt));
  Status done = cluster_->with(verb);
  if (cluster_->api().lose_answers) {
    return Error(ErrorCode::Timeout, std::string(attempt), Error(ErrorCode::Timeout, "the answer was lost"));
  }
  return std::move(done).context(std::string(attempt));
}

Result<model::Observed> FakeEngine::observe(Deadline deadline) {
  TRY_CONTEXT(reachable(deadline), "observe the fake cluster");
  const bool stale = cluster_->api().stale;
  const Lock lock(mutex_);
  if (!stale || !last_seen_) last_seen_ = cluster_->with([](World& world) { return world.observe(); });
  return *last_seen_;
}

Status FakeEngine::scale(const model::Revision& revision, int count, model::Generation generation,
                         Deadline deadline) {
  return change(fmt::format("scale revision {} to {}", revision.id.str(), count), deadline,
                [&](World& world) { return world.scale(revision, count, generation); });
}

Status FakeEngine::remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                                Duration grace, model::Generation generation, Deadline deadline) {
  return change(fmt::format("remove {} tasks of revision {}", tasks.size(), revision.str()), deadline,
                [&](World& world) { return world.remove_tasks(revision, tasks, grace, generation); });
}

Status FakeEngine::remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                          Deadline deadline) {
  return change(fmt::format("remove revision {}", revision.str()), deadline,
                [&](World& world) { return world.remove(revision, grace, generation); });
}

Status FakeEngine::run(const RunRequest& request, Deadline deadline) {
  return change(fmt::format("run task {}", request.id.str()), deadline,
                [&](World& world) { return world.run_once(request); });
}

Status FakeEngine::collect(const model::TaskId& task, Duration grace, Deadline deadline) {
  return change(fmt::format("collect task {}", task.str()), deadline, [&](World& world) -> Status {
    world.collect(task, grace);
    return {};
  });
}

Result<std::unique_ptr<LogReader>> FakeEngine::logs(const LogRequest& request, Deadline deadline) {
  const std::string attempt = fmt::format("read the log of task {}", request.task.str());
  TRY_CONTEXT(reachable(deadline), attempt);
  return open_log(cluster_, request).context(attempt);
}

Result<std::unique_ptr<ExecSession>> FakeEngine::exec(const ExecRequest& request, Deadline deadline) {
  const std::string attempt = fmt::format("execute a command in task {}", request.task.str());
  TRY_CONTEXT(reachable(deadline), attempt);
  return open_exec(cluster_, request).context(attempt);
}

Status FakeEngine::prepare(const model::Image& image, Deadline deadline) {
  return change(fmt::format("prepare image {}", model::describe(image)), deadline,
                [&](World& world) { return world.check_image(image); });
}

Status FakeEngine::drain(const model::NodeId& node, model::Generation generation, Deadline deadline) {
  return change(fmt::format("drain node {}", node.str()), deadline,
                [&](World& world) { return world.set_draining(node, true, generation); });
}

Status FakeEngine::undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) {
  return change(fmt::format("undrain node {}", node.str()), deadline,
                [&](World& world) { return world.set_draining(node, false, generation); });
}

Status FakeEngine::release(Deadline deadline) {
  return change("release the fake cluster", deadline, [](World& world) { return world.release(); });
}

}  // namespace slipway::engine::fake
