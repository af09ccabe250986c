// One instance in one call of the planner: what is there, what each task is worth, and what has been decided
// so far.
//
// The modules of this folder each take a Round and add to it, in the order that plan_instance (planner.cpp)
// calls them. It borrows the inputs and lives no longer than the call.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/planner.h"
#include "plan/seen.h"
#include "plan/wanted.h"

namespace slipway::plan {

class SharedRoom;  // growth.h

struct TaskView {
  const model::Task* task = nullptr;
  bool serving = false;  // running, healthy, not draining, and in the load balancer as far as that is known
  bool happy = false;    // serving for min_task_uptime, and known to be in the load balancer where it has one
  int rank = 0;          // 0 is most worth keeping
  bool moving = false;   // it has to go on elsewhere: its node is being drained, or there is a better one
};

struct RevisionView {
  model::RevisionId id;
  const model::ObservedRevision* observed =
      nullptr;    // null: tasks of a revision that the engine does not list
  int count = 0;  // the engine's, less the tasks whose stop has been asked for and not yet begun
  std::vector<TaskView> tasks;               // that count, most desirable first
  std::vector<const model::Task*> asked;     // their stop is asked for, and the look is older than that
  std::vector<const model::Task*> stopping;  // their stop has begun
  int missing = 0;                           // counted by the engine, and not there yet
  int cut = 0;                               // decided: of the missing ones, how many shall never come

  int happy() const {
    return static_cast<int>(
        std::count_if(tasks.begin(), tasks.end(), [](const TaskView& t) { return t.happy; }));
  }
  int serving() const {
    return static_cast<int>(
        std::count_if(tasks.begin(), tasks.end(), [](const TaskView& t) { return t.serving; }));
  }
  int moving() const {
    return static_cast<int>(
        std::count_if(tasks.begin(), tasks.end(), [](const TaskView& t) { return t.moving; }));
  }
  bool has_tasks() const { return !tasks.empty() || !asked.empty() || !stopping.empty(); }
};

// A task that is on its way out, and why.
struct Leaving {
  const model::Task* task = nullptr;
  std::string why;
};

struct Round {
  Round(const Inputs& inputs, SharedRoom& shared, Wanted what, const Seen& sight)
      : in(inputs), seen(sight), room(shared), wanted(std::move(what)) {}

  const Inputs& in;  // of its observation, routing and drains only what is of no single instance
  const Seen& seen;
  SharedRoom& room;
  Wanted wanted;
  std::vector<RevisionView> revisions;    // sorted by id
  std::vector<const model::Task*> tasks;  // all that are observed, but for one-off ones
  InstanceMemory memory;                  // as handed in, then as handed on

  std::vector<Leaving> leaving;            // decided: drain these, and only these
  std::optional<model::TaskId> replacing;  // the one of them that leaves for being unhealthy
  bool may_start = false;                  // decided: the wanted revision may be created or grow
  std::string image_wait;       // not empty: the first task waits for its image, and how that stands
  bool image_failed = false;    // of that wait: the last try failed
  std::optional<int> canaries;  // decided: no more new tasks than these yet, and no old one goes
  std::string canary_wait;      // not empty: what the rest waits for
  std::string no_room;          // not empty: why not all that are wanted are started
  // The answer hangs on more than what is compared by instance (nodes, what is granted to others, the time of
  // the look): to be asked for in every call.
  bool hangs_on_all = false;
  std::optional<std::string> asked_image;  // whose state was looked at, as describe() has it
  std::vector<model::Step> steps;
  std::vector<model::Event> events;
  std::optional<Time> wake_at;

  // The view of the wanted revision; null where the engine has none of it.
  const RevisionView* current() const {
    for (const RevisionView& view : revisions) {
      if (is_wanted(view)) return &view;
    }
    return nullptr;
  }
  bool is_wanted(const RevisionView& view) const { return wanted.count > 0 && view.id == wanted.revision.id; }
  // The wanted revision is on the engine and was told to have tasks.
  bool new_exists() const { return current() != nullptr && current()->count > 0; }
  int happy_new() const { return current() != nullptr ? current()->happy() : 0; }
  // Tasks of other revisions than the wanted one, those that are stopping included.
  int old_left() const {
    size_t left = 0;
    for (const RevisionView& view : revisions) {
      if (!is_wanted(view)) left += view.tasks.size() + view.asked.size() + view.stopping.size();
    }
    return static_cast<int>(left);
  }

  // Time alone changes the outcome at `at`.
  void wake(Time at) {
    if (at > in.now && (!wake_at || at < *wake_at)) wake_at = at;
  }
  void say(std::string kind, std::string text) {
    events.push_back(model::Event{0, in.now, wanted.id.text(), std::move(kind), std::move(text)});
  }
  void step(model::Action action, std::string reason) {
    steps.push_back(model::Step{wanted.id, std::move(action), std::move(reason)});
  }
};

// "1 task", "3 tasks".
std::string tasks_text(int count);
// "09:15:00 UTC": near enough to now that the day goes without saying.
std::string time_of_day(Time time);

}  // namespace slipway::plan
