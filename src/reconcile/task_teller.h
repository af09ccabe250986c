// Tells tasks of their drain, for the drain methods http and command, and asks them whether they may be
// stopped.
//
// The planner says which tasks are to be told, in every round until they have been; what they answered goes
// back to it as DrainReports. The calls themselves run on a pool of their own, at most one to a task at a
// time, because a task may answer slowly or never. What is known is lost with the process: the next one tells
// the tasks anew, which a task must stand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "io/event_loop.h"
#include "model/plan.h"
#include "plan/planner.h"

namespace slipway::reconcile {

class TaskTeller {
 public:
  // All is borrowed and outlives the teller. `answered` is called on the loop's thread when a report has
  // changed.
  TaskTeller(engine::Engine& engine, io::EventLoop& loop, const Clock& clock, std::function<void()> answered);
  // Waits for the calls under way, each some seconds at most.
  ~TaskTeller();

  // Below: the loop's thread.

  // After each round, of which there are several a second while something drains. `wishes`: the tasks to be
  // told. Makes the calls that are due, those to told tasks that are not yet safe to stop included, and
  // forgets the tasks that are no longer observed.
  void follow(const std::vector<model::TellTaskStep>& wishes, const model::Observed& observed);

  plan::DrainReports reports() const;

 private:
  // The parameters of a drain method.
  enum class Call { Drain, Safe, Undrain };
  struct Talk {
    model::TellTaskStep wish;  // the last one
    bool wished = false;       // by the last round
    bool busy = false;         // a call is under way
    SteadyTime next_at{};      // not called before this
    plan::DrainReport report;
  };

  void call_if_due(Talk& talk);
  void call(Talk& talk, Call what);
  Status carry_out(const model::TellTaskStep& wish, Call what) const;
  void take_answer(const model::TaskId& task, Call what, const Status& answer);

  engine::Engine& engine_;
  io::EventLoop& loop_;
  const Clock& clock_;
  const std::function<void()> answered_;
  std::map<model::TaskId, Talk> talks_;
  std::unique_ptr<io::WorkerPool> pool_;  // last: its calls end before what they use
};

}  // namespace slipway::reconcile
