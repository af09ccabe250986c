#include "engine/health.h"

#include <gtest/gtest.h>

namespace slipway::engine {
namespace {

using model::Health;

model::HealthCheck check() {
  model::HealthCheck result;
  result.mode = model::HealthMode::Tcp;
  result.grace_period = 10s;
  result.interval = 5s;
  result.max_consecutive_failures = 3;
  return result;
}

TEST(HealthTally, IsUnknownUntilTheFirstPass) {
  HealthTally tally(check(), false);
  EXPECT_EQ(tally.health(), Health::Unknown);
  EXPECT_TRUE(tally.pass());
  EXPECT_EQ(tally.health(), Health::Healthy);
  EXPECT_FALSE(tally.pass());
}

TEST(HealthTally, FailuresWithinTheGracePeriodDoNotCount) {
  HealthTally tally(check(), false);
  for (int i = 0; i < 20; ++i) tally.fail("tcp: connection refused", 9s);
  EXPECT_EQ(tally.health(), Health::Unknown);
  EXPECT_EQ(tally.reason(), "tcp: connection refused (within the first 10s, which do not count)");
}

TEST(HealthTally, CountedFailuresInARowMakeUnhealthy) {
  HealthTally tally(check(), false);
  tally.fail("no", 10s);
  tally.fail("no", 11s);
  EXPECT_EQ(tally.health(), Health::Unknown);
  EXPECT_EQ(tally.reason(), "no (2 failures, unhealthy after 3)");
  EXPECT_TRUE(tally.fail("no", 12s));
  EXPECT_EQ(tally.health(), Health::Unhealthy);
}

TEST(HealthTally, SuccessEndsTheGracePeriod) {
  HealthTally tally(check(), false);
  tally.pass();
  tally.fail("no", 1s);
  tally.fail("no", 2s);
  EXPECT_EQ(tally.health(), Health::Healthy);
  tally.fail("no", 3s);
  EXPECT_EQ(tally.health(), Health::Unhealthy);
}

TEST(HealthTally, PassBetweenFailuresStartsTheCountAnew) {
  HealthTally tally(check(), true);
  tally.fail("no", 20s);
  tally.fail("no", 20s);
  tally.pass();
  EXPECT_EQ(tally.reason(), "");
  tally.fail("no", 20s);
  tally.fail("no", 20s);
  EXPECT_EQ(tally.health(), Health::Healthy);
}

TEST(HealthTally, UnhealthyTaskRecoversWithOnePass) {
  HealthTally tally(check(), true);
  for (int i = 0; i < 3; ++i) tally.fail("no", 20s);
  EXPECT_EQ(tally.health(), Health::Unhealthy);
  EXPECT_TRUE(tally.pass());
  EXPECT_EQ(tally.health(), Health::Healthy);
}

TEST(HealthTally, ProbesEagerlyOnlyBeforeTheFirstPassAndWithinTheGrace) {
  HealthTally tally(check(), false);
  EXPECT_LE(tally.next_wait(0s), 20ms);
  Duration wait = 0ms;
  for (int i = 0; i < 50; ++i) wait = tally.next_wait(1s);
  EXPECT_EQ(wait, 1s);
  EXPECT_EQ(tally.next_wait(10s), 5s);
  HealthTally passed(check(), false);
  passed.pass();
  EXPECT_EQ(passed.next_wait(1s), 5s);
}

TEST(HealthTally, AdoptedHealthyTaskStaysHealthyUntilItFailsForLong) {
  HealthTally tally(check(), true);
  EXPECT_EQ(tally.health(), Health::Healthy);
  tally.fail("no", 1s);
  EXPECT_EQ(tally.health(), Health::Healthy);
}

}  // namespace
}  // namespace slipway::engine
