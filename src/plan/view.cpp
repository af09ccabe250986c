#include "plan/view.h"

#include <tuple>

#include <fmt/format.h>

#include "base/check.h"
#include "plan/growth.h"

namespace slipway::plan {

using slipway::to_text;  // of times and durations, which this folder's own overload would hide

namespace {

using model::Health;
using model::TaskState;

// Whether the load balancer sends the task requests: yes where none is wanted, or where it has refused the
// instance, which then must not hold up everything else for ever.
enum class Registered { Yes, No, Unknown };

Registered registered(const Round& round, const model::Task& task) {
  if (!round.wanted.proxied()) return Registered::Yes;
  // First: of a load balancer that cannot be asked nobody knows what it would refuse.
  if (!round.in.routing.known) return Registered::Unknown;
  if (round.seen.refused) return Registered::Yes;
  const RoutedTask* routed = round.seen.routed_task(task.id);
  return routed != nullptr && routed->in ? Registered::Yes : Registered::No;
}

// Lower is worth more. A draining task ranks below its equals, so that what drains already goes on draining.
int rank_of(const Round& round, const TaskView& view, bool draining) {
  const model::Task& task = *view.task;
  if (view.happy) return 0;
  if (view.serving) return 1;
  if (is_healthy(round, task)) return draining ? 3 : 2;
  switch (task.state) {
    case TaskState::Running:
      return task.health == Health::Unhealthy ? 7 : 4;
    case TaskState::Pending:
    case TaskState::Preparing:
    case TaskState::Starting:
      return task.next_start_at ? 6 : 5;
    case TaskState::Stopping:
    case TaskState::Exited:
    case TaskState::Failed:
    case TaskState::Lost:
      return 6;
  }
  UNREACHABLE();
}

// Its node is being drained, so that it has to go on elsewhere.
bool is_leaving_node(const Round& round, const model::Task& task) {
  if (!round.room.is_closed(task.node)) return false;
  const model::Node* node = find_node(round, task.node);
  return node != nullptr && node->draining;
}

TaskView view_of(Round& round, const model::Task& task) {
  TaskView view;
  view.task = &task;
  const bool draining = round.memory.drains.contains(task.id);
  const Registered in = registered(round, task);
  view.serving = is_healthy(round, task) && !draining && in != Registered::No;
  if (view.serving && in == Registered::Yes) {
    const Duration uptime =
        round.wanted.instance != nullptr ? round.wanted.instance->bounce.min_task_uptime : 0s;
    // Without checks a task is as good as it will be from its start.
    const auto since = task.healthy_since ? task.healthy_since : task.started_at;
    view.happy = since ? *since + uptime <= round.in.now : uptime == 0s;
    if (since) round.wake(*since + uptime);
  }
  view.rank = rank_of(round, view, draining);
  view.moving = round.memory.moving == task.id || is_leaving_node(round, task);
  return view;
}

// Has ended and is not to be started again: the engine only keeps it in sight.
bool is_over(const model::Task& task) {
  return is_dead(task) && !task.next_start_at;
}

// A process that was started since has its drain before it: it has heard nothing of the other's.
void begin_with_the_process(Round& round) {
  for (const model::Task* task : round.tasks) {
    const auto drain = round.memory.drains.find(task->id);
    if (drain == round.memory.drains.end() || !task->started_at) continue;
    drain->second.started_at = std::max(drain->second.started_at, std::min(*task->started_at, round.in.now));
    // By a clock that is ahead of ours: until ours is there, every call gives another answer.
    round.hangs_on_all = round.hangs_on_all || *task->started_at > round.in.now;
  }
}

// A look that is newer than the asking and shows the task as it was: nobody has heard us. It is decided anew
// whether it goes, because what was right then may cost the last healthy task now.
void take_back_lost_stops(Round& round) {
  for (const model::Task* task : round.tasks) {
    const auto drain = round.memory.drains.find(task->id);
    if (drain == round.memory.drains.end() || !drain->second.stop_asked_at) continue;
    round.hangs_on_all = true;
    const Time looked_at = round.in.observed.at;
    const bool newer = looked_at > *drain->second.stop_asked_at && looked_at <= round.in.now;
    if (!newer || task->state == TaskState::Stopping || is_over(*task)) continue;
    drain->second.stop_asked_at.reset();
    ++drain->second.lost_stops;
  }
}

// Sorts the task into its revision: on its way out, or one that counts.
void add_task(Round& round, RevisionView& view, const model::Task& task) {
  if (task.state == TaskState::Stopping) {
    view.stopping.push_back(&task);
    return;
  }
  const auto drain = round.memory.drains.find(task.id);
  if (drain != round.memory.drains.end() && drain->second.stop_asked_at) {
    if (is_over(task)) return;
    view.asked.push_back(&task);
    round.wake(round.in.now + 1ms);  // any newer look decides, also one that shows no change
    return;
  }
  view.tasks.push_back(view_of(round, task));
}

// An engine may keep tasks that it has let go in sight for a while. More tasks than it counts, and dead ones
// that wait for no restart among them: those are it.
void drop_leftovers(RevisionView& view) {
  auto surplus = static_cast<int>(view.tasks.size()) - view.count;
  for (auto it = view.tasks.begin(); it != view.tasks.end() && surplus > 0;) {
    if (is_over(*it->task)) {
      it = view.tasks.erase(it);
      --surplus;
    } else {
      ++it;
    }
  }
}

void complete(RevisionView& view) {
  const int engine_count = view.observed != nullptr ? view.observed->count : 0;
  view.count = std::max(engine_count - static_cast<int>(view.asked.size()), 0);
  drop_leftovers(view);
  view.missing = std::max(view.count - static_cast<int>(view.tasks.size()), 0);
  std::sort(view.tasks.begin(), view.tasks.end(), [](const TaskView& a, const TaskView& b) {
    return std::tie(a.rank, a.moving, a.task->created_at, a.task->id) <
           std::tie(b.rank, b.moving, b.task->created_at, b.task->id);
  });
}

// After the clock was set back, what is remembered of a time to come would hold everything up until then.
void forget_the_future(InstanceMemory& memory, Time now) {
  const auto limit = [&](std::optional<Time>& time) {
    if (time && *time > now) time = now;
  };
  for (auto& [task, drain] : memory.drains) {
    drain.started_at = std::min(drain.started_at, now);
    limit(drain.stop_asked_at);
  }
  limit(memory.replaced_at);
  limit(memory.moved_at);
  if (!memory.bounce) return;
  memory.bounce->progress_at = std::min(memory.bounce->progress_at, now);
  limit(memory.bounce->canary_since);
}

}  // namespace

const model::Node* find_node(const Round& round, const model::NodeId& id) {
  const auto& nodes = round.in.observed.nodes;
  const auto node = std::lower_bound(nodes.begin(), nodes.end(), id,
                                     [](const model::Node& a, const model::NodeId& b) { return a.id < b; });
  return node != nodes.end() && node->id == id ? &*node : nullptr;
}

bool is_dead(const model::Task& task) {
  return task.state == TaskState::Exited || task.state == TaskState::Failed || task.state == TaskState::Lost;
}

bool is_healthy(const Round& round, const model::Task& task) {
  return task.state == TaskState::Running && (task.health == Health::Healthy || round.wanted.skip_health);
}

Round open_round(const Inputs& inputs, SharedRoom& room, Wanted wanted, const Seen& seen) {
  Round round(inputs, room, std::move(wanted), seen);
  for (const model::Task& task : seen.engine->tasks) round.tasks.push_back(&task);
  const auto remembered = inputs.memory.find(round.wanted.id);
  if (remembered != inputs.memory.end()) round.memory = remembered->second;
  forget_the_future(round.memory, inputs.now);
  begin_with_the_process(round);
  take_back_lost_stops(round);
  // Of a task that still gets requests the drain has not begun: we died before we told the load balancer, or
  // it did not listen. It serves until it is taken out.
  std::erase_if(round.memory.drains, [&](const auto& drain) {
    const RoutedTask* routed = seen.routed_task(drain.first);
    return !drain.second.stop_asked_at && routed != nullptr && routed->in;
  });
  // Drains of tasks that are gone are over.
  std::erase_if(round.memory.drains, [&](const auto& drain) {
    return std::none_of(round.tasks.begin(), round.tasks.end(),
                        [&](const model::Task* task) { return task->id == drain.first; });
  });
  if (round.memory.moving && std::none_of(round.tasks.begin(), round.tasks.end(), [&](const auto* task) {
        return task->id == *round.memory.moving;
      })) {
    round.memory.moving.reset();
  }
  for (const model::Override& value : round.wanted.overrides) {
    if (value.expires_at) round.wake(*value.expires_at);
  }

  std::map<model::RevisionId, RevisionView> views;
  for (const model::ObservedRevision& observed : seen.engine->revisions) {
    views[observed.revision.id].observed = &observed;
  }
  for (const model::Task* task : round.tasks) add_task(round, views[task->revision], *task);
  for (auto& [id, view] : views) {
    view.id = id;
    complete(view);
    round.revisions.push_back(std::move(view));
  }
  return round;
}

std::string tasks_text(int count) {
  return count == 1 ? "1 task" : fmt::format("{} tasks", count);
}

std::string time_of_day(Time time) {
  return to_text(time).substr(11, 8) + " UTC";
}

}  // namespace slipway::plan
