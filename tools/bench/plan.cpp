// plan::decide on a settled cluster: 10 tasks an instance, all healthy and in the load balancer, so that the
// plan is empty. Beside it a plain pass over the same arrays, which is what merely looking at them costs.
#include <cstdio>

#include <fmt/format.h>

#include "bench.h"
#include "settled.h"

namespace bench {
namespace {

namespace plan = slipway::plan;

// Adds up one field of everything that decide() must at least look at.
size_t look_at(const Settled& settled) {
  size_t sum = 0;
  for (const auto& instance : settled.desired.instances) sum += static_cast<size_t>(instance.count);
  for (const auto& revision : settled.observed.revisions) sum += revision.revision.id.str().size();
  for (const auto& task : settled.observed.tasks) {
    sum += task.id.str().size() + task.revision.str().size() + task.instance.service.size() +
           static_cast<size_t>(task.health);
  }
  for (const auto& [id, routed] : settled.routing.tasks) sum += id.str().size() + (routed.in ? 1 : 0);
  return sum;
}

Figures measure(int tasks) {
  const slipway::SystemClock clock;
  Settled settled = settled_cluster(tasks);
  std::vector<double> full;
  std::vector<double> passes;
  std::vector<double> events;
  // The first call finds the instances as never seen before; what it remembers makes the rest settled.
  settled.memory = settled.decide().memory;
  for (int run = 0; run < kRuns; ++run) {
    size_t steps = 0;
    full.push_back(milliseconds(clock, [&] { steps = settled.decide().plan.steps.size(); }));
    if (steps != 0) {
      std::fprintf(stderr, "plan: the settled cluster is not settled: %zu steps\n", steps);
      return {};
    }
    passes.push_back(milliseconds(clock, [&] { keep(look_at(settled)); }));
    auto& one = settled.observed.tasks[settled.observed.tasks.size() / 2];
    one.health = slipway::model::Health::Unhealthy;
    events.push_back(milliseconds(clock, [&] { keep(settled.decide()); }));
    one.health = slipway::model::Health::Healthy;
  }
  const std::string size = fmt::format("{} tasks", tasks);
  const Reference pass{"pass", median(passes)};
  const bool largest = tasks == 100'000;
  return {Figure{"plan.full", size, median(full), "ms", pass, largest ? "300 ms" : ""},
          // The same call as the full plan: decide() has no way yet to plan one instance alone.
          Figure{"plan.one-event", size, median(events), "ms", pass, largest ? "1 ms" : ""}};
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
