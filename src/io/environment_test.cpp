#include "io/environment.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace slipway::io {
namespace {

TEST(Environment, TellsNamesAndValuesSplitAtTheFirstEqualsSign) {
  ASSERT_EQ(setenv("SLIPWAY_TEST", "a=b", 1), 0);
  EXPECT_EQ(environment().at("SLIPWAY_TEST"), "a=b");
  ASSERT_EQ(unsetenv("SLIPWAY_TEST"), 0);
  EXPECT_FALSE(environment().contains("SLIPWAY_TEST"));
}

}  // namespace
}  // namespace slipway::io
