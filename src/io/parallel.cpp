#include "io/parallel.h"

#include <algorithm>
#include <atomic>
#include <sched.h>
#include <thread>
#include <vector>

namespace slipway::io {

namespace {
// Starting a thread costs about as much as this many small files.
constexpr size_t kItemsWorthAThread = 8;
}  // namespace

int usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::max(CPU_COUNT(&cores), 1);
}

void parallel_for(size_t count, int threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  const size_t worth = count / kItemsWorthAThread;
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(worth, static_cast<size_t>(std::max(threads, 1))); ++i) {
    others.emplace_back(run);
  }
  run();
  for (std::thread& other : others) other.join();
}

}  // namespace slipway::io
