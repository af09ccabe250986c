#include "reconcile/task_teller.h"

#include <algorithm>

#include "base/log.h"

namespace slipway::reconcile {

namespace {

using Heard = plan::DrainReport::Heard;

constexpr std::string_view kArea = "reconcile";
// Between two calls to one task.
constexpr Duration kPause = 1s;

const model::Task* find_task(const model::Observed& observed, const model::TaskId& id) {
  const auto task = std::ranges::lower_bound(observed.tasks, id, {}, &model::Task::id);
  return task != observed.tasks.end() && task->id == id ? &*task : nullptr;
}

}  // namespace

TaskTeller::TaskTeller(const Clock& clock, Start start, std::function<void()> answered)
    : clock_(clock), start_(std::move(start)), answered_(std::move(answered)) {}

void TaskTeller::look(const model::Observed& observed) {
  std::erase_if(talks_, [&](const auto& entry) { return find_task(observed, entry.first) == nullptr; });
  for (auto& [id, talk] : talks_) {
    const auto run = find_task(observed, id)->started_at;
    if (run != talk.wish.started_at) begin_anew(talk, run);
  }
}

// Another process than the one that was talked to: it has heard nothing, and what is still to be answered was
// not for it.
void TaskTeller::begin_anew(Talk& talk, std::optional<Time> run) {
  talk.wish.started_at = run;
  talk.wished = false;
  talk.report = {};
  talk.next_at = clock_.steady_now();
}

plan::DrainReports TaskTeller::reports() const {
  plan::DrainReports reports;
  for (const auto& [task, talk] : talks_) {
    if (talk.report != plan::DrainReport{}) reports.emplace(task, talk.report);
  }
  return reports;
}

void TaskTeller::follow(const std::vector<model::TellTaskStep>& wishes) {
  for (auto& [task, talk] : talks_) talk.wished = false;
  for (const model::TellTaskStep& wish : wishes) {
    Talk& talk = talks_[wish.task];
    if (talk.wish.started_at != wish.started_at) begin_anew(talk, wish.started_at);
    talk.wish = wish;
    talk.wished = true;
  }
  // Where the planner wishes nothing any more there is nothing to remember, but for the pause.
  const SteadyTime now = clock_.steady_now();
  std::erase_if(talks_, [&](const auto& entry) {
    const Talk& talk = entry.second;
    return talk.report.heard != Heard::Drain && !talk.wished && !talk.busy && talk.next_at <= now;
  });
  for (auto& [task, talk] : talks_) call_if_due(talk);
}

void TaskTeller::call_if_due(Talk& talk) {
  if (talk.busy || clock_.steady_now() < talk.next_at) return;
  if (talk.wish.drain && talk.report.heard == Heard::Drain) {
    if (!talk.report.safe) call(talk, TaskCall::Safe);
  } else if (talk.wished && (talk.wish.drain || talk.report.heard != Heard::Stay)) {
    call(talk, talk.wish.drain ? TaskCall::Drain : TaskCall::Undrain);
  }
}

void TaskTeller::call(Talk& talk, TaskCall what) {
  talk.busy = true;
  start_(talk.wish, what,
         [this, wish = talk.wish, what](const Status& answer) { take_answer(wish, what, answer); });
}

void TaskTeller::take_answer(const model::TellTaskStep& wish, TaskCall what, const Status& answer) {
  const auto found = talks_.find(wish.task);
  if (found == talks_.end()) return;  // gone meanwhile
  Talk& talk = found->second;
  talk.busy = false;
  if (talk.wish.started_at != wish.started_at) return;  // and so is the process that was called
  const plan::DrainReport before = talk.report;
  talk.next_at = clock_.steady_now() + kPause;
  if (answer.has_value()) {
    talk.report.error.clear();
    talk.report.heard = what == TaskCall::Undrain ? Heard::Stay : Heard::Drain;
    talk.report.safe = what == TaskCall::Safe;
    talk.next_at = clock_.steady_now();  // the next call is another one
  } else {
    talk.report.error = answer.error().text();
    // It may have heard all the same.
    if (what != TaskCall::Safe) talk.report.heard = Heard::Unknown;
    talk.report.safe = false;
    if (talk.report.error != before.error) log::info(kArea, "{}: {}", wish.task.str(), talk.report.error);
  }
  if (talk.report != before) answered_();
}

}  // namespace slipway::reconcile
