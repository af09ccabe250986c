#include "plan/steps.h"

#include <fmt/format.h>

#include "plan/drain.h"
#include "plan/growth.h"

namespace slipway::plan {
namespace {

void note_replacement(Round& round, const Leaving& leaving) {
  const bool again = round.memory.drains.at(leaving.task->id).lost_stops > 0;
  if (round.replacing != leaving.task->id || again) return;
  ++round.memory.unhealthy_replacements;
  round.memory.replaced_at = round.in.now;
  round.say("task_replaced", fmt::format("{}: {}", leaving.task->id.str(), leaving.why));
}

Duration grace_of(const RevisionView& view) {
  return view.observed != nullptr ? view.observed->revision.spec.stop_grace : model::TaskSpec{}.stop_grace;
}

// Returns how many tasks the steps take off the revision's count.
int stop_drained(Round& round, const RevisionView& view) {
  std::map<std::string, std::vector<model::TaskId>> by_reason;
  int stopped = 0;
  for (const Leaving& leaving : round.leaving) {
    if (leaving.task->revision != view.id || !is_drained(round, *leaving.task)) continue;
    round.memory.drains.at(leaving.task->id).stop_asked_at = round.in.now;
    by_reason[leaving.why].push_back(leaving.task->id);
    note_replacement(round, leaving);
    ++stopped;
  }
  for (auto& [why, tasks] : by_reason) {
    std::sort(tasks.begin(), tasks.end());
    round.step(model::RemoveTasksStep{view.id, std::move(tasks), grace_of(view)}, why);
  }
  return stopped;
}

// Tasks that move elsewhere and are still there: one more each, until the one in its place is happy.
int still_moving(const Round& round, const RevisionView& view) {
  return static_cast<int>(std::count_if(view.tasks.begin(), view.tasks.end(), [&](const TaskView& task) {
    const auto drain = round.memory.drains.find(task.task->id);
    return task.moving && (drain == round.memory.drains.end() || !drain->second.stop_asked_at);
  }));
}

std::string growth_why(const Round& round, const RevisionView* view, int stopped, int left) {
  if (round.canaries) return tasks_text(*round.canaries) + " ahead of the rest";
  if (view != nullptr && view->moving() > 0) return "in the place of what moves elsewhere";
  if (stopped > 0) return "in the place of what is replaced";
  return fmt::format("{} wanted, {}", round.wanted.count, left);
}

void size_wanted(Round& round, const RevisionView* view, int stopped) {
  const int left = view != nullptr ? view->count - stopped : 0;
  const int shrunk = left - (view != nullptr ? view->cut : 0);
  const int wanted = std::min(round.wanted.count, round.canaries.value_or(round.wanted.count));
  const int aim = wanted + (view != nullptr ? still_moving(round, *view) : 0);
  const int grown = round.may_start && shrunk < aim ? shrunk + with_room(round, aim - shrunk) : shrunk;
  if (grown > shrunk) {
    round.step(model::ScaleStep{round.wanted.revision, grown}, growth_why(round, view, stopped, left));
  } else if (shrunk < left) {
    round.step(model::ScaleStep{round.wanted.revision, shrunk},
               fmt::format("{} wanted, {} not started yet", round.wanted.count, view->missing));
  }
}

void size_old(Round& round, const RevisionView& view, int stopped) {
  if (view.observed == nullptr) return;
  if (!view.has_tasks() && view.count == view.cut) {
    round.step(model::RemoveRevisionStep{view.id, grace_of(view)}, "nothing of it is left or wanted");
  } else if (view.cut > 0) {
    round.step(model::ScaleStep{view.observed->revision, std::max(view.count - stopped - view.cut, 0)},
               "what has not started yet is no longer wanted");
  }
}

}  // namespace

void add_steps(Round& round) {
  bool sized = false;
  for (const RevisionView& view : round.revisions) {
    const int stopped = stop_drained(round, view);
    sized = sized || round.is_wanted(view);
    // The count that it shows is older than what we have asked of the engine since.
    if (!view.asked.empty()) continue;
    if (round.is_wanted(view)) {
      size_wanted(round, &view, stopped);
    } else {
      size_old(round, view, stopped);
    }
  }
  if (!sized && round.wanted.count > 0) size_wanted(round, nullptr, 0);
}

}  // namespace slipway::plan
