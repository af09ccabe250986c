#include "plan/choose.h"

#include <span>
#include <tuple>

#include <fmt/format.h>

#include "base/backoff.h"
#include "base/check.h"
#include "plan/bounce.h"
#include "plan/drain.h"
#include "plan/view.h"

namespace slipway::plan {
namespace {

// Nobody but us replaces such a task: the engine starts dead ones again, where it can, but leaves unhealthy
// ones alone.
bool needs_replacement(const Round& round, const model::Task& task) {
  if (is_dead(task)) return !round.in.restarts_tasks;
  return task.state == model::TaskState::Running && task.health == model::Health::Unhealthy &&
         !round.wanted.skip_health;
}

std::string replacement_why(const model::Task& task) {
  std::string why = is_dead(task) ? "it has ended" : "it is unhealthy";
  if (!task.reason.empty()) why += ": " + task.reason;
  return why;
}

// Tasks that move elsewhere are not among them: each of those is one too many on purpose.
void choose_surplus(Round& round, RevisionView& view, int surplus) {
  view.cut = std::min(view.missing, surplus);
  int going = surplus - view.cut;
  for (auto last = view.tasks.rbegin(); last != view.tasks.rend() && going > 0; ++last) {
    if (last->moving) continue;
    leave(round, *last->task,
          fmt::format("scaled from {} to {}", view.count - view.moving(), round.wanted.count));
    --going;
  }
}

// Like a crossover within one revision: what moves is the old, what stays or has come in its place is the
// new.
void choose_moving(Round& round, const RevisionView& view) {
  const int moving = view.moving();
  if (moving == 0) return;
  const auto staying_happy = std::count_if(view.tasks.begin(), view.tasks.end(),
                                           [](const TaskView& task) { return task.happy && !task.moving; });
  const double margin = round.memory.moving ? 1 : round.wanted.instance->bounce.margin;
  const int kept = std::max(floor_of(round.wanted.count, margin) - static_cast<int>(staying_happy), 0);
  int going = moving - std::min(kept, moving);
  for (auto last = view.tasks.rbegin(); last != view.tasks.rend() && going > 0; ++last) {
    if (!last->moving) continue;
    const bool balance = round.memory.moving == last->task->id;
    leave(round, *last->task,
          balance ? "another node has more room for it"
                  : fmt::format("node {} is being drained", last->task->node.str()));
    --going;
  }
}

// One at a time, so that tasks which are all unhealthy for one common reason are not all lost at once.
void choose_replacement(Round& round, const RevisionView& view) {
  InstanceMemory& memory = round.memory;
  if (!view.asked.empty() || !view.stopping.empty()) return;
  const model::Task* worst = nullptr;
  bool under_way = false;
  for (const TaskView& candidate : view.tasks) {
    if (candidate.moving || !needs_replacement(round, *candidate.task)) continue;
    const bool draining = memory.drains.contains(candidate.task->id);
    if (worst == nullptr || (draining && !under_way)) worst = candidate.task;
    under_way = under_way || draining;
  }
  const bool healthy = worst == nullptr && view.serving() >= round.wanted.count;
  if (healthy && memory.replaced_at && *memory.replaced_at + kBackoffReset <= round.in.now) {
    memory.unhealthy_replacements = 0;
    memory.replaced_at.reset();
  } else if (healthy && memory.replaced_at) {
    round.wake(*memory.replaced_at + kBackoffReset);
  }
  if (worst == nullptr) return;
  if (!under_way && memory.replaced_at) {
    const Backoff backoff{.maximum = round.wanted.revision.spec.max_launch_delay};
    const Time next = *memory.replaced_at + backoff.delay(memory.unhealthy_replacements);
    if (next > round.in.now) return round.wake(next);
  }
  round.replacing = worst->id;
  leave(round, *worst, replacement_why(*worst));
}

// A place that an old revision fills, or (without a task) that the engine is about to fill.
struct Slot {
  const TaskView* view = nullptr;
  RevisionView* revision = nullptr;

  auto key() const {
    return std::tuple(view == nullptr, view ? view->rank : 0, view && view->moving,
                      view ? view->task->created_at : Time(), view ? view->task->id : model::TaskId());
  }
};

std::vector<Slot> old_slots(Round& round) {
  std::vector<Slot> slots;
  for (RevisionView& revision : round.revisions) {
    if (round.is_wanted(revision)) continue;
    for (const TaskView& view : revision.tasks) slots.push_back(Slot{&view, &revision});
    for (int i = 0; i < revision.missing; ++i) slots.push_back(Slot{nullptr, &revision});
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const Slot& a, const Slot& b) { return a.key() < b.key(); });
  return slots;
}

void give_up(Round& round, std::span<const Slot> slots, const std::string& why) {
  for (const Slot& slot : slots) {
    if (slot.view != nullptr) leave(round, *slot.view->task, why);
    if (slot.view == nullptr) ++slot.revision->cut;
  }
}

std::string roll_why(const Round& round) {
  const model::Bounce& bounce = round.wanted.instance->bounce;
  switch (bounce.method) {
    case model::BounceMethod::Crossover:
    case model::BounceMethod::UpThenDown:
      return fmt::format("{} of {} new tasks are happy", round.happy_new(), round.wanted.count);
    case model::BounceMethod::Brutal:
      return "brutal: the new revision replaces all at once";
    case model::BounceMethod::DownThenUp:
      return "downthenup: the old tasks go first";
  }
  UNREACHABLE();
}

}  // namespace

void choose_all(Round& round) {
  const std::string why = round.wanted.none_why.empty() ? "none is wanted" : round.wanted.none_why;
  give_up(round, old_slots(round), why);
}

void choose_wanted(Round& round) {
  for (RevisionView& view : round.revisions) {
    if (!round.is_wanted(view)) continue;
    const int surplus = view.count - round.wanted.count - view.moving();
    if (surplus > 0) {
      choose_surplus(round, view, surplus);
    } else {
      choose_replacement(round, view);
    }
    choose_moving(round, view);
  }
}

void choose_old(Round& round) {
  if (!round.image_wait.empty())
    return;  // until there is something to replace them by, the old ones are left alone
  const model::Bounce& settings = round.wanted.instance->bounce;
  const std::vector<Slot> slots = old_slots(round);
  // More old tasks than are wanted at all serve no purpose, whatever the method: what a superseded bounce had
  // started goes, or every new revision would add another set.
  const size_t worth_keeping = std::min(slots.size(), static_cast<size_t>(round.wanted.count));

  BounceInput input;
  input.method = settings.method;
  input.count = round.wanted.count;
  input.margin = settings.margin;
  input.new_exists = round.new_exists();
  input.happy_new = round.happy_new();
  for (size_t i = 0; i < worth_keeping; ++i) {
    input.old.push_back(slots[i].view != nullptr ? slots[i].view->task->id.str() : "not started yet");
  }
  BounceDecision decision = decide_bounce(input);
  if (round.canaries) decision.drain.clear();
  CHECK(decision.drain.size() <= worth_keeping);
  const size_t kept = worth_keeping - decision.drain.size();
  const std::span<const Slot> all(slots);
  give_up(round, all.subspan(kept, worth_keeping - kept), roll_why(round));
  give_up(round, all.subspan(worth_keeping),
          fmt::format("more old tasks than the {} wanted", round.wanted.count));

  // For downthenup an old task is there until it has ended, draining or not.
  const bool old_in_the_way = settings.method == model::BounceMethod::DownThenUp && round.old_left() > 0;
  round.may_start = (input.new_exists || decision.create) && !old_in_the_way;
}

}  // namespace slipway::plan
