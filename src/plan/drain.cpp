#include "plan/drain.h"

#include <set>

#include <fmt/format.h>

#include "plan/routes.h"

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

// The task itself takes part in its drain.
bool is_told(model::DrainMethod method) {
  switch (method) {
    case model::DrainMethod::Noop:
    case model::DrainMethod::Proxy:
      return false;
    case model::DrainMethod::Http:
    case model::DrainMethod::Command:
      return true;
  }
  return false;
}

const DrainReport* report_of(const Round& round, const model::TaskId& task) {
  const auto report = round.seen.drains.find(task);
  return report == round.seen.drains.end() ? nullptr : &report->second;
}

bool timed_out(Round& round, const model::Task& task, DrainMemory& drain, const std::string& left) {
  const Duration timeout = settings_of(round).timeout;
  round.wake(drain.started_at + timeout);
  if (drain.started_at + timeout > round.in.now) return false;
  if (!drain.timed_out) {
    drain.timed_out = true;
    round.say("drain_timeout", fmt::format("{} has had {} to drain, and is stopped though {}", task.id.str(),
                                           to_text(timeout), left));
  }
  return true;
}

// What is missing from a task that takes part in its drain.
std::string unsaid(const DrainReport* report) {
  std::string text = report != nullptr && report->heard == DrainReport::Heard::Drain
                         ? "it has not said that it is done"
                         : "it could not be told";
  if (report != nullptr && !report->error.empty()) text += ": " + report->error;
  return text;
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
  std::erase_if(round.memory.drains, [&](const auto& drain) {
    return !drain.second.stop_asked_at && !chosen.contains(drain.first);
  });
}

void tell_tasks(Round& round) {
  const model::Drain how = settings_of(round);
  std::set<model::TaskId> told;
  for (const model::Task* task : round.tasks) {
    if (task->state != model::TaskState::Running) continue;  // a process that has ended took it along
    const DrainReport* report = report_of(round, task->id);
    const auto heard = report != nullptr ? report->heard : DrainReport::Heard::Unknown;
    const auto drain = round.memory.drains.find(task->id);
    const bool drains = drain != round.memory.drains.end();
    const bool may_know = round.memory.told.contains(task->id) || heard == DrainReport::Heard::Drain;
    const bool to_be_told = drains ? is_told(how.method) : heard != DrainReport::Heard::Stay && may_know;
    if (to_be_told || (drains && may_know)) told.insert(task->id);
    if (!to_be_told || (drains && heard == DrainReport::Heard::Drain)) continue;
    if (drains && drain->second.stop_asked_at) continue;  // there is nothing left to tell it
    const model::Address* address = address_of(round, *task);
    round.step(model::TellTaskStep{task->id, address != nullptr ? *address : model::Address(), how, drains,
                                   task->started_at},
               drains ? "it is on its way out" : "it stays after all");
  }
  round.memory.told = std::move(told);
}

bool is_drained(Round& round, const model::Task& task) {
  if (task.state != model::TaskState::Running) return true;  // nobody is served by it
  DrainMemory& drain = round.memory.drains.at(task.id);
  const model::DrainMethod method = settings_of(round).method;
  const DrainReport* report = report_of(round, task.id);
  const bool done =
      !is_told(method) || (report != nullptr && report->heard == DrainReport::Heard::Drain && report->safe);
  // What the load balancer does is unknown, so this may be one of the few that serve.
  if (!round.in.routing.known && round.wanted.count > 0 && may_be_routed(round, task)) return false;
  if (!round.in.routing.known)
    return (!may_be_routed(round, task) && done) ||
           timed_out(round, task, drain, "the load balancer could not be asked");
  const RoutedTask* routed = round.seen.routed_task(task.id);
  // Taking it out is ours to do, so no timeout excuses a task that still gets requests.
  if (routed != nullptr && routed->in) return false;
  const int sessions = routed == nullptr ? 0 : routed->sessions;
  if (sessions > 0 && method != model::DrainMethod::Noop)
    return timed_out(round, task, drain, fmt::format("it still has {} open", sessions));
  return done || timed_out(round, task, drain, unsaid(report));
}

std::string drain_note(const Round& round) {
  if (!is_told(settings_of(round).method)) return "";
  for (const auto& [task, drain] : round.memory.drains) {
    const DrainReport* report = report_of(round, task);
    if (report == nullptr || report->error.empty()) continue;
    return fmt::format("{} {}, and is stopped at {}: {}", task.str(),
                       report->heard == DrainReport::Heard::Drain ? "has not said that it is done"
                                                                  : "could not be told to drain",
                       time_of_day(drain.started_at + settings_of(round).timeout), report->error);
  }
  return "";
}

}  // namespace slipway::plan
