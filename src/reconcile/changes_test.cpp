#include "reconcile/changes.h"

#include <gtest/gtest.h>

#include "support/builders.h"

namespace slipway::reconcile {
namespace {

constexpr Time kNow = Time(1s);

model::Task task(model::TaskState state, model::Health health) {
  model::Task task = test::pending_task(test::revision_of(test::instance()), "t1");
  task.state = state;
  task.health = health;
  return task;
}

TEST(TaskChanges, TellHealthAndEndsWithTheLastLine) {
  const model::Task before = task(model::TaskState::Running, model::Health::Healthy);
  model::Task after = task(model::TaskState::Pending, model::Health::Unknown);
  after.restarts = 1;
  after.last_exit = model::Exit{3, std::nullopt, false};
  after.last_lines = {"starting", "no database"};
  const auto events = task_changes({before}, {after}, kNow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "task_exited");
  EXPECT_EQ(events[0].text, "task t1 on node-1 ended with exit code 3; its last line: no database");
}

TEST(TaskChanges, ATaskThatIsAskedToStopDoesNotFail) {
  const model::Task before = task(model::TaskState::Stopping, model::Health::Unknown);
  model::Task after = task(model::TaskState::Exited, model::Health::Unknown);
  after.last_exit = model::Exit{std::nullopt, 15, false};
  EXPECT_TRUE(task_changes({before}, {after}, kNow).empty());
}

TEST(SpecChanges, NameEveryFieldThatDiffers) {
  const Json before = Json::parse(R"({"env":{"A":"1","B":"2"},"user":"root"})").value();
  const Json after = Json::parse(R"({"env":{"A":"9","C":"3"},"user":"root"})").value();
  EXPECT_EQ(spec_changes(before, after),
            "env.A: \"1\" -> \"9\"; env.C: set to \"3\"; env.B: no longer set (was \"2\")");
  EXPECT_EQ(spec_changes(before, before), "");
}

}  // namespace
}  // namespace slipway::reconcile
