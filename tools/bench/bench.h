// What the benchmarks share: a clock, the median of some runs, and the lines that come out.
//
// A figure counts only beside a reference that was measured in the same run on the same machine; `ratio` says
// how many times the reference it is. On a machine that does other things too, processor time tells more than
// the time that passed: both are printed.
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
  std::string unit;           // "placements/s", "ms"
  std::optional<double> cpu;  // the same in processor time, which others on the machine take less part in
  std::optional<Reference> reference;
  std::string target;  // "1000000/s"; empty where none is set for this size
};

using Figures = std::vector<Figure>;

// In milliseconds.
struct Spent {
  double wall = 0;
  double cpu = 0;  // of this process
};

double cpu_milliseconds();  // that this process has used so far

template <class Work>
Spent spend(const slipway::Clock& clock, Work work) {
  const double used = cpu_milliseconds();
  const slipway::SteadyTime start = clock.steady_now();
  work();
  const double wall = std::chrono::duration<double, std::milli>(clock.steady_now() - start).count();
  return Spent{wall, cpu_milliseconds() - used};
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of each by itself.
inline Spent median(const std::vector<Spent>& runs) {
  std::vector<double> wall, cpu;
  for (const Spent& run : runs) {
    wall.push_back(run.wall);
    cpu.push_back(run.cpu);
  }
  return Spent{median(std::move(wall)), median(std::move(cpu))};
}

// Short runs are repeated: a machine that does other things too is noisy.
constexpr int kRuns = 5;

// Keeps the compiler from dropping work whose result nobody reads.
template <class T>
void keep(const T& value) {
  __asm__ volatile("" : : "g"(&value) : "memory");
}

// One each, by file. Empty: it could not be measured, and has said why on standard error.
Figures bench_config();
Figures bench_place();
Figures bench_plan();
Figures bench_memory(const std::string& self);  // `self`: this program, run again for each size

// The child of bench_memory: prints, in KB, how its resident memory grows with so many tasks: what it keeps,
// the most that it had, and what it was told.
int hold_in_memory(int tasks);

}  // namespace bench
