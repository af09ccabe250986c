#include "reconcile/applier.h"

#include <algorithm>

#include "base/log.h"

namespace slipway::reconcile {

namespace {

constexpr std::string_view kArea = "reconcile";
// A call that takes longer has failed; the next round tries again.
constexpr Duration kStepTimeout = 30s;
constexpr Duration kSyncTimeout = 10s;
// Between the stop signal and SIGKILL, of a one-off task that nobody fetched.
constexpr Duration kCollectGrace = 10s;

bool failed_before(const Carried& carried, const model::InstanceId& instance) {
  return std::ranges::any_of(
      carried.steps, [&](const auto& tried) { return tried.first == instance && !tried.second.has_value(); });
}

}  // namespace

Carried Applier::carry_out(Round round, model::Generation seen) {
  Carried carried;
  carried.round = std::move(round);
  const Status acted = act(carried, seen);
  if (!acted.has_value()) carried.halted = acted.error();
  return carried;
}

// An error is may_act's; what fails by itself is noted and the rest goes on.
Status Applier::act(Carried& carried, model::Generation seen) {
  Round& round = carried.round;
  TRY(may_act_());
  carried.stored = store(round);
  TRY(may_act_());
  carried.proxy = parts_.proxy.sync(*round.routes, parts_.clock.deadline_in(kSyncTimeout));
  for (const model::TaskId& task : round.collect) {
    TRY(may_act_());
    const Status collected =
        parts_.engine.collect(task, kCollectGrace, parts_.clock.deadline_in(kStepTimeout));
    if (!collected.has_value()) log::warning(kArea, "{}", collected.error().text());
  }
  if (round.plan.steps.empty()) return {};
  TRY(may_act_());
  const auto generation = number(seen);
  // A store that fails must not stop healing; the engine's own number still orders our plans.
  round.plan.generation = generation.has_value() ? generation.value() : seen + 1;
  if (!generation.has_value() && carried.stored.has_value()) carried.stored = generation.error();
  for (const model::Step& step : round.plan.steps) {
    if (failed_before(carried, step.instance)) continue;
    TRY(may_act_());
    log::info(kArea, "{}", step.text());
    carried.steps.emplace_back(step.instance, apply(step, round.plan.generation));
  }
  return {};
}

Status Applier::store(const Round& round) {
  const std::lock_guard lock(parts_.store_mutex);
  for (const auto& [instance, text] : round.memories) parts_.journal.note_memory(instance, text);
  for (const state::BounceRecord& bounce : round.bounces) parts_.journal.note_bounce(bounce);
  for (const model::Event& event : round.events) {
    log::info(kArea, "{}: {}", event.instance, event.text);
    parts_.journal.note_event(event);
  }
  return parts_.journal.write();
}

Result<model::Generation> Applier::number(model::Generation seen) {
  const std::lock_guard lock(parts_.store_mutex);
  return parts_.store.next_generation(seen);
}

Status Applier::apply(const model::Step& step, model::Generation generation) {
  struct Apply {
    engine::Engine& engine;
    model::Generation generation;
    Deadline deadline;
    Status operator()(const model::ScaleStep& s) {
      return engine.scale(s.revision, s.count, generation, deadline);
    }
    Status operator()(const model::RemoveTasksStep& s) {
      return engine.remove_tasks(s.revision, s.tasks, s.grace, generation, deadline);
    }
    Status operator()(const model::RemoveRevisionStep& s) {
      return engine.remove(s.revision, s.grace, generation, deadline);
    }
    Status operator()(const model::PrepareStep&) { return {}; }   // the Core keeps these for prepare()
    Status operator()(const model::TellTaskStep&) { return {}; }  // and these for the TaskTeller
  };
  const Deadline deadline = parts_.clock.deadline_in(kStepTimeout);
  return std::visit(Apply{parts_.engine, generation, deadline}, step.action).context(step.text());
}

}  // namespace slipway::reconcile
