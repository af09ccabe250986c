// The planner on a settled cluster: 10 tasks an instance, all healthy and in the load balancer, so that the
// plan is empty. Beside it a plain pass over the same arrays, which is what merely looking at them costs.
//
//   plan.full       plan::decide: everything from nothing
//   plan.one-event  one task falls ill, and an IncrementalPlanner is told so: what planning costs
//   plan.one-look   one task gets well, and the planner finds that in a whole new observation
//   plan.one-round  the whole of reconcile::Core for one task that fell ill: that look, the plan, routes,
//                   memory, history and the snapshot that the API serves
//
// An engine tells all it has each time, so a control plane pays one-round for every event, besides what the
// engine and the load balancer take to tell it.
#include <cstdio>

#include <fmt/format.h>

#include "bench.h"
#include "plan/incremental.h"
#include "reconcile/core.h"
#include "settled.h"

namespace bench {
namespace {

namespace plan = slipway::plan;

// Adds up one field of everything that decide() must at least look at.
size_t look_at(const Settled& settled) {
  size_t sum = 0;
  for (const auto& instance : settled.desired->instances) sum += static_cast<size_t>(instance.count);
  for (const auto& revision : settled.observed.revisions) sum += revision.revision.id.str().size();
  for (const auto& task : settled.observed.tasks) {
    sum += task.id.str().size() + task.revision.str().size() + task.instance.service.size() +
           static_cast<size_t>(task.health);
  }
  for (const auto& [id, routed] : settled.routing.tasks) sum += id.str().size() + (routed.in ? 1 : 0);
  return sum;
}

// Of one size, a run each.
struct Runs {
  std::vector<Spent> pass, full, event, look, round;
};

// One task falls ill and gets well again, which is news of its instance each time. Returns false when the
// planner did not see it.
bool run_events(Settled& settled, Runs& runs) {
  const slipway::SystemClock clock;
  plan::IncrementalPlanner planner;
  planner.decide(settled.inputs());
  slipway::reconcile::Core core{slipway::reconcile::CoreSettings()};
  core.set_desired(settled.desired);
  core.decide(settled.observed, settled.routing, settled.now);
  auto snapshot = core.snapshot("");
  // A call more, for what is remembered since the first is news as well.
  const plan::Inputs inputs = settled.inputs(planner.outcome().memory);
  planner.decide(inputs);
  core.decide(settled.observed, settled.routing, settled.now);
  auto& task = settled.observed.tasks[settled.observed.tasks.size() / 2];
  const auto number = static_cast<size_t>(&task - settled.observed.tasks.data()) % kTasksAnInstance;
  const auto set_health = [&](slipway::model::Health health) {
    plan::Seen seen = *planner.seen(task.instance);
    slipway::model::Sighting sighting = *seen.engine;
    task.health = sighting.tasks[number].health = health;
    seen.engine = std::move(sighting);
    return plan::IncrementalPlanner::News{{task.instance, std::move(seen)}};
  };
  const auto sees = [&](auto decide) {
    decide();
    return planner.outcome().planned.size() == 1;
  };
  for (int run = 0; run < kRuns; ++run) {
    bool seen = true;
    plan::IncrementalPlanner::News news = set_health(slipway::model::Health::Unhealthy);
    runs.event.push_back(spend(clock, [&] { seen = seen && sees([&] { planner.decide(inputs, news); }); }));
    runs.round.push_back(spend(clock, [&] {
      core.decide(settled.observed, settled.routing, settled.now);
      snapshot = core.snapshot("");
    }));
    planner.decide(inputs);
    planner.decide(inputs);  // nothing left over: what was begun for the ill task is remembered
    set_health(slipway::model::Health::Healthy);
    runs.look.push_back(spend(clock, [&] { seen = seen && sees([&] { planner.decide(inputs); }); }));
    planner.decide(inputs);
    core.decide(settled.observed, settled.routing, settled.now);
    core.decide(settled.observed, settled.routing, settled.now);
    if (!seen) return false;
  }
  return true;
}

Figures measure(int tasks) {
  const slipway::SystemClock clock;
  Settled settled = settled_cluster(tasks);
  Runs runs;
  // The first call finds the instances as never seen before; what it remembers makes the rest settled.
  settled.memory = settled.decide().memory;
  for (int run = 0; run < kRuns; ++run) {
    size_t steps = 0;
    runs.full.push_back(spend(clock, [&] { steps = settled.decide().plan.steps.size(); }));
    if (steps != 0) {
      std::fprintf(stderr, "plan: the settled cluster is not settled: %zu steps\n", steps);
      return {};
    }
    runs.pass.push_back(spend(clock, [&] { keep(look_at(settled)); }));
  }
  if (!run_events(settled, runs)) {
    std::fprintf(stderr, "plan: one event was not planned as one\n");
    return {};
  }
  const std::string size = fmt::format("{} tasks", tasks);
  const Reference pass{"pass", median(runs.pass).wall};
  const bool largest = tasks == 100'000;
  const auto figure = [&](const char* name, const std::vector<Spent>& all, const char* target) {
    const Spent spent = median(all);
    return Figure{name, size, spent.wall, "ms", spent.cpu, pass, largest ? target : ""};
  };
  return {figure("plan.full", runs.full, "300 ms"), figure("plan.one-event", runs.event, "1 ms"),
          figure("plan.one-look", runs.look, ""), figure("plan.one-round", runs.round, "")};
}

}  // namespace

Figures bench_plan() {
  Figures figures;
  for (const int tasks : {1'000, 10'000, 100'000}) {
    for (Figure& figure : measure(tasks)) figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace bench
