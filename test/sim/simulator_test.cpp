// The simulator is judged here: it finds every planner that breaks a rule, and it plays a seed always alike.
// Seeds that found a bug are kept below, each with what it found.
#include <gtest/gtest.h>

#include "base/log.h"
#include "sim/broken_planners.h"
#include "sim/simulation.h"

namespace slipway::sim {
namespace {

constexpr uint64_t kSeeds = 2000;

class Simulator : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::Error); }
};

class BrokenPlanners : public testing::TestWithParam<BrokenPlanner> {
 protected:
  void SetUp() override { log::set_level(log::Level::Error); }
};

TEST_P(BrokenPlanners, AreFoundByTheInvariantTheyBreak) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Report report = simulate(seed, GetParam().make());
    if (!report.violation) continue;
    EXPECT_EQ(report.violation->invariant, GetParam().invariant)
        << "seed " << seed << ": " << report.violation->text;
    return;
  }
  FAIL() << "no seed finds it";
}

INSTANTIATE_TEST_SUITE_P(All, BrokenPlanners, testing::ValuesIn(broken_planners()),
                         [](const auto& parameter) {
                           std::string name = parameter.param.name;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(Simulator, PlaysASeedAlwaysAlike) {
  const Report one = simulate(7, {.recording = true});
  const Report other = simulate(7, {.recording = true});
  ASSERT_FALSE(one.timeline.empty());
  EXPECT_EQ(json_lines_of(one.timeline), json_lines_of(other.timeline));
  EXPECT_EQ(one.checks, other.checks);
}

TEST_F(Simulator, CoversEveryFaultEveryChangeAndEveryInvariantWithinAHundredSeeds) {
  FaultTally faults{};
  const std::vector<std::string> names = Scenario::change_names();
  std::vector<int64_t> changes(names.size());
  std::array<int64_t, kInvariants> checks{};
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Report report = simulate(seed, {});
    for (size_t i = 0; i < faults.size(); ++i) faults[i] += report.faults[i];
    for (size_t i = 0; i < changes.size(); ++i) changes[i] += report.changes[i];
    for (size_t i = 0; i < checks.size(); ++i) checks[i] += report.checks[i];
  }
  for (int i = 0; i < kFaults; ++i)
    EXPECT_GT(faults[static_cast<size_t>(i)], 0) << to_text(static_cast<Fault>(i)) << " never happens";
  for (size_t i = 0; i < changes.size(); ++i) EXPECT_GT(changes[i], 0) << names[i] << " never happens";
  for (int i = 0; i < kInvariants; ++i)
    EXPECT_GT(checks[static_cast<size_t>(i)], 0) << "invariant " << i + 1 << " is never checked";
}

}  // namespace
}  // namespace slipway::sim
