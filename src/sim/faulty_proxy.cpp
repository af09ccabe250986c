#include "sim/faulty_proxy.h"

#include "base/check.h"

namespace slipway::sim {

namespace {
const Deadline kNoDeadline{SteadyTime::max()};
}

Status FaultyProxy::reachable() const {
  if (stage_.clock.steady_now() >= stage_.proxy_back) return {};
  return Error(ErrorCode::Unavailable, "the load balancer does not answer");
}

// What time alone has changed.
void FaultyProxy::settle() {
  const SteadyTime now = stage_.clock.steady_now();
  std::erase_if(hears_at_, [&](const auto& entry) {
    if (entry.second > now) return false;
    inner_.deaf.erase(entry.first);
    return true;
  });
  std::erase_if(ends_at_, [&](const auto& entry) {
    if (entry.second > now) return false;
    inner_.sessions.erase(entry.first);
    return true;
  });
  // The connections of a process end with it.
  stage_.cluster->with([&](engine::fake::World& world) {
    std::erase_if(inner_.sessions, [&](const auto& entry) { return !world.runs(entry.first); });
  });
}

// Servers that are new, or drain since just now.
void FaultyProxy::follow(const discovery::ProxyState& before) {
  const SteadyTime now = stage_.clock.steady_now();
  const discovery::ProxyState after = *inner_.observe(kNoDeadline);
  for (const auto& [task, server] : after.servers) {
    const auto old = before.servers.find(task);
    const bool drained = old != before.servers.end() && old->second.draining;
    if (old == before.servers.end()) {
      inner_.deaf.insert(task);
      hears_at_[task] = now + Duration(static_cast<int64_t>(stage_.world_random.below(1000)));
    }
    if (!server.draining) {
      ends_at_.erase(task);
      inner_.sessions[task] = static_cast<int>(stage_.world_random.below(4));
    } else if (!drained) {
      // Most end within seconds, some never.
      const bool endless = stage_.world_random.below(10) == 0;
      ends_at_[task] =
          now + (endless ? Duration(1h) : Duration(static_cast<int64_t>(stage_.world_random.below(15'000))));
    }
  }
}

discovery::ProxyState FaultyProxy::truth() {
  settle();
  return *inner_.observe(kNoDeadline);
}

void FaultyProxy::die() {
  CHECK(inner_.stop(kNoDeadline).has_value());
  inner_.sessions.clear();
  empty_ = true;
}

Result<discovery::ProxyState> FaultyProxy::sync(const std::vector<discovery::RoutedInstance>& wanted,
                                                Deadline deadline) {
  const int plane = stage_.acting->number;
  stage_.timeline.note(plane, "sync", "{}", [&] {
    std::string text;
    for (const auto& instance : wanted) {
      text += (text.empty() ? "" : "; ") + instance.id.text() + ":";
      for (const auto& route : instance.routes)
        text += (route.traffic == model::Traffic::Drain ? " -" : " +") + route.task.str();
    }
    return text;
  }());
  TRY(reachable());
  settle();
  Act act;
  act.now = stage_.clock.now();
  const discovery::ProxyState before = truth();
  act.before = stage_.picture(before);
  Result<discovery::ProxyState> synced = inner_.sync(wanted, deadline);
  act.done = synced.has_value();
  empty_ = empty_ && !act.done;
  follow(before);
  act.after = stage_.picture(truth());
  for (const auto& [id, why] : before.refused) act.refused.insert(id);
  for (const auto& [id, why] : truth().refused) act.refused.insert(id);
  stage_.referee.acted(plane, act);
  if (stage_.chance.strikes(Fault::ProxyAnswerLost, 30, plane))
    return Error(ErrorCode::Timeout, "the load balancer did not answer in time");
  return observe(deadline);
}

Result<discovery::ProxyState> FaultyProxy::observe(Deadline deadline) {
  TRY(reachable());
  settle();
  discovery::ProxyState state = TRY(inner_.observe(deadline));
  state.in_step = state.in_step && !empty_;
  return state;
}

Status FaultyProxy::stop(Deadline deadline) {
  TRY(reachable());
  return inner_.stop(deadline);
}

}  // namespace slipway::sim
