#include "reconcile/task_teller.h"

#include <algorithm>

#include "base/log.h"
#include "reconcile/task_call.h"

namespace slipway::reconcile {

namespace {

constexpr std::string_view kArea = "reconcile";
// What a task is given to answer one call.
constexpr Duration kCallTime = 5s;
// Between two calls to one task.
constexpr Duration kPause = 1s;
// Enough that some tasks which do not answer hold up no others.
constexpr int kCalls = 8;
constexpr size_t kWaitingCalls = 4096;

bool is_observed(const model::Observed& observed, const model::TaskId& id) {
  return std::ranges::binary_search(observed.tasks, id, {}, &model::Task::id);
}

}  // namespace

TaskTeller::TaskTeller(engine::Engine& engine, io::EventLoop& loop, const Clock& clock,
                       std::function<void()> answered)
    : engine_(engine),
      loop_(loop),
      clock_(clock),
      answered_(std::move(answered)),
      pool_(std::make_unique<io::WorkerPool>(kCalls, kWaitingCalls)) {}

TaskTeller::~TaskTeller() {
  pool_.reset();
}

void TaskTeller::follow(const std::vector<model::TellTaskStep>& wishes, const model::Observed& observed) {
  for (auto& [task, talk] : talks_) talk.wished = false;
  for (const model::TellTaskStep& wish : wishes) {
    Talk& talk = talks_[wish.task];
    talk.wish = wish;
    talk.wished = true;
  }
  // One that was not told before the planner changed its mind has nothing to remember, but for its pause.
  const SteadyTime now = clock_.steady_now();
  std::erase_if(talks_, [&](const auto& entry) {
    const Talk& talk = entry.second;
    const bool over = !talk.report.told && !talk.wished && !talk.busy && talk.next_at <= now;
    return over || !is_observed(observed, entry.first);
  });
  for (auto& [task, talk] : talks_) call_if_due(talk);
}

plan::DrainReports TaskTeller::reports() const {
  plan::DrainReports reports;
  for (const auto& [task, talk] : talks_) {
    if (talk.report != plan::DrainReport{}) reports.emplace(task, talk.report);
  }
  return reports;
}

void TaskTeller::call_if_due(Talk& talk) {
  if (talk.busy || clock_.steady_now() < talk.next_at) return;
  if (talk.wish.drain && talk.report.told) {
    if (!talk.report.safe) call(talk, Call::Safe);
  } else if (talk.wished) {
    call(talk, talk.wish.drain ? Call::Drain : Call::Undrain);
  }
}

void TaskTeller::call(Talk& talk, Call what) {
  talk.busy = true;
  const Status submitted = pool_->submit([this, wish = talk.wish, what] {
    Status answer = carry_out(wish, what);
    loop_.post([this, task = wish.task, what, answer] { take_answer(task, what, answer); });
  });
  if (!submitted.has_value()) take_answer(talk.wish.task, what, submitted);
}

// On the pool. What is not configured needs no call: a task without `safe` may be stopped once it was told.
Status TaskTeller::carry_out(const model::TellTaskStep& wish, Call what) const {
  const char* name = what == Call::Drain ? "drain" : what == Call::Safe ? "safe" : "undrain";
  const auto text = wish.how.params.find(name);
  if (text == wish.how.params.end()) return {};
  const Deadline deadline = clock_.deadline_in(kCallTime);
  switch (wish.how.method) {
    case model::DrainMethod::Noop:
    case model::DrainMethod::Proxy:
      return {};  // takes no part in its drain any more: its files have changed
    case model::DrainMethod::Http:
      return call_by_http(wish.address, text->second, clock_, deadline);
    case model::DrainMethod::Command:
      return call_by_command(engine_, wish.task, text->second, clock_, deadline);
  }
  return {};
}

void TaskTeller::take_answer(const model::TaskId& task, Call what, const Status& answer) {
  const auto found = talks_.find(task);
  if (found == talks_.end()) return;  // gone meanwhile
  Talk& talk = found->second;
  const plan::DrainReport before = talk.report;
  talk.busy = false;
  talk.next_at = clock_.steady_now() + kPause;
  if (!answer.has_value()) {
    talk.report.error = answer.error().text();
    if (talk.report.error != before.error) log::info(kArea, "{}: {}", task.str(), talk.report.error);
  } else {
    talk.report.error.clear();
    talk.report.told = what != Call::Undrain;
    talk.report.safe = what == Call::Safe;
    talk.next_at = clock_.steady_now();  // the next call is another one
  }
  if (talk.report != before) answered_();
}

}  // namespace slipway::reconcile
