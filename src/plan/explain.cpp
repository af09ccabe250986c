#include "plan/explain.h"

#include <tuple>

#include <fmt/format.h>

#include "base/check.h"
#include "plan/drain.h"
#include "plan/growth.h"
#include "plan/view.h"

namespace slipway::plan {

using slipway::to_text;  // of times and durations, which this folder's own overload would hide

namespace {

using model::InstanceState;
using model::TaskState;

// Restarts before a task that is not healthy is said to crash in a loop: fewer may be bad luck.
constexpr int kCrashloopRestarts = 3;
constexpr size_t kTasksNamed = 3;

bool has_ended(const model::Task& task) {
  return is_dead(task) || task.next_start_at.has_value();
}

std::string ending_of(const model::Task& task) {
  std::string text = task.id.str();
  text += task.last_exit ? " ended with " + task.last_exit->text()
                         : fmt::format(" is {}", model::to_text(task.state));
  if (task.restarts > 0) text += fmt::format(", restarted {} times", task.restarts);
  if (task.next_start_at) text += ", next try at " + time_of_day(*task.next_start_at);
  return text;
}

std::string health_of(const Round& round, const model::Task& task) {
  if (task.health == model::Health::Unhealthy) return "is unhealthy";
  if (task.health == model::Health::Unknown) return "runs and is not healthy yet";
  if (round.memory.drains.contains(task.id)) return "is being drained";
  if (!round.in.routing.known)
    return "is healthy, but the load balancer could not be asked whether it has it";
  const RoutedTask* routed = round.seen.routed_task(task.id);
  if (routed == nullptr || !routed->in) {
    return "is healthy and waits to be registered in the load balancer";
  }
  return fmt::format("is healthy, and has to stay so for {}",
                     to_text(round.wanted.instance->bounce.min_task_uptime));
}

bool is_fine(const Round& round, const TaskView& view) {
  return round.wanted.frozen() || round.wanted.instance == nullptr ? view.serving : view.happy;
}

std::string last_line(const model::Task& task) {
  return task.last_lines.empty() ? "" : fmt::format("; its last line: {}", task.last_lines.back());
}

std::string worst_of(const Round& round) {
  const auto tasks = troubled(round);
  return tasks.empty() ? "" : ": " + trouble_of(round, *tasks.front()) + last_line(*tasks.front());
}

std::string old_serving(const Round& round) {
  int serving = 0;
  for (const RevisionView& view : round.revisions) {
    if (!round.is_wanted(view)) serving += view.serving();
  }
  return serving == 0 ? "" : fmt::format("; {} of the old revision still serve", tasks_text(serving));
}

std::string waits(const Round& round) {
  return round.image_wait.empty() ? "waiting for " + waiting_for(round) : round.image_wait;
}

std::string room_of(const Round& round) {
  return round.no_room.empty() ? "" : "not all tasks have room: " + round.no_room;
}

std::string moves_of(const Round& round) {
  const RevisionView* view = round.current();
  const int moving = view != nullptr ? view->moving() : 0;
  if (moving == 0) return "";
  return fmt::format("{} to go on on another node", tasks_text(moving));
}

std::string on_the_way_out(const Round& round) {
  if (!round.leaving.empty()) {
    return fmt::format("{} on the way out: {}", tasks_text(static_cast<int>(round.leaving.size())),
                       round.leaving.front().why);
  }
  int asked = 0;
  for (const RevisionView& view : round.revisions) asked += static_cast<int>(view.asked.size());
  return asked == 0 ? "" : fmt::format("{} told to stop", tasks_text(asked));
}

std::string main_reason(const Round& round, InstanceState state) {
  const Wanted& wanted = round.wanted;
  if (wanted.frozen()) return wanted.frozen_why + (state == InstanceState::Running ? "" : worst_of(round));
  switch (state) {
    case InstanceState::Stopped:
      return wanted.none_why;
    case InstanceState::Stopping:
      return fmt::format("{}; {} to drain and stop",
                         wanted.none_why.empty() ? "none is wanted" : wanted.none_why,
                         tasks_text(round.old_left()));
    case InstanceState::Crashlooping:
      return fmt::format("every task of {} keeps ending{}{}", wanted.revision.id.str(), worst_of(round),
                         old_serving(round));
    case InstanceState::Stalled:
      return fmt::format("no progress for {}, {}{}{}", to_text(wanted.instance->bounce.deadline),
                         waits(round), worst_of(round), old_serving(round));
    case InstanceState::Bouncing:
      return fmt::format("rolling to {}, {}{}", wanted.revision.id.str(), waits(round), worst_of(round));
    case InstanceState::Starting:
      return fmt::format("{}{}", waits(round), worst_of(round));
    case InstanceState::Running:
      return on_the_way_out(round);
    case InstanceState::Unknown:
      return "nothing is known of it yet";
  }
  UNREACHABLE();
}

std::string refusal_of(const Round& round) {
  if (!round.wanted.proxied() || !round.seen.refused) return "";
  return "it is left out of the load balancer: " + *round.seen.refused;
}

std::string no_load_balancer(const Round& round) {
  if (round.in.routing.down.empty() || !round.wanted.proxied() || round.wanted.count == 0) return "";
  return "the load balancer does not run: " + round.in.routing.down;
}

void append(std::string& text, const std::string& clause) {
  if (clause.empty()) return;
  text += (text.empty() ? "" : "; ") + clause;
}

std::string bounce_cause(const BounceMemory& bounce) {
  if (bounce.from.empty())
    return fmt::format("on the way to enough happy tasks since {}", to_text(bounce.started_at));
  std::string from;
  for (const auto& revision : bounce.from) append(from, revision.str());
  return fmt::format("revision {} replaces {} since {}; last progress at {}", bounce.to.str(), from,
                     to_text(bounce.started_at), to_text(bounce.progress_at));
}

// The time is that of the last thing known to have happened to it; of an ending or a failed check only its
// event knows.
model::Cause task_cause(const Round& round, const model::Task& task) {
  model::Cause cause{task.created_at, "health", trouble_of(round, task), task.last_lines};
  if (has_ended(task)) {
    cause.at.reset();
    cause.kind = "exit";
  } else if (task.health == model::Health::Unhealthy) {
    cause.at.reset();
  } else if (const auto drain = round.memory.drains.find(task.id); drain != round.memory.drains.end()) {
    cause.at = drain->second.started_at;
    cause.kind = "drain";
  } else if (task.healthy_since) {
    cause.at = task.healthy_since;
  } else if (task.started_at) {
    cause.at = task.started_at;
  }
  return cause;
}

// The nodes with tasks of the instance that take no more of them.
std::vector<model::Cause> node_causes(const Round& round) {
  std::map<model::NodeId, int> there;
  for (const model::Task* task : round.tasks) {
    if (round.room.is_closed(task->node)) ++there[task->node];
  }
  std::vector<model::Cause> causes;
  for (const auto& [id, tasks] : there) {
    const model::Node* node = find_node(round, id);
    if (node == nullptr) continue;
    std::string text = fmt::format("node {}, with {}, {}", id.str(), tasks_text(tasks),
                                   node->ready ? "is being drained" : "is not ready");
    if (!node->reason.empty()) text += ": " + node->reason;
    causes.push_back({{}, "node", std::move(text), {}});
  }
  return causes;
}

std::optional<Time> since_drain(const Round& round) {
  std::optional<Time> since;
  for (const auto& [task, drain] : round.memory.drains) {
    if (!since || drain.started_at < *since) since = drain.started_at;
  }
  return since;
}

model::Cause held_cause(const Round& round) {
  for (const model::Override& value : round.wanted.overrides) {
    if (value.kind == model::OverrideKind::Freeze && round.wanted.held_why.ends_with(describe(value)))
      return {value.created_at, "override", round.wanted.held_why, {}};
  }
  return {{}, "deploy", round.wanted.held_why, {}};
}

}  // namespace

bool is_crashlooping(const Round& round) {
  bool any = false;
  for (const RevisionView& view : round.revisions) {
    if (round.wanted.count > 0 && !round.is_wanted(view)) continue;
    for (const TaskView& candidate : view.tasks) {
      const model::Task& task = *candidate.task;
      if (is_healthy(round, task) || task.restarts < kCrashloopRestarts) return false;
      any = true;
    }
  }
  return any;
}

std::string trouble_of(const Round& round, const model::Task& task) {
  std::string text;
  if (has_ended(task)) {
    text = ending_of(task);
  } else if (task.state == TaskState::Running) {
    text = task.id.str() + " " + health_of(round, task);
  } else {
    text = fmt::format("{} is {}", task.id.str(), model::to_text(task.state));
  }
  if (!task.reason.empty()) text += " (" + task.reason + ")";
  return text;
}

std::vector<const model::Task*> troubled(const Round& round) {
  std::vector<const model::Task*> tasks;
  for (const RevisionView& view : round.revisions) {
    if (round.wanted.count > 0 && !round.wanted.frozen() && !round.is_wanted(view)) continue;
    for (const TaskView& candidate : view.tasks) {
      if (!is_fine(round, candidate)) tasks.push_back(candidate.task);
    }
  }
  // An ending or a failed check explains more than a task that has only just begun.
  const auto silence = [](const model::Task& task) {
    if (has_ended(task) && (task.last_exit || !task.reason.empty())) return 0;
    if (task.health == model::Health::Unhealthy) return 1;
    return task.reason.empty() ? 3 : 2;
  };
  std::stable_sort(tasks.begin(), tasks.end(), [&](const model::Task* a, const model::Task* b) {
    return std::tuple(silence(*a), -a->restarts, a->id) < std::tuple(silence(*b), -b->restarts, b->id);
  });
  return tasks;
}

namespace {

// What is waited for differs: connections, or a process that was asked to stop and may ignore it.
std::string old_ones_to_go(const Round& round) {
  int asked = 0;
  Duration grace{};
  for (const RevisionView& view : round.revisions) {
    if (round.is_wanted(view)) continue;
    asked += static_cast<int>(view.asked.size() + view.stopping.size());
    if (view.observed != nullptr) grace = std::max(grace, view.observed->revision.spec.stop_grace);
  }
  if (asked < round.old_left())
    return fmt::format("{} of the old revision to drain and stop", tasks_text(round.old_left()));
  return fmt::format("{} of the old revision to end: asked to stop, killed after {}", tasks_text(asked),
                     to_text(grace));
}

}  // namespace

std::string waiting_for(const Round& round) {
  if (!round.image_wait.empty()) return round.image_wait;
  if (!round.canary_wait.empty()) return round.canary_wait;
  if (!round.new_exists() && round.old_left() > 0 && !round.may_start) {
    return fmt::format("{} of the old revision to end", tasks_text(round.old_left()));
  }
  if (round.happy_new() < round.wanted.count) {
    return fmt::format("{} of {} to become happy", round.wanted.count - round.happy_new(),
                       tasks_text(round.wanted.count));
  }
  if (round.old_left() > 0) return old_ones_to_go(round);
  return "the old revision to be deleted";
}

model::Blocked blocked_of(const Round& round) {
  if (round.image_failed) return model::Blocked::Image;
  const bool served = refusal_of(round).empty() && no_load_balancer(round).empty();
  return served ? model::Blocked::No : model::Blocked::Proxy;
}

std::string reason_of(const Round& round, InstanceState state) {
  std::string reason = main_reason(round, state);
  append(reason, round.wanted.held_why);
  append(reason, moves_of(round));
  append(reason, room_of(round));
  append(reason, refusal_of(round));
  append(reason, no_load_balancer(round));
  if (!round.memory.drains.empty()) append(reason, drain_note(round));
  return reason;
}

std::vector<model::Cause> causes_of(const Round& round, const std::string& reason) {
  std::vector<model::Cause> causes;
  const auto add = [&](model::Cause cause) {
    const auto same = [&](const model::Cause& known) { return known.text == cause.text; };
    if (!cause.text.empty() && std::none_of(causes.begin(), causes.end(), same))
      causes.push_back(std::move(cause));
  };
  add({{}, "state", reason, {}});
  const auto tasks = troubled(round);
  for (size_t i = 0; i < std::min(tasks.size(), kTasksNamed); ++i) add(task_cause(round, *tasks[i]));
  add({{}, "constraint", room_of(round), {}});
  add({{}, "deploy", round.image_wait, {}});
  add({{}, "constraint", refusal_of(round), {}});
  add({{}, "constraint", no_load_balancer(round), {}});
  for (const auto& cause : node_causes(round)) add(cause);
  add({since_drain(round), "drain", drain_note(round), {}});
  add({round.memory.moving ? round.memory.moved_at : std::nullopt, "node", moves_of(round), {}});
  add(held_cause(round));
  if (const auto& bounce = round.memory.bounce)
    add({bounce->started_at, "deploy", bounce_cause(*bounce), {}});
  for (const model::Override& value : round.wanted.overrides)
    add({value.created_at, "override", describe(value), {}});
  for (const model::Problem& problem : round.in.desired->problems) {
    if (problem.service == round.wanted.id.service && problem.severity != model::Severity::Warning)
      add({{}, "config", problem.text(), {}});
  }
  if (causes.empty())
    add({{}, "state", fmt::format("{} serve, as wanted", tasks_text(round.happy_new())), {}});
  model::sort_newest_first(causes);
  return causes;
}

}  // namespace slipway::plan
