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

TEST(TaskLife, WhoIsKilledForWhatItWroteIsToldSoOnce) {
  model::TaskSpec spec;
  spec.resources.disk_mb = 2048;
  TaskRecord record = running_task(spec);
  record.wrote_mb = 2100;
  task_ended(record, signal(SIGKILL), {}, Time(2s));
  EXPECT_EQ(record.task.state, model::TaskState::Failed);
  EXPECT_EQ(record.task.reason, "disk: wrote 2100 MB, its limit is 2048 MB; restart 1 in 1s");
  task_running(record, Launched{.container = {21, 1}, .supervisor = {11, 1}}, Time(4s));
  task_ended(record, code(3), {}, Time(5s));
  EXPECT_EQ(record.task.reason.find("disk"), std::string::npos) << "its layer was empty again";
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

TEST(TaskLife, LackOfTheHostIsNoFailureOfTheTask) {
  TaskRecord record = running_task();
  task_ended(record, code(1), {}, Time(2s));
  const int failures = record.failures;
  task_lacks_host(record, Error(ErrorCode::Unavailable, "apt-get install crun"));
  EXPECT_EQ(record.task.state, model::TaskState::Failed);
  EXPECT_EQ(record.task.reason, "apt-get install crun");
  EXPECT_EQ(record.failures, failures);
  EXPECT_EQ(record.task.restarts, 0);
  EXPECT_FALSE(record.task.next_start_at);
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

model::Exit code_or_signal(int number) {
  return model::Exit{128 + number, number, false};
}

TEST(TaskLife, ExitCodesAboveTheSignalsBaseMayBeSignals) {
  EXPECT_EQ(exit_of(0, false), code(0));
  EXPECT_EQ(exit_of(3, false), code(3));
  EXPECT_EQ(exit_of(128, false), code(128));
  EXPECT_EQ(exit_of(139, false), code_or_signal(SIGSEGV));
  EXPECT_EQ(exit_of(143, false).text(), "exit code 143 or SIGTERM");
  EXPECT_EQ(exit_of(255, false), code(255));
  EXPECT_EQ(exit_of(137, true), (out_of_memory()));
}

TEST(TaskLife, OutOfMemoryIsDeathBySigkillAlone) {
  EXPECT_EQ(exit_of(0, true), code(0)) << "it coped with the death of a child";
  EXPECT_EQ(exit_of(1, true), code(1)) << "days after a child died so, it gave up for another reason";
  EXPECT_EQ(exit_of(143, true), code_or_signal(SIGTERM));
}

}  // namespace
}  // namespace slipway::engine::local
