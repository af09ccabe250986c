// What the benchmarks share: a clock, the median of some runs, and the lines that come out.
//
// A figure counts only beside a reference that was measured in the same run on the same machine; `ratio` says
// how many times the reference it is.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace bench {

struct Reference {
  std::string name;  // "first-fit"
  double value = 0;  // in the unit of the figure
};

struct Figure {
  std::string name;  // "place.rate"
  std::string size;  // "100000 tasks"
  double value = 0;
  std::string unit;  // "placements/s", "ms"
  std::optional<Reference> reference;
  std::string target;  // "1000000/s"; empty where none is set for this size
};

using Figures = std::vector<Figure>;

// Milliseconds that `work` takes.
template <class Work>
double milliseconds(const slipway::Clock& clock, Work work) {
  const slipway::SteadyTime start = clock.steady_now();
  work();
  return std::chrono::duration<double, std::milli>(clock.steady_now() - start).count();
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Short runs are repeated: a machine that does other things too is noisy.
constexpr int kRuns = 5;

// Keeps the compiler from dropping work whose result nobody reads.
template <class T>
void keep(const T& value) {
  __asm__ volatile("" : : "g"(&value) : "memory");
}

// One each, by file. Empty: it could not be measured, and has said why on standard error.
Figures bench_place();
Figures bench_plan();
Figures bench_memory(const std::string& self);  // `self`: this program, run again for each size

// The child of bench_memory: prints the growth of its resident memory, in KB, of holding so many tasks.
int hold_in_memory(int tasks);

}  // namespace bench
