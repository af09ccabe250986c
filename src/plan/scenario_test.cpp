// The planner against a tiny cluster, from one state that is as wanted to the next. The cluster checks in
// every round what must always hold (see support/tiny_cluster.h); the tests say what each story is about.
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

const model::InstanceId kWeb = test::instance_id("shop.web");

model::Instance web(BounceMethod method = BounceMethod::Crossover, int count = 3) {
  model::Instance web = test::instance("shop.web", count);
  web.bounce.method = method;
  return web;
}

class EveryMethod : public testing::TestWithParam<BounceMethod> {};

TEST_P(EveryMethod, RollsToTheNewRevisionAndThenStaysQuiet) {
  model::Instance instance = web(GetParam());
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_EQ(cluster.alive(), 3);
  EXPECT_EQ(cluster.revisions(), 1U);
  EXPECT_TRUE(cluster.heard("bounce_done"));
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_EQ(cluster.status().reason, "");
  const size_t steps = cluster.steps.size();
  cluster.run(50);
  EXPECT_EQ(cluster.steps.size(), steps);
}

TEST_P(EveryMethod, RollsAWorkerThatNothingRoutesTo) {
  model::Instance worker = test::worker("shop.worker");
  worker.bounce.method = GetParam();
  TinyCluster cluster = settled_with(worker);
  set_version(worker, "2");
  cluster.want(worker);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_EQ(cluster.alive(), 3);
}

TEST_P(EveryMethod, LeavesTheOldTasksAloneWhileTheImageIsBuilt) {
  model::Instance instance = web(GetParam());
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  instance.spec.image = {model::ImageKind::Build, "shop/web", "0123456789abcdef"};
  cluster.want(instance);
  cluster.image_failure = "step 3 of the Dockerfile failed";
  cluster.run(60);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("building image from shop/web"));
  EXPECT_THAT(cluster.status().causes.front().text, testing::HasSubstr("step 3 of the Dockerfile failed"));
  cluster.image_failure.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
}

TEST_P(EveryMethod, EndsWhenNothingIsWantedAnyMore) {
  TinyCluster cluster = settled_with(web(GetParam()));
  cluster.desired.instances.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.alive(), 0);
  EXPECT_EQ(cluster.revisions(), 0U);
  EXPECT_TRUE(cluster.last.status.empty());
  EXPECT_TRUE(cluster.memory.empty());
}

INSTANTIATE_TEST_SUITE_P(Plan, EveryMethod,
                         testing::Values(BounceMethod::Crossover, BounceMethod::Brutal,
                                         BounceMethod::UpThenDown, BounceMethod::DownThenUp),
                         [](const auto& test) { return std::string(model::to_text(test.param)); });

TEST(Crossover, NeverServesWithFewerThanTheFloor) {
  model::Instance instance = web(BounceMethod::Crossover, 5);
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.lowest_happy(kWeb), 5);
}

TEST(Crossover, GivesUpWhatTheMarginAllowsAtOnce) {
  model::Instance instance = web(BounceMethod::Crossover, 3);
  instance.bounce.margin = 0.66;
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.lowest_happy(kWeb), 2);
}

TEST(Brutal, DropsEverythingAtOnce) {
  model::Instance instance = web(BounceMethod::Brutal);
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  cluster.round();
  EXPECT_EQ(cluster.status().draining.size(), 3U);
  EXPECT_EQ(cluster.alive(), 6);
}

TEST(DownThenUp, StartsNothingBeforeTheLastOldTaskHasEnded) {
  model::Instance instance = web(BounceMethod::DownThenUp);
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  cluster.stop_time = 3s;
  for (int i = 0; i < 30; ++i) {
    cluster.round();
    EXPECT_TRUE(cluster.existing("1") == 0 || cluster.existing("2") == 0);
    cluster.tick();
  }
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_FALSE(cluster.heard("bounce_stalled"));
}

TEST(Uptime, CountsBeforeATaskIsHappy) {
  model::Instance instance = web();
  instance.bounce.min_task_uptime = 30s;
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  cluster.run(25);
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_EQ(cluster.healthy("1"), 3);
  ASSERT_TRUE(cluster.last.wake_at.has_value());
  EXPECT_LE(*cluster.last.wake_at, cluster.now + 30s);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
}

class BadCode : public testing::TestWithParam<const char*> {};

TEST_P(BadCode, CostsNoOldHealthyTaskAndStallsUntilItIsMended) {
  for (const auto method : {BounceMethod::Crossover, BounceMethod::UpThenDown}) {
    model::Instance instance = web(method);
    TinyCluster cluster = settled_with(instance);
    set_version(instance, "2", GetParam());
    cluster.want(instance);
    cluster.run(700);
    EXPECT_EQ(cluster.healthy("1"), 3);
    EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
    EXPECT_TRUE(cluster.heard("bounce_stalled"));
    ASSERT_TRUE(cluster.status().bounce.has_value());
    EXPECT_TRUE(cluster.status().bounce->stalled);
    const bool crashing = cluster.status().state == InstanceState::Crashlooping;
    EXPECT_TRUE(crashing || cluster.status().state == InstanceState::Stalled);
    EXPECT_EQ(crashing, std::string(GetParam()) == "crash");
    EXPECT_THAT(cluster.status().reason, testing::HasSubstr("3 tasks of the old revision still serve"));

    set_version(instance, "3");
    cluster.want(instance);
    ASSERT_TRUE(cluster.settle());
    EXPECT_EQ(cluster.healthy("3"), 3);
    EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
  }
}

INSTANTIATE_TEST_SUITE_P(Plan, BadCode, testing::Values("never", "sick", "crash"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Stall, GoesOnByItselfWhenItsCauseGoesAway) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  cluster.start_time = 900s;
  cluster.run(620);
  EXPECT_EQ(cluster.status().state, InstanceState::Stalled);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("waiting for 3 of 3 tasks to become happy"));
  cluster.start_time = 2s;
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(cluster.heard("bounce_resumed"));
  EXPECT_EQ(cluster.healthy("2"), 3);
}

TEST(Stall, ComesOnceAndAtItsDeadline) {
  model::Instance instance = web();
  instance.bounce.deadline = 60s;
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2", "never");
  cluster.want(instance);
  cluster.run(300);
  EXPECT_EQ(std::count_if(cluster.events.begin(), cluster.events.end(),
                          [](const auto& event) { return event.kind == "bounce_stalled"; }),
            1);
}

TEST(Stall, AppliesToTheFirstStartToo) {
  TinyCluster cluster;
  model::Instance instance = web();
  set_version(instance, "1", "never");
  cluster.want(instance);
  cluster.run(620);
  EXPECT_EQ(cluster.status().state, InstanceState::Stalled);
  EXPECT_FALSE(cluster.status().bounce.has_value());
}

TEST(Stall, OldTasksThatDieMeanwhileAreStartedAgain) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2", "never");
  cluster.want(instance);
  cluster.run(20);
  for (int round = 0; round < 5; ++round) {
    for (const auto& id : cluster.task_ids()) {
      if (cluster.task(id).health == model::Health::Healthy) cluster.kill(id);
    }
    cluster.run(60);
    EXPECT_EQ(cluster.healthy("1"), 3);
  }
}

TEST(Supersede, ANewerRevisionRedirectsTheBounceAndNeverAddsAThirdSet) {
  for (const auto method : {BounceMethod::Crossover, BounceMethod::UpThenDown}) {
    model::Instance instance = web(method);
    TinyCluster cluster = settled_with(instance);
    for (int version = 2; version < 9; ++version) {
      set_version(instance, std::to_string(version));
      cluster.want(instance);
      for (int i = 0; i < 3; ++i) {
        cluster.round();
        EXPECT_LE(cluster.alive() - static_cast<int>(cluster.status().draining.size()), 6);
        cluster.tick();
      }
    }
    EXPECT_TRUE(cluster.heard("bounce_superseded"));
    ASSERT_TRUE(cluster.settle());
    EXPECT_EQ(cluster.healthy("8"), 3);
    EXPECT_EQ(cluster.alive(), 3);
    EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
  }
}

TEST(Supersede, GoingBackKeepsTheOldTasksThatAreStillThere) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  const auto first = cluster.task_ids();
  const model::Instance before = instance;
  set_version(instance, "2");
  cluster.want(instance);
  for (int i = 0; i < 50 && cluster.status().draining.empty(); ++i) {
    cluster.tick();
    cluster.round();
  }
  ASSERT_FALSE(cluster.status().draining.empty());
  cluster.want(before);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.task_ids(), first);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
}

TEST(Healing, AKilledTaskIsStartedByTheEngineAndThePlanStaysEmpty) {
  TinyCluster cluster = settled_with(web());
  const size_t steps = cluster.steps.size();
  const auto victim = cluster.task_ids().front();
  cluster.kill(victim);
  cluster.round();
  EXPECT_EQ(cluster.status().state, InstanceState::Starting);
  EXPECT_EQ(cluster.status().healthy, 2);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr(victim.str() + " ended with SIGKILL"));
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("the last words of"));
  EXPECT_TRUE(cluster.heard("degraded"));
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(cluster.heard("serving"));
  EXPECT_EQ(cluster.steps.size(), steps);
}

TEST(Healing, AnUnhealthyTaskIsReplacedOneAtATimeWithGrowingDelay) {
  TinyCluster cluster;
  model::Instance instance = web();
  set_version(instance, "1", "sick");
  cluster.want(instance);
  int replaced = 0;
  for (int i = 0; i < 400; ++i) {
    cluster.round();
    int now = 0;
    for (const auto& step : cluster.last.plan.steps) {
      if (const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action)) {
        now += static_cast<int>(remove->tasks.size());
      }
    }
    EXPECT_LE(now, 1);
    replaced += now;
    EXPECT_LE(cluster.alive(), 3);
    cluster.tick();
  }
  // 1 + 2 + 4 + ... seconds between them, and 300 at most: 400 s have room for nine at the very most.
  EXPECT_GE(replaced, 5);
  EXPECT_LE(replaced, 9);
  EXPECT_TRUE(cluster.heard("task_replaced"));
}

TEST(Scaling, UpStartsAndDownDrainsTheLeastDesirable) {
  TinyCluster cluster = settled_with(web());
  model::Override scale = test::override_of("shop.web", OverrideKind::Scale);
  scale.count = 5;
  cluster.overrides = {scale};
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy(), 5);
  const auto oldest = cluster.task_ids();
  cluster.overrides.front().count = 2;
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.task_ids(), std::vector<model::TaskId>(oldest.begin(), oldest.begin() + 2));
  cluster.overrides.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy(), 3);
  EXPECT_EQ(cluster.revisions(), 1U);
}

TEST(Scaling, UpAgainBeforeTheDrainIsOverStopsNobody) {
  TinyCluster cluster = settled_with(web());
  const auto tasks = cluster.task_ids();
  model::Override scale = test::override_of("shop.web", OverrideKind::Scale);
  scale.count = 1;
  cluster.overrides = {scale};
  cluster.round();
  EXPECT_EQ(cluster.status().draining.size(), 2U);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("scaled from 3 to 1"));
  cluster.overrides.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.task_ids(), tasks);
}

TEST(Overrides, StopEndsEverythingAndItsExpiryStartsAgain) {
  TinyCluster cluster = settled_with(web());
  model::Override stop = test::override_of("shop.web", OverrideKind::Stop);
  stop.expires_at = cluster.now + 60s;
  cluster.overrides = {stop};
  cluster.round();
  EXPECT_EQ(cluster.status().state, InstanceState::Stopping);
  EXPECT_LE(*cluster.last.wake_at, *stop.expires_at);
  cluster.tick();
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.status().state, InstanceState::Stopped);
  EXPECT_EQ(cluster.alive(), 0);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("stopped by ana: maintenance"));
  cluster.tick(60s);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy(), 3);
  EXPECT_TRUE(cluster.status().overrides.empty());
}

TEST(Overrides, PauseChangesNothingUntilItIsLifted) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  cluster.overrides = {test::override_of("shop.web", OverrideKind::Pause)};
  set_version(instance, "2");
  cluster.want(instance);
  const size_t steps = cluster.steps.size();
  cluster.run(700);
  EXPECT_EQ(cluster.steps.size(), steps);
  EXPECT_EQ(cluster.healthy("1"), 3);
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_EQ(cluster.status().reason, "paused by ana: maintenance");
  cluster.overrides.clear();
  ASSERT_TRUE(cluster.settle());
  EXPECT_FALSE(cluster.heard("bounce_stalled"));
  EXPECT_EQ(cluster.healthy("2"), 3);
}

TEST(Bounce, TasksThatHeedNoSignalAreWaitedForByThatName) {
  TinyCluster cluster = settled_with(web());
  cluster.stop_time = 20s;
  model::Instance next = web();
  next.spec.env["VERSION"] = "2";
  cluster.want(next);
  const auto is_said = [&] {
    const auto& bounce = cluster.status().bounce;
    return bounce && bounce->waiting_for.find("asked to stop, killed after") != std::string::npos;
  };
  bool said = false;
  for (int round = 0; round < 100 && !said; ++round) {
    cluster.run(1);
    said = is_said();
  }
  EXPECT_TRUE(said);
}

TEST(Overrides, RestartRollsLikeAChange) {
  TinyCluster cluster = settled_with(web());
  const auto before = cluster.task_ids();
  model::Override restart = test::override_of("shop.web", OverrideKind::Restart);
  restart.nonce = "1";
  cluster.overrides = {restart};
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy(), 3);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
  for (const auto& id : cluster.task_ids()) EXPECT_EQ(std::count(before.begin(), before.end(), id), 0);
}

TEST(Broken, NothingOfTheServiceChangesAndItsTasksStayRouted) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  cluster.desired.instances.clear();
  cluster.desired.broken = {"shop"};
  cluster.desired.problems = {{.origin = {"shop/run.yaml", 3, 5},
                               .service = "shop",
                               .instance = "",
                               .message = "'instnces' is not a key",
                               .hint = "did you mean instances?"}};
  const size_t steps = cluster.steps.size();
  cluster.run(700);
  EXPECT_EQ(cluster.steps.size(), steps);
  EXPECT_EQ(cluster.healthy("1"), 3);
  EXPECT_EQ(cluster.last.plan.routes.at(kWeb).size(), 3U);
  EXPECT_EQ(cluster.status().desired, 3);
  EXPECT_EQ(cluster.status().state, InstanceState::Running);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("shop/run.yaml:3:5"));
}

TEST(Proxy, ABounceWaitsForALoadBalancerThatCannotBeAsked) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  cluster.proxy_known = false;
  cluster.run(100);
  EXPECT_EQ(cluster.healthy("1"), 3);
  EXPECT_THAT(cluster.status().reason, testing::HasSubstr("could not be asked"));
  cluster.proxy_known = true;
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
}

TEST(Proxy, ARefusedInstanceStillRollsAndSaysSo) {
  model::Instance instance = web();
  TinyCluster cluster;
  cluster.refused[kWeb] = "port 8000 is taken";
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  set_version(instance, "2");
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_EQ(cluster.status().reason, "it is left out of the load balancer: port 8000 is taken");
  EXPECT_EQ(cluster.status().blocked, model::Blocked::Proxy);
  EXPECT_TRUE(cluster.status().endpoints.empty());
}

TEST(Proxy, ConnectionsThatNeverEndAreGivenTheDrainTimeout) {
  model::Instance instance = web();
  instance.drain.timeout = 20s;
  TinyCluster cluster = settled_with(instance);
  cluster.session_time = 24h;
  set_version(instance, "2");
  cluster.want(instance);
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(cluster.heard("drain_timeout"));
  EXPECT_EQ(cluster.healthy("2"), 3);
}

TEST(Shutdown, DrainsAndDeletesEverythingBrokenAndPausedOnesToo) {
  TinyCluster cluster = settled_with(web());
  cluster.want(test::worker());
  ASSERT_TRUE(cluster.settle());
  cluster.overrides = {test::override_of("shop.worker", OverrideKind::Pause)};
  cluster.shutting_down = true;
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.alive(), 0);
  EXPECT_EQ(cluster.revisions(), 0U);
  EXPECT_EQ(cluster.status().state, InstanceState::Stopped);
}

TEST(Memory, ItsLossInTheMiddleOfABounceDoesNoHarm) {
  model::Instance instance = web();
  TinyCluster cluster = settled_with(instance);
  set_version(instance, "2");
  cluster.want(instance);
  for (int i = 0; i < 40; ++i) {
    if (i % 3 == 0) cluster.forget_memory();
    cluster.round();
    cluster.tick();
  }
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("2"), 3);
  EXPECT_EQ(cluster.lowest_happy(kWeb), 3);
}

}  // namespace
}  // namespace slipway::plan
