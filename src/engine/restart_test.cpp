#include "engine/restart.h"

#include <csignal>

#include <gtest/gtest.h>

namespace slipway::engine {
namespace {

model::Exit code(int number) {
  return model::Exit{number, std::nullopt, false};
}
model::Exit signal(int number) {
  return model::Exit{std::nullopt, number, false};
}
model::Exit out_of_memory() {
  return model::Exit{std::nullopt, SIGKILL, true};
}

PastRun lasted(Duration duration) {
  PastRun run;
  run.lasted = duration;
  return run;
}

model::Task task(const std::string& id, model::Health health, int created) {
  model::Task result;
  result.id = model::TaskId(id);
  result.health = health;
  result.created_at = Time(Duration(created));
  return result;
}

TEST(Restart, DelaysDoubleFromOneSecondToTheSpecsMaximum) {
  const PastRun crash = lasted(10ms);
  EXPECT_EQ(restart_after_exit(0, crash, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_exit(1, crash, 300s), (Restart{2, 2s}));
  EXPECT_EQ(restart_after_exit(2, crash, 300s), (Restart{3, 4s}));
  EXPECT_EQ(restart_after_exit(20, crash, 300s), (Restart{21, 300s}));
  EXPECT_EQ(restart_after_exit(5, crash, 3s), (Restart{6, 3s}));
}

TEST(Restart, FirstFailureOfAWellTaskIsRestartedAtOnce) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 11s, .healthy_for = 11s}, 300s).delay, 0ms);
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 2s, .healthy_for = 1s, .checked = true}, 300s).delay,
            0ms);
}

TEST(Restart, BeingHealthyWithoutACheckProvesNothingInTheFirstSeconds) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 1s, .healthy_for = 1s}, 300s).delay, 1s);
}

TEST(Restart, UnhealthyTaskThatRanForHoursStillWaits) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 5h, .healthy_for = {}, .checked = true}, 300s).delay, 1s);
}

TEST(Restart, TenMinutesOfHealthForgetThePast) {
  EXPECT_EQ(restart_after_exit(9, PastRun{.lasted = 700s, .healthy_for = 600s}, 300s), (Restart{1, 0ms}));
  EXPECT_EQ(restart_after_exit(9, PastRun{.lasted = 700s, .healthy_for = 599s}, 300s), (Restart{10, 300s}));
}

TEST(Restart, FailedLaunchAlwaysWaits) {
  EXPECT_EQ(restart_after_failed_launch(0, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_failed_launch(3, 5s), (Restart{4, 5s}));
}

TEST(Restart, ReasonsNameCodeSignalAndMemoryLimit) {
  model::TaskSpec spec;
  spec.resources.mem_mb = 64;
  EXPECT_EQ(exit_reason(code(3), spec), "exited with code 3");
  EXPECT_EQ(exit_reason(signal(SIGSEGV), spec), "killed by SIGSEGV");
  EXPECT_EQ(exit_reason({143, SIGTERM, false}, spec), "ended with exit code 143 or SIGTERM");
  EXPECT_EQ(exit_reason(out_of_memory(), spec), "killed: out of memory (limit 64 MB)");
  EXPECT_EQ(with_restart("exited with code 3", 4, 8s), "exited with code 3; restart 4 in 8s");
  EXPECT_EQ(with_restart("killed by SIGKILL", 1, 0ms), "killed by SIGKILL; restart 1 now");
}

TEST(Restart, VictimsAreUnhealthyFirstThenTheYoungest) {
  const std::vector<model::Task> tasks = {
      task("old", model::Health::Healthy, 1), task("young", model::Health::Healthy, 9),
      task("sick", model::Health::Unhealthy, 1), task("starting", model::Health::Unknown, 5)};
  const auto victims = choose_victims(tasks, 3);
  ASSERT_EQ(victims.size(), 3U);
  EXPECT_EQ(victims[0].str(), "starting");
  EXPECT_EQ(victims[1].str(), "sick");
  EXPECT_EQ(victims[2].str(), "young");
}

TEST(Restart, MoreVictimsThanTasksAreAllTasks) {
  const std::vector<model::Task> tasks = {task("a", model::Health::Healthy, 1),
                                          task("b", model::Health::Healthy, 1)};
  EXPECT_EQ(choose_victims(tasks, 5).size(), 2U);
  EXPECT_EQ(choose_victims(tasks, 1).front().str(), "a");
}

}  // namespace
}  // namespace slipway::engine
