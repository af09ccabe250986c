#include "engine/local/lifecycle.h"

#include <csignal>

#include <gtest/gtest.h>

namespace slipway::engine::local {
namespace {

model::Task task(const std::string& id, model::Health health, int created) {
  model::Task result;
  result.id = model::TaskId(id);
  result.health = health;
  result.created_at = Time(Duration(created));
  return result;
}

TEST(Lifecycle, DelaysDoubleFromOneSecondToTheSpecsMaximum) {
  const Run crash{.lasted = 10ms};
  EXPECT_EQ(restart_after_exit(0, crash, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_exit(1, crash, 300s), (Restart{2, 2s}));
  EXPECT_EQ(restart_after_exit(2, crash, 300s), (Restart{3, 4s}));
  EXPECT_EQ(restart_after_exit(20, crash, 300s), (Restart{21, 300s}));
  EXPECT_EQ(restart_after_exit(5, crash, 3s), (Restart{6, 3s}));
}

TEST(Lifecycle, FirstFailureOfAWellTaskIsRestartedAtOnce) {
  EXPECT_EQ(restart_after_exit(0, Run{.lasted = 11s, .healthy_for = 11s}, 300s).delay, 0ms);
  EXPECT_EQ(restart_after_exit(0, Run{.lasted = 2s, .healthy_for = 1s, .checked = true}, 300s).delay, 0ms);
}

TEST(Lifecycle, BeingHealthyWithoutACheckProvesNothingInTheFirstSeconds) {
  EXPECT_EQ(restart_after_exit(0, Run{.lasted = 1s, .healthy_for = 1s}, 300s).delay, 1s);
}

TEST(Lifecycle, UnhealthyTaskThatRanForHoursStillWaits) {
  EXPECT_EQ(restart_after_exit(0, Run{.lasted = 5h, .checked = true}, 300s).delay, 1s);
}

TEST(Lifecycle, TenMinutesOfHealthForgetThePast) {
  EXPECT_EQ(restart_after_exit(9, Run{.lasted = 700s, .healthy_for = 600s}, 300s), (Restart{1, 0ms}));
  EXPECT_EQ(restart_after_exit(9, Run{.lasted = 700s, .healthy_for = 599s}, 300s), (Restart{10, 300s}));
}

TEST(Lifecycle, FailedLaunchAlwaysWaits) {
  EXPECT_EQ(restart_after_failed_launch(0, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_failed_launch(3, 5s), (Restart{4, 5s}));
}

TEST(Lifecycle, ReasonsNameCodeSignalAndMemoryLimit) {
  model::TaskSpec spec;
  spec.resources.mem_mb = 64;
  EXPECT_EQ(exit_reason(model::Exit{.code = 3}, spec), "exited with code 3");
  EXPECT_EQ(exit_reason(model::Exit{.signal = SIGSEGV}, spec), "killed by SIGSEGV");
  EXPECT_EQ(exit_reason(model::Exit{.signal = SIGKILL, .oom_killed = true}, spec),
            "killed: out of memory (limit 64 MB)");
  EXPECT_EQ(with_restart("exited with code 3", 4, 8s), "exited with code 3; restart 4 in 8s");
  EXPECT_EQ(with_restart("killed by SIGKILL", 1, 0ms), "killed by SIGKILL; restart 1 now");
}

TEST(Lifecycle, VictimsAreUnhealthyFirstThenTheYoungest) {
  const std::vector<model::Task> tasks = {
      task("old", model::Health::Healthy, 1), task("young", model::Health::Healthy, 9),
      task("sick", model::Health::Unhealthy, 1), task("starting", model::Health::Unknown, 5)};
  const auto victims = choose_victims(tasks, 3);
  ASSERT_EQ(victims.size(), 3U);
  EXPECT_EQ(victims[0].str(), "starting");
  EXPECT_EQ(victims[1].str(), "sick");
  EXPECT_EQ(victims[2].str(), "young");
}

TEST(Lifecycle, MoreVictimsThanTasksAreAllTasks) {
  const std::vector<model::Task> tasks = {task("a", model::Health::Healthy, 1), task("b", model::Health::Healthy, 1)};
  EXPECT_EQ(choose_victims(tasks, 5).size(), 2U);
  EXPECT_EQ(choose_victims(tasks, 1).front().str(), "a");
}

TEST(Lifecycle, TaskIdsAreHostNames) {
  const model::Revision revision{model::RevisionId("3f9c2b7a41d0"), {"my_shop", std::string(63, 'x')}, {}};
  const std::string id = make_task_id(revision, "x7k2p").str();
  EXPECT_TRUE(id.starts_with("my-shop-xxx")) << id;
  EXPECT_TRUE(id.ends_with("-3f9c2b-x7k2p")) << id;
  EXPECT_LE(id.size(), 63U);
  EXPECT_TRUE(is_task_id(id));
}

TEST(Lifecycle, ForeignTaskIdsCannotLeaveTheirFolder) {
  EXPECT_FALSE(is_task_id(""));
  EXPECT_FALSE(is_task_id(".."));
  EXPECT_FALSE(is_task_id("a/b"));
  EXPECT_FALSE(is_task_id("a b"));
  EXPECT_FALSE(is_task_id(std::string(101, 'a')));
  EXPECT_TRUE(is_task_id("shop-web.main_1"));
}

}  // namespace
}  // namespace slipway::engine::local
