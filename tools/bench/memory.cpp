// How much resident memory a control plane takes for a settled cluster: reconcile::Core with all that it
// keeps between two rounds (files, what was seen, the plan, the planner's memory), and the snapshot that the
// API serves; at its peak also one whole observation, as the engine and the load balancer tell it. Each size
// in a process of its own, for memory that was freed is not given back.
#include <cstdio>
#include <malloc.h>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "bench.h"
#include "reconcile/core.h"
#include "resident.h"
#include "settled.h"

namespace bench {
namespace {

struct Held {
  double kept_kb = -1;  // growth since the process began to hold anything, between two rounds
  double peak_kb = -1;  // at the most, within a round
  double told_kb = -1;  // of that: what the files, the engine and the load balancer told
};

Held ask_child(const std::string& self, int tasks) {
  Held held;
  const std::string command = fmt::format("'{}' --hold {}", self, tasks);
  FILE* child = ::popen(command.c_str(), "r");
  if (child == nullptr) return held;
  const int read = std::fscanf(child, "%lf %lf %lf", &held.kept_kb, &held.peak_kb, &held.told_kb);
  if (::pclose(child) != 0 || read != 3) return Held{};
  return held;
}

}  // namespace

int hold_in_memory(int tasks) {
  const long before = resident("VmRSS:");
  slipway::reconcile::Core core{slipway::reconcile::CoreSettings()};
  std::shared_ptr<const slipway::reconcile::Snapshot> snapshot;
  long told = -1;
  {
    const Settled settled = settled_cluster(tasks);
    ::malloc_trim(0);
    told = resident("VmRSS:");
    core.set_desired(settled.desired);
    // Twice: what is remembered since the first round is settled in the second.
    for (int round = 0; round < 2; ++round) {
      core.decide(settled.observed, settled.routing, settled.now);
      snapshot = std::make_shared<const slipway::reconcile::Snapshot>(core.snapshot(""));
    }
  }
  const long peak = resident("VmHWM:");
  ::malloc_trim(0);  // what a round only used for a while may go
  const long kept = resident("VmRSS:");
  keep(snapshot->instances.size());
  if (before < 0 || told < 0 || peak < 0 || kept < 0) return 1;
  std::printf("%ld %ld %ld\n", kept - before, peak - before, told - before);
  return 0;
}

Figures bench_memory(const std::string& self) {
  Figures figures;
  for (const int tasks : {1'000, 10'000, 100'000}) {
    const Held held = ask_child(self, tasks);
    if (held.kept_kb < 0) {
      std::fprintf(stderr, "memory: the process that holds %d tasks failed\n", tasks);
      return {};
    }
    figures.push_back(Figure{"memory.held",
                             fmt::format("{} tasks", tasks),
                             held.kept_kb / 1024,
                             "MB",
                             {},
                             Reference{"told", held.told_kb / 1024},
                             fmt::format("{:.0f} MB", 30 + tasks / 1024.0)});
    figures.push_back(
        Figure{"memory.peak", fmt::format("{} tasks", tasks), held.peak_kb / 1024, "MB", {}, {}, ""});
    figures.push_back(
        Figure{"memory.per-task", fmt::format("{} tasks", tasks), held.kept_kb / tasks, "KB", {}, {}, ""});
  }
  return figures;
}

}  // namespace bench
