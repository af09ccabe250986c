// Bugs that the simulator found (test/sim), each as the question that the planner answered wrongly.
#include <gtest/gtest.h>

#include "plan/planner.h"
#include "support/builders.h"

namespace slipway::plan {
namespace {

using model::Traffic;

const Time kNow(Duration(1'700'000'000'000));

// A cluster in which three tasks of an old revision and two of the new one are healthy, and all are routed
// to.
class Faults : public testing::Test {
 protected:
  Faults() {
    instance_.bounce.min_task_uptime = 0s;
    const model::Revision old = test::revision_of(instance_);
    instance_.spec.env["VERSION"] = "2";
    const model::Revision fresh = test::revision_of(instance_);
    desired_.instances = {instance_};
    observed_.revisions = {test::observed_revision(old, 3), test::observed_revision(fresh, 3)};
    for (const char* id : {"old-1", "old-2", "old-3"}) add(old, id, -600s);
    for (const char* id : {"new-1", "new-2"}) add(fresh, id, -60s);
    model::Task last = test::pending_task(fresh, "new-3", kNow - 60s);
    last.state = model::TaskState::Starting;
    observed_.tasks.push_back(last);
    routing_.known = true;
  }

  void add(const model::Revision& revision, const std::string& id, Duration age) {
    observed_.tasks.push_back(test::healthy_task(revision, id, kNow + age));
    routing_.tasks[model::TaskId(id)] = RoutedTask{.in = true, .draining = false, .sessions = 0};
  }

  Outcome decide() const {
    return plan::decide({desired_, observed_, routing_, {}, {}, memory_, true, false, kNow});
  }

  int routed_in(const Outcome& outcome) const {
    int count = 0;
    for (const model::Route& route : outcome.plan.routes.at(instance_.id))
      count += route.traffic == Traffic::In;
    return count;
  }

  model::Instance instance_ = test::instance("shop.web", 3);
  model::Desired desired_;
  model::Observed observed_;
  Routing routing_;
  Memory memory_;
};

TEST_F(Faults, ADrainThatTheLoadBalancerNeverHeardOfTakesNobodyOutOfTraffic) {
  // Remembered by a control plane that died before it told the load balancer; meanwhile a new task has died.
  memory_[instance_.id].drains[model::TaskId("old-1")] = DrainMemory{.started_at = kNow - 60s};
  memory_[instance_.id].drains[model::TaskId("old-2")] = DrainMemory{.started_at = kNow - 60s};
  routing_.tasks.erase(model::TaskId("old-3"));  // healthy, and not registered yet
  const Outcome outcome = decide();
  for (const model::Route& route : outcome.plan.routes.at(instance_.id)) {
    if (route.task == model::TaskId("old-1")) {
      EXPECT_EQ(route.traffic, Traffic::In);
    }
  }
  EXPECT_EQ(outcome.memory.at(instance_.id).drains.count(model::TaskId("old-1")), 0U);
}

TEST_F(Faults, NothingNewIsHappyWhileTheLoadBalancerCannotBeAskedWhateverItRefusedLast) {
  routing_ = Routing{};
  routing_.refused[instance_.id] = "it does not answer";
  const Outcome outcome = decide();
  EXPECT_EQ(routed_in(outcome), 5);
  EXPECT_TRUE(outcome.memory.at(instance_.id).drains.empty());
}

TEST_F(Faults, NothingThatMayServeIsStoppedWhileTheLoadBalancerCannotBeAsked) {
  routing_ = Routing{};
  desired_.instances.edit(0, [](model::Instance& instance) { instance.count = 1; });
  DrainMemory drain{.started_at = kNow - 1h};
  for (const char* id : {"old-1", "old-2", "old-3", "new-1", "new-2"})
    memory_[instance_.id].drains[model::TaskId(id)] = drain;
  for (const model::Step& step : decide().plan.steps) {
    const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action);
    if (remove == nullptr) continue;
    for (const model::TaskId& task : remove->tasks) EXPECT_EQ(task, model::TaskId("new-3"));
  }
}

TEST_F(Faults, AClockThatWasSetBackHoldsUpNoDrain) {
  DrainMemory drain{.started_at = kNow + 1h};
  for (const char* id : {"old-1", "old-2"}) {
    memory_[instance_.id].drains[model::TaskId(id)] = drain;
    routing_.tasks[model::TaskId(id)] = RoutedTask{.in = false, .draining = true, .sessions = 1};
  }
  const Outcome outcome = decide();
  ASSERT_FALSE(outcome.memory.at(instance_.id).drains.empty());
  for (const auto& [task, remembered] : outcome.memory.at(instance_.id).drains)
    EXPECT_LE(remembered.started_at, kNow) << task.str();
}

TEST_F(Faults, AStopThatWasLostIsNotCarriedOutOnTheLastHealthyTask) {
  // It was right to stop old-1 when all others were happy. The control plane died before it asked the engine,
  // and by now old-1 is the only one that is.
  memory_[instance_.id].drains[model::TaskId("old-1")] = {.started_at = kNow - 60s,
                                                          .stop_asked_at = kNow - 30s};
  for (model::Task& task : observed_.tasks) {
    if (task.id != model::TaskId("old-1")) task.health = model::Health::Unhealthy;
  }
  observed_.at = kNow;
  const Outcome outcome = decide();
  EXPECT_EQ(routed_in(outcome), 1);
  for (const model::Step& step : outcome.plan.steps) {
    const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action);
    if (remove == nullptr) continue;
    for (const model::TaskId& task : remove->tasks) EXPECT_NE(task, model::TaskId("old-1"));
  }
}

TEST_F(Faults, AStopThatWasLostIsAskedAgainWhereItIsStillRight) {
  observed_.at = kNow;
  observed_.tasks.back() = test::healthy_task(observed_.revisions[1].revision, "new-3", kNow - 60s);
  routing_.tasks[model::TaskId("new-3")] = RoutedTask{.in = true, .draining = false, .sessions = 0};
  routing_.tasks[model::TaskId("old-3")] = RoutedTask{.in = false, .draining = true, .sessions = 0};
  memory_[instance_.id].drains[model::TaskId("old-3")] = {.started_at = kNow - 60s,
                                                          .stop_asked_at = kNow - 30s};
  const Outcome outcome = decide();
  const DrainMemory& drain = outcome.memory.at(instance_.id).drains.at(model::TaskId("old-3"));
  EXPECT_EQ(drain.stop_asked_at, kNow);
  EXPECT_EQ(drain.lost_stops, 1);
  EXPECT_EQ(drain.started_at, kNow - 60s) << "its drain has lasted all the while";
}

}  // namespace
}  // namespace slipway::plan
