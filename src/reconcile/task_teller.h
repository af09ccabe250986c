// Tells tasks of their drain, for the drain methods http and command, and asks them whether they may be
// stopped.
//
// The planner says which tasks are to be told, in every round until they have been; what they answered goes
// back to it as DrainReports. The calls go on beside the rounds, at most one to a task at a time. What was
// answered is lost with the process: the next one tells the tasks anew, which a task must stand. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "model/observed.h"
#include "model/plan.h"
#include "plan/planner.h"
#include "reconcile/task_call.h"

namespace slipway::reconcile {

class TaskTeller {
 public:
  // Begins a call, and has `done` called on the same thread later, once.
  using Start = std::function<void(const model::TellTaskStep&, TaskCall, std::function<void(const Status&)>)>;
  // `answered` is called when a report has changed.
  TaskTeller(const Clock& clock, Start start, std::function<void()> answered);

  // The first thing in a round: tasks that are no longer there are forgotten, and what the process before has
  // heard of a task that was started again.
  void look(const model::Observed& observed);
  plan::DrainReports reports() const;
  // The last thing in a round, when the planner's memory of whom it tells is stored. `wishes`: the tasks to
  // be told. Makes the calls that are due, those to told tasks that are not yet safe to stop included.
  void follow(const std::vector<model::TellTaskStep>& wishes);

 private:
  struct Talk {
    model::TellTaskStep wish;  // the last one
    bool wished = false;       // by the last round
    bool busy = false;         // a call is under way
    SteadyTime next_at{};      // not called before this
    plan::DrainReport report;
  };

  void call_if_due(Talk& talk);
  void call(Talk& talk, TaskCall what);
  void begin_anew(Talk& talk, std::optional<Time> run);
  void take_answer(const model::TellTaskStep& wish, TaskCall what, const Status& answer);

  const Clock& clock_;
  const Start start_;
  const std::function<void()> answered_;
  std::map<model::TaskId, Talk> talks_;
};

}  // namespace slipway::reconcile
