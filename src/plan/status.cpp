#include "plan/status.h"

#include <fmt/format.h>

#include "plan/explain.h"

namespace slipway::plan {
namespace {

using model::InstanceState;

// Of all revisions; those that were chosen to drain a moment ago serve no more.
int serving(const Round& round) {
  int count = 0;
  for (const RevisionView& view : round.revisions) {
    for (const TaskView& task : view.tasks)
      count += task.serving && !round.memory.drains.contains(task.task->id);
  }
  return count;
}

bool any_task(const Round& round) {
  return std::any_of(round.revisions.begin(), round.revisions.end(),
                     [](const auto& view) { return view.has_tasks(); });
}

int desired_of(const Round& round) {
  if (round.wanted.instance != nullptr || !round.wanted.frozen()) return round.wanted.count;
  int count = 0;  // what is wanted is unknown, so what the engine was told last stands
  for (const RevisionView& view : round.revisions) count += view.count;
  return count;
}

InstanceState frozen_state(const Round& round) {
  const int desired = desired_of(round);
  if (desired == 0) return any_task(round) ? InstanceState::Running : InstanceState::Stopped;
  if (serving(round) >= desired) return InstanceState::Running;
  return is_crashlooping(round) ? InstanceState::Crashlooping : InstanceState::Starting;
}

InstanceState state_of(const Round& round) {
  if (round.wanted.frozen()) return frozen_state(round);
  if (round.wanted.count == 0) {
    return any_task(round) ? InstanceState::Stopping : InstanceState::Stopped;
  }
  if (is_crashlooping(round)) return InstanceState::Crashlooping;
  const auto& bounce = round.memory.bounce;
  if (bounce && bounce->stalled) return InstanceState::Stalled;
  if (bounce) return bounce->from.empty() ? InstanceState::Starting : InstanceState::Bouncing;
  return InstanceState::Running;
}

std::optional<model::BounceStatus> bounce_of(const Round& round) {
  const auto& memory = round.memory.bounce;
  if (!memory || memory->from.empty() || round.wanted.instance == nullptr) return std::nullopt;
  model::BounceStatus bounce;
  bounce.to = memory->to;
  bounce.from = memory->from;
  bounce.method = round.wanted.instance->bounce.method;
  bounce.started_at = memory->started_at;
  bounce.progress_at = memory->progress_at;
  bounce.happy_new = round.happy_new();
  bounce.old_left = round.old_left();
  bounce.stalled = memory->stalled;
  bounce.waiting_for = waiting_for(round);
  return bounce;
}

// The load balancer's own address is not known here, so these are for this machine; another layer may rewrite
// them.
std::vector<std::string> endpoints_of(const Round& round) {
  std::vector<std::string> urls;
  if (!round.wanted.proxied() || round.seen.refused) return urls;
  const model::Proxy& proxy = *round.wanted.instance->proxy;
  if (proxy.port) {
    const std::string_view scheme = proxy.mode == model::ProxyMode::Http ? "http" : "tcp";
    urls.push_back(fmt::format("{}://127.0.0.1:{}", scheme, *proxy.port));
  }
  for (const std::string& domain : proxy.domains) urls.push_back("http://" + domain);
  return urls;
}

}  // namespace

model::InstanceStatus status_of(const Round& round) {
  model::InstanceStatus status;
  status.id = round.wanted.id;
  status.state = state_of(round);
  status.desired = desired_of(round);
  status.healthy = serving(round);
  status.revision = round.wanted.revision.id;
  status.seen = round.seen.engine;
  for (const auto& drain : round.memory.drains) status.draining.push_back(drain.first);
  status.bounce = bounce_of(round);
  status.overrides = round.wanted.overrides;
  status.reason = reason_of(round, status.state);
  status.blocked = blocked_of(round);
  status.causes = causes_of(round, status.reason);
  status.endpoints = endpoints_of(round);
  return status;
}

}  // namespace slipway::plan
