// What a change may meet besides a bounce method: canaries, a way back, a freeze, wrong health checks, nodes
// that are to be emptied, drains that the tasks take part in. On the tiny cluster, which checks every round.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tiny_cluster.h"

namespace slipway::plan {
namespace {

using model::BounceMethod;
using model::InstanceState;
using model::OverrideKind;
using test::set_version;
using test::settled_with;
using test::TinyCluster;
using testing::HasSubstr;

const model::InstanceId kWeb = test::instance_id("shop.web");

model::Instance version_one(int count = 4) {
  model::Instance web = test::instance("shop.web", count);
  set_version(web, "1");
  return web;
}

model::Instance with_canary(int count = 4) {
  model::Instance web = version_one(count);
  web.bounce.canary = 1;
  web.bounce.canary_time = 30s;
  return web;
}

TEST(Canary, GoesAheadAndTheRestFollowsWhenItHasStayedHappy) {
  model::Instance web = with_canary();
  TinyCluster cluster = settled_with(web);
  set_version(web, "2");
  cluster.want(web);
  cluster.run(20);
  EXPECT_EQ(cluster.existing("2"), 1);
  EXPECT_EQ(cluster.healthy("1"), 4);
  EXPECT_THAT(cluster.status().reason, HasSubstr("the canaries to have been happy for 30s"));
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(cluster.heard("canary_passed"));
  EXPECT_EQ(cluster.healthy("2"), 4);
  EXPECT_EQ(cluster.alive(), 4);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 4);
}

TEST(Canary, ThatNeverBecomesHappyCostsNothingAndStalls) {
  for (const BounceMethod method :
       {BounceMethod::Crossover, BounceMethod::Brutal, BounceMethod::UpThenDown}) {
    model::Instance web = with_canary();
    web.bounce.method = method;
    web.bounce.deadline = 60s;
    TinyCluster cluster = settled_with(web);
    set_version(web, "2", "never");
    cluster.want(web);
    cluster.run(120);
    EXPECT_EQ(cluster.existing("2"), 1) << model::to_text(method);
    EXPECT_EQ(cluster.lowest_happy(kWeb), 4) << model::to_text(method);
    EXPECT_EQ(cluster.status().state, InstanceState::Stalled) << model::to_text(method);
    EXPECT_THAT(cluster.status().reason, HasSubstr("1 of 1 canary to become happy"));
  }
}

TEST(Canary, StartsItsWaitAnewWhenItFallsIll) {
  model::Instance web = with_canary();
  TinyCluster cluster = settled_with(web);
  set_version(web, "2");
  cluster.want(web);
  cluster.run(20);
  for (const auto& id : cluster.task_ids()) {
    if (cluster.task(id).revision == cluster.status().revision) cluster.kill(id);
  }
  cluster.run(20);
  EXPECT_TRUE(cluster.heard("canary_unhappy"));
  EXPECT_EQ(cluster.existing("2"), 1);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 4);
}

TEST(Canary, IsNotRepeatedForWhatHasGoneOnWhenTheMemoryIsLost) {
  model::Instance web = with_canary();
  TinyCluster cluster = settled_with(web);
  set_version(web, "2", "never");
  cluster.want(web);
  cluster.run(10);
  set_version(web, "3");
  cluster.want(web);
  while (cluster.existing("3") < 4) {
    cluster.round();
    cluster.tick();
    ASSERT_LT(cluster.now, Time(Duration(1'700'000'000'000)) + 1h);
  }
  cluster.forget_memory();
  cluster.round();
  EXPECT_TRUE(cluster.memory.at(kWeb).bounce->canary_done);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("3"), 4);
}

class Rollback : public testing::TestWithParam<BounceMethod> {};

TEST_P(Rollback, GoesBackToWhatWasGoodAndWaitsForOtherFiles) {
  model::Instance web = version_one();
  web.bounce.method = GetParam();
  web.bounce.auto_rollback = true;
  web.bounce.deadline = 60s;
  TinyCluster cluster = settled_with(web);
  set_version(web, "2", "never");
  cluster.want(web);
  cluster.run(100);
  EXPECT_TRUE(cluster.heard("rolled_back"));
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("1"), 4);
  EXPECT_EQ(cluster.existing("2"), 0);
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_THAT(cluster.status().reason, HasSubstr("stalled, and stays away until the files want another"));
  cluster.run(100);
  EXPECT_EQ(cluster.existing("2"), 0);
  set_version(web, "3");
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("3"), 4);
  EXPECT_EQ(cluster.status().reason, "");
}

INSTANTIATE_TEST_SUITE_P(Plan, Rollback,
                         testing::Values(BounceMethod::Crossover, BounceMethod::Brutal,
                                         BounceMethod::UpThenDown, BounceMethod::DownThenUp),
                         [](const auto& test) { return std::string(model::to_text(test.param)); });

TEST(Rollback, IsNotDoneUnlessAskedFor) {
  model::Instance web = version_one();
  web.bounce.deadline = 60s;
  TinyCluster cluster = settled_with(web);
  set_version(web, "2", "never");
  cluster.want(web);
  cluster.run(200);
  EXPECT_FALSE(cluster.heard("rolled_back"));
  EXPECT_EQ(cluster.status().state, InstanceState::Stalled);
  EXPECT_EQ(cluster.healthy("1"), 4);
}

TEST(Freeze, HoldsBackNewRevisionsAndStillHealsAndScales) {
  model::Instance web = version_one();
  TinyCluster cluster = settled_with(web);
  model::Override freeze = test::override_of("shop.web", OverrideKind::Freeze);
  freeze.instance = {};
  freeze.reason = "end of quarter";
  cluster.overrides = {freeze};
  set_version(web, "2");
  web.count = 5;
  cluster.want(web);
  cluster.want(test::worker("shop.worker", 1));
  cluster.kill(cluster.task_ids().front());
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.existing("2"), 0);
  EXPECT_EQ(cluster.status().healthy, 5);
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_THAT(cluster.status().reason, HasSubstr("all deploys of the cluster are frozen"));
  EXPECT_EQ(cluster.status("shop.worker").healthy, 1) << "a first start is no change";
  cluster.overrides.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 5);
}

TEST(Freeze, LetsAChangeThatHasBegunEnd) {
  model::Instance web = version_one();
  TinyCluster cluster = settled_with(web);
  set_version(web, "2");
  cluster.want(web);
  cluster.run(2);
  EXPECT_GT(cluster.existing("2"), 0);
  model::Override freeze = test::override_of("shop.web", OverrideKind::Freeze);
  freeze.instance = {};
  cluster.overrides = {freeze};
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 4);
}

TEST(SkipHealth, TakesWhatRunsForHealthy) {
  model::Instance web = version_one();
  TinyCluster cluster = settled_with(web);
  set_version(web, "2", "never");
  cluster.want(web);
  cluster.run(30);
  EXPECT_EQ(cluster.healthy("1"), 4);
  cluster.overrides = {test::override_of("shop.web", OverrideKind::SkipHealth)};
  cluster.run(60);
  EXPECT_EQ(cluster.existing("2"), 4);
  EXPECT_EQ(cluster.existing("1"), 0);
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_EQ(cluster.status().healthy, 4);
}

TEST(SkipHealth, ReplacesNobodyForBeingUnhealthy) {
  model::Instance web = version_one();
  set_version(web, "1", "sick");
  TinyCluster cluster;
  cluster.want(web);
  cluster.overrides = {test::override_of("shop.web", OverrideKind::SkipHealth)};
  ASSERT_TRUE(cluster.settle());
  cluster.run(100);
  EXPECT_FALSE(cluster.heard("task_replaced"));
}

TinyCluster on_three_nodes(const model::Instance& web) {
  TinyCluster cluster;
  for (const char* id : {"n1", "n2", "n3"}) cluster.add_node(id, 10);
  cluster.want(web);
  EXPECT_TRUE(cluster.settle());
  cluster.reset_lowest();
  return cluster;
}

TEST(NodeDrain, MovesTasksWithoutFallingBelowTheFloor) {
  const model::Instance web = version_one(6);
  TinyCluster cluster = on_three_nodes(web);
  EXPECT_EQ(cluster.on_node("n1"), 2);
  cluster.node("n1").draining = true;
  cluster.round();
  EXPECT_THAT(cluster.status().reason, HasSubstr("2 tasks to go on on another node"));
  cluster.run(20);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.on_node("n1"), 0);
  EXPECT_EQ(cluster.healthy("1"), 6);
  EXPECT_EQ(cluster.alive(), 6);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 6);
}

TEST(NodeDrain, TakesBackItsMovesWhenTheNodeIsBack) {
  const model::Instance web = version_one(6);
  TinyCluster cluster = on_three_nodes(web);
  cluster.node("n1").draining = true;
  cluster.run(2);
  EXPECT_EQ(cluster.alive(), 8);
  cluster.node("n1").draining = false;
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.alive(), 6);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 6);
}

TEST(NodeDrain, OfTheOnlyNodeChangesNothingAndSaysSo) {
  TinyCluster cluster;
  cluster.add_node("n1", 10);
  cluster.want(version_one());
  ASSERT_TRUE(cluster.settle());
  cluster.node("n1").draining = true;
  cluster.run(50);
  EXPECT_EQ(cluster.alive(), 4);
  EXPECT_EQ(cluster.healthy("1"), 4);
  EXPECT_THAT(cluster.status().reason, HasSubstr("no node takes tasks"));
}

TEST(NodeDrain, InABounceLosesNobody) {
  model::Instance web = version_one(6);
  TinyCluster cluster = on_three_nodes(web);
  set_version(web, "2");
  cluster.want(web);
  cluster.run(2);
  cluster.node("n2").draining = true;
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.on_node("n2"), 0);
  EXPECT_EQ(cluster.healthy("2"), 6);
  EXPECT_EQ(cluster.alive(), 6);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 6);
}

TEST(Slices, RollThroughTheRoomThatThereIs) {
  const model::Instance one = version_one(6);
  TinyCluster cluster;
  cluster.limited_room = true;
  cluster.add_node("n1", 0.4);
  cluster.add_node("n2", 0.4);
  cluster.want(one);
  ASSERT_TRUE(cluster.settle());
  cluster.reset_lowest();
  model::Instance two = one;
  set_version(two, "2");
  cluster.want(two);
  int most = 0;
  for (int i = 0; i < 100 && cluster.healthy("2") < 6; ++i) {
    cluster.round();
    cluster.tick();
    most = std::max(most, cluster.alive());
  }
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 6);
  EXPECT_EQ(most, 8) << "eight fit";
  EXPECT_EQ(cluster.lowest_happy(kWeb), 6);
}

TEST(Slices, WithoutAnyRoomAndMarginStallWithNodesAndNumbers) {
  model::Instance web = version_one(4);
  web.bounce.deadline = 60s;
  TinyCluster cluster;
  cluster.limited_room = true;
  cluster.add_node("n1", 0.2);
  cluster.add_node("n2", 0.2);
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  cluster.reset_lowest();
  set_version(web, "2");
  cluster.want(web);
  cluster.round();
  EXPECT_THAT(cluster.status().reason, HasSubstr("0 of 4 more fit; no node of 2 can take it: 2 lack cpu"));
  cluster.run(80);
  EXPECT_EQ(cluster.status().state, InstanceState::Stalled);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 4);
  web.bounce.margin = 0.75;
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 4);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
}

TEST(Slices, GrowAsFarAsThereIsRoomAndTheRestFollowsANewNode) {
  TinyCluster cluster;
  cluster.limited_room = true;
  cluster.add_node("n1", 0.3);
  cluster.want(version_one(5));
  cluster.run(30);
  EXPECT_EQ(cluster.healthy("1"), 3);
  EXPECT_EQ(cluster.alive(), 3);
  EXPECT_THAT(cluster.status().reason, HasSubstr("0 of 2 more fit"));
  cluster.add_node("n2", 0.3);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("1"), 5);
}

TEST(Balance, MovesTasksOneByOneToANodeThatIsBack) {
  TinyCluster cluster = on_three_nodes(version_one(6));
  cluster.node("n1").draining = true;
  cluster.run(20);
  ASSERT_TRUE(cluster.settle());
  cluster.node("n1").draining = false;
  cluster.run(100);
  EXPECT_EQ(cluster.on_node("n1"), 0) << "off by default";
  cluster.limited_room = true;
  cluster.rebalance = 1;
  cluster.reset_lowest();
  cluster.run(1000);
  EXPECT_EQ(cluster.on_node("n1"), 2);
  EXPECT_EQ(cluster.alive(), 6);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 6);
  const size_t steps = cluster.steps.size();
  cluster.run(1000);
  EXPECT_EQ(cluster.steps.size(), steps) << "balanced, it stays as it is";
}

model::Instance told() {
  model::Instance web = version_one();
  web.drain.method = model::DrainMethod::Http;
  web.drain.timeout = 20s;
  return web;
}

int tells(const TinyCluster& cluster, bool drain) {
  return static_cast<int>(std::count_if(cluster.steps.begin(), cluster.steps.end(), [&](const auto& step) {
    const auto* tell = std::get_if<model::TellTaskStep>(&step.action);
    return tell != nullptr && tell->drain == drain;
  }));
}

TEST(ToldDrain, WaitsUntilTheTaskSaysThatItIsDone) {
  model::Instance web = told();
  TinyCluster cluster = settled_with(web);
  cluster.session_time = 8s;
  set_version(web, "2");
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(tells(cluster, true), 4) << "each old task is told once";
  EXPECT_FALSE(cluster.heard("drain_timeout"));
}

TEST(ToldDrain, ThatIsNeverDoneEndsAtItsTimeout) {
  model::Instance web = told();
  TinyCluster cluster = settled_with(web);
  cluster.tells_safe = false;
  set_version(web, "2");
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(cluster.heard("drain_timeout"));
  EXPECT_EQ(cluster.alive(), 4);
}

TEST(ToldDrain, IsTakenBackWhenTheTaskIsWantedAgain) {
  model::Instance web = told();
  TinyCluster cluster = settled_with(web);
  cluster.session_time = 15s;
  set_version(web, "2");
  cluster.want(web);
  while (tells(cluster, true) == 0) {
    cluster.round();
    cluster.tick();
    ASSERT_LT(cluster.now, Time(Duration(1'700'000'000'000)) + 1h);
  }
  set_version(web, "1");
  cluster.want(web);
  ASSERT_TRUE(cluster.settle());
  EXPECT_GT(tells(cluster, false), 0);
  EXPECT_EQ(cluster.healthy("1"), 4);
}

}  // namespace
}  // namespace slipway::plan
