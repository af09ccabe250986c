#include "engine/local/lifecycle.h"

#include <csignal>

#include <gtest/gtest.h>

namespace slipway::engine::local {
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

TEST(Lifecycle, DelaysDoubleFromOneSecondToTheSpecsMaximum) {
  const PastRun crash = lasted(10ms);
  EXPECT_EQ(restart_after_exit(0, crash, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_exit(1, crash, 300s), (Restart{2, 2s}));
  EXPECT_EQ(restart_after_exit(2, crash, 300s), (Restart{3, 4s}));
  EXPECT_EQ(restart_after_exit(20, crash, 300s), (Restart{21, 300s}));
  EXPECT_EQ(restart_after_exit(5, crash, 3s), (Restart{6, 3s}));
}

TEST(Lifecycle, FirstFailureOfAWellTaskIsRestartedAtOnce) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 11s, .healthy_for = 11s}, 300s).delay, 0ms);
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 2s, .healthy_for = 1s, .checked = true}, 300s).delay,
            0ms);
}

TEST(Lifecycle, BeingHealthyWithoutACheckProvesNothingInTheFirstSeconds) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 1s, .healthy_for = 1s}, 300s).delay, 1s);
}

TEST(Lifecycle, UnhealthyTaskThatRanForHoursStillWaits) {
  EXPECT_EQ(restart_after_exit(0, PastRun{.lasted = 5h, .healthy_for = {}, .checked = true}, 300s).delay, 1s);
}

TEST(Lifecycle, TenMinutesOfHealthForgetThePast) {
  EXPECT_EQ(restart_after_exit(9, PastRun{.lasted = 700s, .healthy_for = 600s}, 300s), (Restart{1, 0ms}));
  EXPECT_EQ(restart_after_exit(9, PastRun{.lasted = 700s, .healthy_for = 599s}, 300s), (Restart{10, 300s}));
}

TEST(Lifecycle, FailedLaunchAlwaysWaits) {
  EXPECT_EQ(restart_after_failed_launch(0, 300s), (Restart{1, 1s}));
  EXPECT_EQ(restart_after_failed_launch(3, 5s), (Restart{4, 5s}));
}

TEST(Lifecycle, ReasonsNameCodeSignalAndMemoryLimit) {
  model::TaskSpec spec;
  spec.resources.mem_mb = 64;
  EXPECT_EQ(exit_reason(code(3), spec), "exited with code 3");
  EXPECT_EQ(exit_reason(signal(SIGSEGV), spec), "killed by SIGSEGV");
  EXPECT_EQ(exit_reason(out_of_memory(), spec), "killed: out of memory (limit 64 MB)");
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
  const std::vector<model::Task> tasks = {task("a", model::Health::Healthy, 1),
                                          task("b", model::Health::Healthy, 1)};
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

TaskRecord running_task(model::TaskSpec spec = {}) {
  TaskRecord record =
      new_task(model::make_revision({"shop", "main"}, spec), model::TaskId("t"), {}, Time(0ms));
  task_launching(record);
  task_running(record, Launched{.container = {20, 1}, .supervisor = {10, 1}}, Time(1s));
  return record;
}

TEST(TaskLife, TaskWithoutACheckIsHealthyAsSoonAsItRuns) {
  const TaskRecord record = running_task();
  EXPECT_EQ(record.task.state, model::TaskState::Running);
  EXPECT_EQ(record.task.health, model::Health::Healthy);
  EXPECT_EQ(record.task.healthy_since, Time(1s));
  EXPECT_EQ(record.task.restarts, 0);
  EXPECT_EQ(record.monitor.pid, 10);
}

TEST(TaskLife, TaskWithACheckWaitsForItsFirstPass) {
  model::TaskSpec spec;
  spec.health.mode = model::HealthMode::Tcp;
  TaskRecord record = running_task(spec);
  EXPECT_EQ(record.task.health, model::Health::Unknown);
  EXPECT_FALSE(task_health(record, model::Health::Unknown, "tcp: connection refused", Time(2s)));
  EXPECT_EQ(record.task.reason, "tcp: connection refused");
  EXPECT_TRUE(task_health(record, model::Health::Healthy, "", Time(3s)));
  EXPECT_EQ(record.task.healthy_since, Time(3s));
  EXPECT_TRUE(task_health(record, model::Health::Unhealthy, "tcp: timeout", Time(4s)));
  EXPECT_FALSE(record.task.healthy_since);
}

TEST(TaskLife, CrashIsToldAndStartedAgainUnderTheSameIdentity) {
  TaskRecord record = running_task();
  task_ended(record, code(3), {"bye"}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Failed);
  EXPECT_EQ(record.task.health, model::Health::Unknown);
  EXPECT_EQ(record.task.next_start_at, Time(3s));
  EXPECT_EQ(record.task.reason, "exited with code 3; restart 1 in 1s");
  EXPECT_EQ(record.task.last_lines, std::vector<std::string>{"bye"});
  EXPECT_EQ(record.monitor.pid, 0);
  task_launching(record);
  EXPECT_FALSE(record.task.next_start_at);
  task_running(record, Launched{}, Time(4s));
  EXPECT_EQ(record.task.restarts, 1);
  EXPECT_EQ(record.task.reason, "");
  EXPECT_EQ(record.task.last_exit, code(3));
}

TEST(TaskLife, EndOfAServiceWithCodeZeroIsAnEndAllTheSame) {
  TaskRecord record = running_task();
  task_ended(record, code(0), {"done"}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Exited);
  EXPECT_TRUE(record.task.next_start_at);
  EXPECT_TRUE(record.task.last_lines.empty());
}

TEST(TaskLife, MonitorThatWasKilledLeavesNoExit) {
  TaskRecord record = running_task();
  task_ended(record, std::nullopt, {}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Failed);
  EXPECT_FALSE(record.task.last_exit);
  EXPECT_NE(record.task.reason.find("conmon"), std::string::npos);
}

TEST(TaskLife, OneOffTaskEndsForGood) {
  TaskRecord record = running_task();
  record.task.one_off = true;
  task_ended(record, code(5), {}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Exited);
  EXPECT_FALSE(record.task.next_start_at);
  EXPECT_EQ(record.task.reason, "exited with code 5");
}

TEST(TaskLife, OneOffTaskBeyondItsTimeSaysSo) {
  TaskRecord record = running_task();
  record.task.one_off = true;
  record.stop_at = Time(10s);
  task_ended(record, signal(SIGTERM), {}, Time(11s));
  EXPECT_EQ(record.task.reason, "stopped when its time was over; killed by SIGTERM");
}

TEST(TaskLife, FailedLaunchTellsTheErrorAndTheNextTry) {
  TaskRecord record = new_task(model::make_revision({"shop", "main"}, {}), model::TaskId("t"), {}, Time(0ms));
  task_launching(record);
  task_launch_failed(record, Error(ErrorCode::NotFound, "volume /no/such"), Time(1s));
  EXPECT_EQ(record.task.state, model::TaskState::Failed);
  EXPECT_EQ(record.task.reason, "volume /no/such; next try in 1s");
  EXPECT_EQ(record.task.next_start_at, Time(2s));
  task_launch_failed(record, Error(ErrorCode::NotFound, "volume /no/such"), Time(3s));
  EXPECT_EQ(record.task.next_start_at, Time(5s));
}

TEST(TaskLife, StoppingTaskIsNotStartedAgain) {
  TaskRecord record = running_task();
  task_stopping(record, 10s, Time(5s));
  EXPECT_EQ(record.task.state, model::TaskState::Stopping);
  EXPECT_EQ(record.kill_at, Time(15s));
  EXPECT_EQ(record.task.health, model::Health::Unknown);
  task_ended(record, signal(SIGTERM), {}, Time(6s));
  EXPECT_EQ(record.task.state, model::TaskState::Stopping);
  EXPECT_FALSE(record.task.next_start_at);
}

TEST(TaskLife, SecondStopMayOnlyShortenTheGrace) {
  TaskRecord record = running_task();
  task_stopping(record, 10s, Time(5s));
  task_stopping(record, 60s, Time(6s));
  EXPECT_EQ(record.kill_at, Time(15s));
  task_stopping(record, 0s, Time(7s));
  EXPECT_EQ(record.kill_at, Time(7s));
}

TEST(TaskLife, TaskStoppedWhileItWasBeingStartedStaysStopping) {
  TaskRecord record = new_task(model::make_revision({"shop", "main"}, {}), model::TaskId("t"), {}, Time(0ms));
  task_launching(record);
  task_stopping(record, 1s, Time(1s));
  task_running(record, Launched{.container = {20, 1}, .supervisor = {10, 1}}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Stopping);
  EXPECT_EQ(record.container.pid, 20);
}

TEST(TaskLife, ExitCodesAboveTheSignalsBaseAreSignals) {
  EXPECT_EQ(exit_of(0, false), code(0));
  EXPECT_EQ(exit_of(3, false), code(3));
  EXPECT_EQ(exit_of(128, false), code(128));
  EXPECT_EQ(exit_of(139, false), (signal(SIGSEGV)));
  EXPECT_EQ(exit_of(255, false), code(255));
  EXPECT_EQ(exit_of(137, true), (out_of_memory()));
  EXPECT_EQ(exit_of(0, true), code(0)) << "it coped with the death of a child";
}

}  // namespace
}  // namespace slipway::engine::local
