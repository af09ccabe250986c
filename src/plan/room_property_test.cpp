#include <gtest/gtest.h>

#include "support/placement_case.h"

namespace slipway::plan {
namespace {

TEST(RoomProperty, AgreesWithANaiveTwinOverRandomLives) {
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    SeededRandom random(seed);
    test::PlacementCase life(random);
    ASSERT_EQ(life.run(60), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace slipway::plan
