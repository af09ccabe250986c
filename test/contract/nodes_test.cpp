// Cases 16, 17 and 18: engines of several nodes.
#include <algorithm>
#include <set>

#include "contract/contract.h"

namespace slipway::contract {
namespace {

using model::Observed;
using model::Task;
using model::TaskState;

class Nodes : public Contract {
 protected:
  void SetUp() override {
    Contract::SetUp();
    if (subject_ && !engine().capabilities().multi_node) GTEST_SKIP() << "the engine has one node";
  }

  static int running_on(const Observed& observed, const model::Revision& revision,
                        const model::NodeId& node) {
    const auto tasks = tasks_of(observed, revision);
    return static_cast<int>(std::ranges::count_if(
        tasks, [&](const Task& task) { return task.node == node && task.state == TaskState::Running; }));
  }
  static int running(const Observed& observed, const model::Revision& revision) {
    const auto tasks = tasks_of(observed, revision);
    return static_cast<int>(
        std::ranges::count_if(tasks, [](const Task& task) { return task.state == TaskState::Running; }));
  }
};

TEST_F(Nodes, Case16TasksOfALostNodeAreReplacedAndNotDoubledWhenItReturns) {
  const auto revision = run_tasks({"forever"}, 3);
  const model::NodeId node = tasks_of(observe(), revision)[0].node;
  ASSERT_TRUE(subject().lose_node(node));
  // The engine's own detection time, which may be minutes.
  EXPECT_TRUE(eventually(
      "its tasks to be lost and replaced elsewhere",
      [&](const Observed& observed) {
        return running(observed, revision) == 3 && running_on(observed, revision, node) == 0;
      },
      5min));
  for (const Task& task : tasks_of(observe(), revision)) {
    if (task.node == node) {
      EXPECT_EQ(task.state, TaskState::Lost);
    }
  }
  ASSERT_TRUE(subject().return_node(node));
  EXPECT_TRUE(eventually_running(revision, 3));
}

TEST_F(Nodes, Case17ADrainedNodeGetsNoNewTasksAndKeepsItsOwn) {
  const auto revision = run_tasks({"forever"}, 3);
  const model::NodeId node = tasks_of(observe(), revision)[0].node;
  const int before = running_on(observe(), revision, node);
  ASSERT_TRUE(engine().drain(node, next_generation(), deadline()));
  scale(revision, 6);
  EXPECT_TRUE(eventually_running(revision, 6));
  EXPECT_EQ(running_on(observe(), revision, node), before)
      << "its tasks move by the planner's rules, not by the engine's";
  for (const model::Node& seen : observe().nodes) EXPECT_EQ(seen.draining, seen.id == node);
  ASSERT_TRUE(engine().undrain(node, next_generation(), deadline()));
  for (const model::Node& seen : observe().nodes) EXPECT_FALSE(seen.draining);
}

TEST_F(Nodes, Case18PlacementFollowsItsConstraints) {
  GTEST_SKIP() << "revisions carry no placement constraints yet";
}

}  // namespace
}  // namespace slipway::contract
