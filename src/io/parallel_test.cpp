#include "io/parallel.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

namespace slipway::io {
namespace {

TEST(ParallelFor, DoesEachItemOnce) {
  for (const size_t count : {0u, 1u, 7u, 1000u}) {
    std::vector<std::atomic<int>> done(count);
    parallel_for(count, 4, [&](size_t i) { ++done[i]; });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(ParallelFor, RunsHereWithoutThreads) {
  int sum = 0;  // no atomic: one thread
  parallel_for(100, 1, [&](size_t i) { sum += static_cast<int>(i); });
  EXPECT_EQ(sum, 4950);
  EXPECT_GE(usable_cores(), 1);
}

}  // namespace
}  // namespace slipway::io
