#include "reconcile/core.h"

#include <gtest/gtest.h>

#include "engine/fake/fake_engine.h"
#include "support/builders.h"

namespace slipway::reconcile {
namespace {

using test::instance;

const Time kStart{Duration(1'700'000'000'000)};

model::Desired desired_of(std::vector<model::Instance> instances) {
  model::Desired desired;
  for (model::Instance& instance : instances) desired.instances.push_back(std::move(instance));
  return desired;
}

CoreSettings settings() {
  CoreSettings settings;
  settings.cluster = "test";
  settings.engine = "fake";
  settings.proxy_http_port = 8080;
  return settings;
}

// The shell in a few lines: an engine in virtual time, a load balancer that obeys at once.
struct Machine {
  FakeClock clock{kStart};
  SeededRandom random{1};
  engine::fake::FakeEngine engine{clock, random};
  plan::Routing routing{true, {}, {}};
  Core core{settings()};
  model::Generation generation = 0;

  model::Observed observed() { return engine.observe(clock.deadline_in(1s)).value(); }

  Round round() {
    Round round = core.decide(observed(), routing, clock.now());
    routing.tasks.clear();
    for (const auto& instance : *round.routes) {
      for (const model::Route& route : instance.routes) {
        const bool in = route.traffic == model::Traffic::In;
        routing.tasks[route.task] = plan::RoutedTask{in, !in, 0};
      }
    }
    ++generation;
    for (const model::Step& step : round.plan.steps) {
      const Deadline deadline = clock.deadline_in(1s);
      if (const auto* scale = std::get_if<model::ScaleStep>(&step.action)) {
        EXPECT_TRUE(engine.scale(scale->revision, scale->count, generation, deadline).has_value());
      } else if (const auto* tasks = std::get_if<model::RemoveTasksStep>(&step.action)) {
        EXPECT_TRUE(engine.remove_tasks(tasks->revision, tasks->tasks, 1s, generation, deadline).has_value());
      } else if (const auto* remove = std::get_if<model::RemoveRevisionStep>(&step.action)) {
        EXPECT_TRUE(engine.remove(remove->revision, 1s, generation, deadline).has_value());
      }
    }
    clock.advance(100ms);
    return round;
  }

  // Rounds until one changes nothing; fails the test when that takes too many.
  void settle() {
    for (int i = 0; i < 200; ++i) {
      if (round().idle() && core.snapshot("").settled) return;
    }
    ADD_FAILURE() << "did not settle: " << core.snapshot("").plan.text();
  }
};

TEST(Core, BringsUpWhatTheFilesWantAndThenIsSilent) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 3)}));
  EXPECT_FALSE(machine.core.snapshot("").settled);
  machine.settle();
  const Snapshot snapshot = machine.core.snapshot("");
  ASSERT_EQ(snapshot.instances.size(), 1U);
  EXPECT_EQ(snapshot.instances[0]->state, model::InstanceState::Running);
  EXPECT_EQ(snapshot.instances[0]->healthy, 3);
  EXPECT_EQ(snapshot.instances[0]->endpoints, std::vector<std::string>{"http://127.0.0.1:8000"});
  EXPECT_TRUE(machine.round().idle());
}

TEST(Core, ABounceBecomesOneRecordOfHistoryThatSaysWhatChanged) {
  Machine machine;
  model::Instance web = instance("shop.web", 2);
  machine.core.set_desired(desired_of({web}));
  machine.settle();
  web.spec.env["VERSION"] = "2";
  machine.core.set_desired(desired_of({web}));

  std::vector<state::BounceRecord> records;
  for (int i = 0; i < 100; ++i) {
    for (const state::BounceRecord& record : machine.round().bounces) records.push_back(record);
  }
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].outcome, "running");
  EXPECT_EQ(records[0].text, "env.VERSION: \"1\" -> \"2\"");
  EXPECT_EQ(records[1].outcome, "done");
  EXPECT_TRUE(records[1].ended_at);
  EXPECT_EQ(records[1].started_at, records[0].started_at);
  EXPECT_EQ(records[1].text, records[0].text);
  EXPECT_EQ(records[1].revision, test::revision_of(web).id);
  EXPECT_TRUE(machine.core.snapshot("").settled);
}

TEST(Core, ANewProcessGoesOnWithTheMemoryOfTheLast) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 2)}));
  std::map<model::InstanceId, std::string> stored;
  for (int i = 0; i < 50; ++i) {
    for (const auto& [id, text] : machine.round().memories) stored[id] = text;
  }
  Core next(settings());
  next.set_desired(desired_of({instance("shop.web", 2)}));
  for (const auto& [id, text] : stored) next.set_memory(id, text);
  const Round round = next.decide(machine.observed(), machine.routing, machine.clock.now());
  EXPECT_TRUE(round.plan.steps.empty()) << round.plan.text();
  EXPECT_TRUE(round.memories.empty());
}

TEST(Core, ABounceThatOutlivesItsProcessStaysOneRecord) {
  Machine machine;
  model::Instance web = instance("shop.web", 2);
  machine.core.set_desired(desired_of({web}));
  machine.settle();
  web.spec.env["VERSION"] = "2";
  machine.core.set_desired(desired_of({web}));
  const Round begun = machine.round();
  ASSERT_EQ(begun.bounces.size(), 1U);

  machine.core = Core(settings());
  machine.core.set_desired(desired_of({web}));
  for (const auto& [id, text] : begun.memories) machine.core.set_memory(id, text);
  machine.core.set_open_bounces(begun.bounces);
  std::vector<state::BounceRecord> records;
  for (int i = 0; i < 100; ++i) {
    for (const state::BounceRecord& record : machine.round().bounces) records.push_back(record);
  }
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome, "done");
  EXPECT_EQ(records[0].started_at, begun.bounces[0].started_at);
  EXPECT_EQ(records[0].text, "env.VERSION: \"1\" -> \"2\"");
}

TEST(Core, ARecordWhoseBounceIsNoMoreIsEnded) {
  Machine machine;
  const model::Instance web = instance("shop.web", 1);
  machine.core.set_desired(desired_of({web}));
  state::BounceRecord gone;
  gone.instance = test::instance_id("shop.gone");
  gone.revision = model::RevisionId("abc");
  gone.started_at = kStart - 1h;
  gone.outcome = "running";
  state::BounceRecord older = gone;
  older.instance = web.id;
  older.outcome = "stalled";
  machine.core.set_open_bounces({gone, older});
  const Round round = machine.round();
  ASSERT_EQ(round.bounces.size(), 3U);
  EXPECT_EQ(round.bounces[0].instance, gone.instance);
  EXPECT_EQ(round.bounces[0].outcome, "stopped");
  EXPECT_TRUE(round.bounces[0].ended_at);
  EXPECT_EQ(round.bounces[1].instance, web.id);
  EXPECT_EQ(round.bounces[1].outcome, "superseded");
  EXPECT_TRUE(round.bounces[1].ended_at);
  EXPECT_FALSE(round.bounces[2].ended_at);
}

TEST(Core, ABrokenFileKeepsTheFrontDoorAlsoInANewProcess) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 2)}));
  std::map<model::InstanceId, std::string> stored;
  std::vector<discovery::RoutedInstance> routes;
  for (int i = 0; i < 50; ++i) {
    const Round round = machine.round();
    for (const auto& [id, text] : round.memories) stored[id] = text;
    routes = *round.routes;
  }
  ASSERT_EQ(routes.size(), 1U);
  ASSERT_EQ(routes[0].routes.size(), 2U);

  machine.core = Core(settings());
  model::Desired broken;
  broken.broken = {"shop"};
  machine.core.set_desired(broken);
  for (const auto& [id, text] : stored) machine.core.set_memory(id, text);
  EXPECT_EQ(*machine.round().routes, routes);
  EXPECT_EQ(machine.core.snapshot("").instances[0]->endpoints,
            std::vector<std::string>{"http://127.0.0.1:8000"});

  machine.core.set_desired({});
  std::string last = "never";
  for (int i = 0; i < 200; ++i) {
    for (const auto& [id, text] : machine.round().memories) last = text;
  }
  EXPECT_TRUE(machine.core.routes().empty());
  EXPECT_EQ(last, "");
}

TEST(Core, AnImageIsAskedForOnceAndItsFailureIsTheReason) {
  Machine machine;
  model::Instance web = instance("shop.web", 1);
  web.spec.image = model::Image{model::ImageKind::Build, "/src/web", "abc"};
  machine.core.set_desired(desired_of({web}));
  ASSERT_EQ(machine.round().prepare.size(), 1U);
  EXPECT_TRUE(machine.round().prepare.empty());
  EXPECT_TRUE(machine.observed().tasks.empty());

  machine.core.image_prepared(web.spec.image, Error(ErrorCode::Invalid, "step 2 of the Dockerfile failed"),
                              machine.clock.now());
  EXPECT_TRUE(machine.round().prepare.empty());
  EXPECT_NE(machine.core.snapshot("").instances[0]->reason.find("step 2 of the Dockerfile failed"),
            std::string::npos);

  machine.clock.advance(5s);
  ASSERT_EQ(machine.round().prepare.size(), 1U);
  machine.core.image_prepared(web.spec.image, {}, machine.clock.now());
  machine.settle();
  EXPECT_EQ(machine.observed().tasks.size(), 1U);
}

TEST(Core, AStepThatFailedShowsInTheReasonUntilItWorks) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 1)}));
  machine.round();
  machine.core.step_failed(test::instance_id("shop.web"), "the engine is full");
  EXPECT_NE(machine.core.snapshot("").instances[0]->reason.find("the engine is full"), std::string::npos);
  machine.core.clear_step_errors();
  machine.settle();
  EXPECT_TRUE(machine.core.snapshot("").instances[0]->reason.empty());
}

TEST(Core, TasksAreToldOfTheirDrainBesideTheRounds) {
  Machine machine;
  model::Instance web = instance("shop.web", 2);
  web.drain = {model::DrainMethod::Http, 1h, {{"drain", "/drain"}}};
  machine.core.set_desired(desired_of({web}));
  machine.settle();
  web.spec.env["VERSION"] = "2";
  machine.core.set_desired(desired_of({web}));
  plan::DrainReports reports;
  for (int i = 0; i < 100; ++i) {
    for (const model::TellTaskStep& tell : machine.round().tell) {
      EXPECT_TRUE(tell.drain);
      reports[tell.task] = plan::DrainReport{.told = true, .safe = true, .error = ""};
    }
    machine.core.set_drain_reports(reports);
  }
  EXPECT_EQ(reports.size(), 2U);
  machine.settle();
  EXPECT_EQ(machine.observed().revisions.size(), 1U);
}

TEST(Core, AnOverrideShowsWhileItIsInForce) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 1)}));
  model::Override freeze;
  freeze.kind = model::OverrideKind::Freeze;
  freeze.expires_at = machine.clock.now() + 1h;
  machine.core.set_overrides({freeze});
  machine.settle();
  EXPECT_EQ(machine.core.snapshot("").overrides, std::vector{freeze});
  machine.clock.advance(1h);
  machine.round();
  EXPECT_TRUE(machine.core.snapshot("").overrides.empty());
}

TEST(Core, ANodeThatIsDrainedIsNews) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 1)}));
  machine.settle();
  const Snapshot before = machine.core.snapshot("");
  ASSERT_TRUE(
      machine.engine.drain(before.nodes->at(0).id, ++machine.generation, machine.clock.deadline_in(1s)));
  machine.round();
  const Snapshot after = machine.core.snapshot("");
  EXPECT_FALSE(same_picture(before, after));
  EXPECT_NE(after.instances.at(0)->reason.find("no node takes tasks: 1 is being drained"), std::string::npos)
      << after.instances.at(0)->reason;
}

TEST(Core, TheEndOfATaskIsAnEvent) {
  Machine machine;
  machine.core.set_desired(desired_of({test::worker("shop.worker", 1)}));
  machine.settle();
  const model::TaskId task = machine.observed().tasks[0].id;
  EXPECT_TRUE(
      machine.engine.cluster().with([&](auto& world) { return world.kill_task(task, 9); }).has_value());
  std::vector<std::string> kinds;
  for (int i = 0; i < 30; ++i) {
    for (const model::Event& event : machine.round().events) kinds.push_back(event.kind);
  }
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), "task_exited"), kinds.end());
}

TEST(Core, OneOffTasksAreForgottenWhenNobodyComesAndAtShutdown) {
  Machine machine;
  const model::Revision revision = test::revision_of(test::worker("shop.worker", 1));
  const engine::RunRequest request{revision, model::TaskId("once"), 24h};
  ASSERT_TRUE(machine.engine.run(request, machine.clock.deadline_in(1s)).has_value());
  machine.clock.advance(2h);
  EXPECT_TRUE(machine.round().collect.empty()) << "it still runs";
  ASSERT_TRUE(machine.engine.cluster()
                  .with([](auto& world) { return world.kill_task(model::TaskId("once"), 9); })
                  .has_value());
  EXPECT_EQ(machine.round().collect, std::vector{model::TaskId("once")});

  ASSERT_TRUE(
      machine.engine.run({revision, model::TaskId("twice"), 24h}, machine.clock.deadline_in(1s)).has_value());
  machine.core.set_shutting_down();
  EXPECT_EQ(machine.round().collect.size(), 2U);
}

TEST(Core, ShuttingDownEndsWithNothingLeft) {
  Machine machine;
  machine.core.set_desired(desired_of({instance("shop.web", 3), test::worker("shop.worker", 2)}));
  machine.settle();
  machine.core.set_shutting_down();
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) gone = machine.round().all_gone;
  EXPECT_TRUE(gone);
}

TEST(Routing, AnOutageOfTheLoadBalancerIsNotAnEmptyOne) {
  const std::vector<discovery::RoutedInstance> routes = {{test::instance_id("shop.web"), {}, {}}};
  const plan::Routing routing = routing_from(Error(ErrorCode::NotFound, "haproxy is missing"), routes);
  EXPECT_FALSE(routing.known);
  EXPECT_EQ(routing.refused.at(test::instance_id("shop.web")), "haproxy is missing");
}

}  // namespace
}  // namespace slipway::reconcile
