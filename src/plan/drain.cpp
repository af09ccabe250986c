#include "plan/drain.h"

#include <set>

#include <fmt/format.h>

namespace slipway::plan {
namespace {

model::Drain settings_of(const Round& round) {
  if (round.wanted.instance != nullptr) return round.wanted.instance->drain;
  // Gone from the files, its settings with it: gentle is right for whatever it was.
  model::Drain gentle;
  gentle.method = model::DrainMethod::Proxy;
  return gentle;
}

// The load balancer may know the task, as far as can be told without asking it.
bool may_be_routed(const Round& round, const model::Task& task) {
  if (round.wanted.instance != nullptr) return round.wanted.proxied();
  for (const RevisionView& view : round.revisions) {
    if (view.id == task.revision && view.observed != nullptr) {
      return view.observed->revision.spec.container_port.has_value();
    }
  }
  return true;
}

bool timed_out(Round& round, const model::Task& task, DrainMemory& drain, int sessions) {
  const Duration timeout = settings_of(round).timeout;
  round.wake(drain.started_at + timeout);
  if (drain.started_at + timeout > round.in.now) return false;
  if (!drain.timed_out) {
    drain.timed_out = true;
    const std::string left = sessions > 0 ? fmt::format("it still has {} open", sessions)
                                          : std::string("the load balancer could not be asked");
    round.say("drain_timeout", fmt::format("{} has had {} to end its connections, and is stopped though {}",
                                           task.id.str(), to_text(timeout), left));
  }
  return true;
}

}  // namespace

void leave(Round& round, const model::Task& task, std::string why) {
  round.leaving.push_back(Leaving{&task, std::move(why)});
}

void settle_drains(Round& round) {
  std::set<model::TaskId> chosen;
  for (const Leaving& leaving : round.leaving) {
    chosen.insert(leaving.task->id);
    round.memory.drains.try_emplace(leaving.task->id, DrainMemory{.started_at = round.in.now});
  }
  std::erase_if(round.memory.drains,
                [&](const auto& drain) { return !drain.second.stop_asked && !chosen.contains(drain.first); });
}

bool is_drained(Round& round, const model::Task& task) {
  if (task.state != model::TaskState::Running) return true;  // nobody is served by it
  DrainMemory& drain = round.memory.drains.at(task.id);
  if (!round.in.routing.known) return !may_be_routed(round, task) || timed_out(round, task, drain, 0);
  const auto routed = round.in.routing.tasks.find(task.id);
  if (routed == round.in.routing.tasks.end()) return true;
  // Taking it out is ours to do, so no timeout excuses a task that still gets requests.
  if (routed->second.in) return false;
  if (routed->second.sessions <= 0) return true;
  switch (settings_of(round).method) {
    case model::DrainMethod::Noop:
      return true;
    case model::DrainMethod::Proxy:
    case model::DrainMethod::Http:
    case model::DrainMethod::Command:
      return timed_out(round, task, drain, routed->second.sessions);
  }
  return false;
}

std::string drain_note(const Round& round) {
  if (round.wanted.instance == nullptr) return "";
  const model::DrainMethod method = round.wanted.instance->drain.method;
  switch (method) {
    case model::DrainMethod::Noop:
    case model::DrainMethod::Proxy:
      return "";
    case model::DrainMethod::Http:
    case model::DrainMethod::Command:
      return fmt::format("drain method {} is not supported yet; tasks are drained by the load balancer",
                         model::to_text(method));
  }
  return "";
}

}  // namespace slipway::plan
