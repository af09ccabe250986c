// How much resident memory it takes to hold a settled cluster: what is wanted, what is observed, what the
// load balancer does, the planner's memory, and the status of every instance. Each size in a process of its
// own, for memory that was freed is not given back.
#include <cstdio>
#include <fstream>
#include <malloc.h>
#include <string>

#include <fmt/format.h>

#include "bench.h"
#include "settled.h"

namespace bench {
namespace {

// In KB; -1 where the system does not say.
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return -1;
}

struct Held {
  double all_kb = -1;    // growth since the process began to hold anything
  double plain_kb = -1;  // of it: desired and observed alone
};

Held ask_child(const std::string& self, int tasks) {
  Held held;
  const std::string command = fmt::format("'{}' --hold {}", self, tasks);
  FILE* child = ::popen(command.c_str(), "r");
  if (child == nullptr) return held;
  const int read = std::fscanf(child, "%lf %lf", &held.all_kb, &held.plain_kb);
  if (::pclose(child) != 0 || read != 2) return Held{};
  return held;
}

}  // namespace

int hold_in_memory(int tasks) {
  const long before = resident();
  Settled settled = settled_cluster(tasks);
  ::malloc_trim(0);
  const long plain = resident();
  slipway::plan::Outcome outcome = settled.decide();
  settled.memory = outcome.memory;
  ::malloc_trim(0);  // what decide() only used for a while may go
  const long all = resident();
  keep(outcome.status.size());
  if (before < 0 || plain < 0 || all < 0) return 1;
  std::printf("%ld %ld\n", all - before, plain - before);
  return 0;
}

Figures bench_memory(const std::string& self) {
  Figures figures;
  for (const int tasks : {1'000, 10'000, 100'000}) {
    const Held held = ask_child(self, tasks);
    if (held.all_kb < 0) {
      std::fprintf(stderr, "memory: the process that holds %d tasks failed\n", tasks);
      return {};
    }
    figures.push_back(Figure{"memory.held", fmt::format("{} tasks", tasks), held.all_kb / 1024, "MB",
                             Reference{"desired+observed", held.plain_kb / 1024},
                             fmt::format("{:.0f} MB", 30 + tasks / 1024.0)});
    figures.push_back(
        Figure{"memory.per-task", fmt::format("{} tasks", tasks), held.all_kb / tasks, "KB", {}, ""});
  }
  return figures;
}

}  // namespace bench
