// What the contract suite (test/contract) does not ask: the knobs, virtual time, nodes and determinism.
#include "engine/fake/fake_engine.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/fake/program.h"

namespace slipway::engine::fake {
namespace {

using model::Health;
using model::Task;
using model::TaskState;

class FakeEngineTest : public testing::Test {
 protected:
  void make(Options options = {}) {
    engine_ = std::make_unique<FakeEngine>(clock_, random_, std::move(options));
  }
  void SetUp() override { make(); }

  Deadline deadline() { return clock_.deadline_in(1s); }
  static model::Revision revision_of(const std::vector<std::string>& cmd,
                                     const std::string& instance = "main") {
    model::TaskSpec spec;
    spec.cmd = cmd;
    return model::make_revision({"shop", instance}, spec);
  }
  static model::Revision plain() { return revision_of({"server"}); }
  void scale(const model::Revision& revision, int count) {
    ASSERT_TRUE(engine_->scale(revision, count, ++generation_, deadline()));
  }
  std::vector<Task> tasks() { return engine_->observe(deadline()).value().tasks; }
  Task task() { return tasks().at(0); }
  std::vector<Task> tasks_on(const std::string& node) {
    std::vector<Task> found = tasks();
    std::erase_if(found, [&](const Task& task) { return task.node.str() != node; });
    return found;
  }
  int running() {
    return static_cast<int>(
        std::ranges::count_if(tasks(), [](const Task& task) { return task.state == TaskState::Running; }));
  }
  void set(const TaskKnobs& knobs) { engine_->cluster().set_knobs(knobs); }

  FakeClock clock_;
  SeededRandom random_{7};
  model::Generation generation_ = 0;
  std::unique_ptr<FakeEngine> engine_;
};

Options three_nodes() {
  Options options;
  options.nodes.clear();
  for (const char* id : {"node-1", "node-2", "node-3"}) {
    NodeOptions node;
    node.id = id;
    node.cpus = 1;
    node.mem_mb = 1024;
    options.nodes.push_back(node);
  }
  return options;
}

TEST_F(FakeEngineTest, TimeMovesOnlyWhenTold) {
  TaskKnobs knobs;
  knobs.prepare_delay = 10s;
  knobs.start_delay = 5s;
  set(knobs);
  scale(plain(), 1);
  EXPECT_EQ(task().state, TaskState::Preparing);
  clock_.advance(9s);
  EXPECT_EQ(task().state, TaskState::Preparing);
  clock_.advance(1s);
  EXPECT_EQ(task().state, TaskState::Starting);
  clock_.advance(5s);
  EXPECT_EQ(task().state, TaskState::Running);
  EXPECT_EQ(task().started_at, clock_.now());
}

TEST_F(FakeEngineTest, WhatFellDueWhileNobodyLookedHappenedAtItsOwnTime) {
  TaskKnobs knobs;
  knobs.start_delay = 5s;
  set(knobs);
  scale(plain(), 1);
  const Time ordered = clock_.now();
  clock_.advance(1h);
  EXPECT_EQ(task().started_at, ordered + 5s);
}

TEST_F(FakeEngineTest, AStartErrorIsTheReasonAndIsTriedAgainWithGrowingDelay) {
  TaskKnobs knobs;
  knobs.start_error = "the disk is on fire";
  set(knobs);
  scale(plain(), 1);
  EXPECT_EQ(task().state, TaskState::Failed);
  EXPECT_NE(task().reason.find("the disk is on fire"), std::string::npos);
  EXPECT_EQ(task().next_start_at, clock_.now() + 1s);
  clock_.advance(1s);
  EXPECT_EQ(task().next_start_at, clock_.now() + 2s);
  set(TaskKnobs{});
  clock_.advance(2s);
  EXPECT_EQ(task().state, TaskState::Running);
  EXPECT_EQ(task().reason, "");
}

TEST_F(FakeEngineTest, AnExitKnobEndsTheProcessEachTimeItIsDue) {
  TaskKnobs knobs;
  knobs.exit = model::Exit{3, std::nullopt, false};
  knobs.exit_after = 4s;
  set(knobs);
  scale(plain(), 1);
  EXPECT_EQ(task().state, TaskState::Running);
  clock_.advance(4s);
  EXPECT_EQ(task().state, TaskState::Failed);
  EXPECT_EQ(task().last_exit, knobs.exit);
  clock_.advance(1s);
  EXPECT_EQ(task().restarts, 1);
  clock_.advance(4s);
  EXPECT_EQ(task().next_start_at, clock_.now() + 2s);
}

TEST_F(FakeEngineTest, AFirstFailureAfterAProperRunIsMadeGoodAtOnce) {
  scale(plain(), 1);
  clock_.advance(1h);
  ASSERT_TRUE(
      engine_->cluster().with([&](World& world) { return world.kill_task(world.observe().tasks[0].id, 9); }));
  EXPECT_EQ(task().state, TaskState::Running);
  EXPECT_EQ(task().restarts, 1);
}

TEST_F(FakeEngineTest, KnobsOfOneRevisionLeaveTheOthersAlone) {
  TaskKnobs knobs;
  knobs.start_error = "not this one";
  const auto bad = revision_of({"server"}, "bad");
  engine_->cluster().set_knobs(bad.id, knobs);
  scale(bad, 1);
  scale(plain(), 1);
  for (const Task& seen : tasks()) {
    EXPECT_EQ(seen.state, seen.revision == bad.id ? TaskState::Failed : TaskState::Running);
  }
}

TEST_F(FakeEngineTest, HealthFlapsWithItsKnob) {
  TaskKnobs knobs;
  knobs.flap_period = 60s;
  set(knobs);
  model::TaskSpec spec;
  spec.cmd = std::vector<std::string>{"server"};
  spec.health.mode = model::HealthMode::Tcp;
  spec.health.max_consecutive_failures = 2;
  scale(model::make_revision({"shop", "main"}, spec), 1);
  EXPECT_EQ(task().health, Health::Healthy);
  clock_.advance(90s);
  EXPECT_EQ(task().health, Health::Unhealthy);
  EXPECT_FALSE(task().healthy_since);
  clock_.advance(60s);
  EXPECT_EQ(task().health, Health::Healthy);
}

TEST_F(FakeEngineTest, AProcessThatIgnoresTheStopSignalIsKilledAfterTheGrace) {
  TaskKnobs knobs;
  knobs.ignores_stop_signal = true;
  set(knobs);
  scale(plain(), 1);
  ASSERT_TRUE(engine_->remove(plain().id, 10s, ++generation_, deadline()));
  EXPECT_EQ(task().state, TaskState::Stopping);
  clock_.advance(9s);
  EXPECT_EQ(task().state, TaskState::Stopping);
  clock_.advance(1s);
  EXPECT_TRUE(tasks().empty());
  EXPECT_TRUE(engine_->observe(deadline()).value().revisions.empty());
}

TEST_F(FakeEngineTest, InAnOutageEveryVerbIsUnavailableAndTasksGoOn) {
  scale(plain(), 1);
  ApiKnobs api;
  api.outage = true;
  engine_->cluster().set_api(api);
  EXPECT_EQ(engine_->observe(deadline()).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(engine_->scale(plain(), 5, ++generation_, deadline()).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(engine_->release(deadline()).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(engine_->logs({}, deadline()).error().code(), ErrorCode::Unavailable);
  engine_->cluster().set_api({});
  EXPECT_EQ(running(), 1);
}

TEST_F(FakeEngineTest, ALostAnswerHidesThatTheVerbWasCarriedOut) {
  ApiKnobs api;
  api.lose_answers = true;
  engine_->cluster().set_api(api);
  EXPECT_EQ(engine_->scale(plain(), 2, ++generation_, deadline()).error().code(), ErrorCode::Timeout);
  engine_->cluster().set_api({});
  EXPECT_EQ(running(), 2);
}

TEST_F(FakeEngineTest, AStaleSnapshotIsRepeatedUntilTheKnobIsTurnedBack) {
  scale(plain(), 1);
  const auto before = engine_->observe(deadline()).value();
  ApiKnobs api;
  api.stale = true;
  engine_->cluster().set_api(api);
  scale(plain(), 3);
  clock_.advance(1s);
  EXPECT_EQ(engine_->observe(deadline()).value(), before);
  engine_->cluster().set_api({});
  EXPECT_EQ(running(), 3);
}

TEST_F(FakeEngineTest, HintsFollowChangesAndMayBeLost) {
  int hints = 0;
  engine_->watch([&] { ++hints; });
  scale(plain(), 1);
  EXPECT_GT(hints, 0);
  hints = 0;
  tasks();
  EXPECT_EQ(hints, 0) << "looking changes nothing";
  ApiKnobs api;
  api.lose_hints = true;
  engine_->cluster().set_api(api);
  scale(plain(), 2);
  EXPECT_EQ(hints, 0);
  engine_->cluster().set_api({});
  engine_->watch({});
  scale(plain(), 3);
  EXPECT_EQ(hints, 0);
}

TEST_F(FakeEngineTest, AVerbAfterItsDeadlineIsATimeout) {
  const Deadline late = clock_.deadline_in(0ms);
  EXPECT_EQ(engine_->observe(late).error().code(), ErrorCode::Timeout);
}

TEST_F(FakeEngineTest, TasksSpreadOverNodesAndWaitWhereThereIsNoRoom) {
  make(three_nodes());
  model::TaskSpec spec;
  spec.cmd = std::vector<std::string>{"server"};
  spec.resources.cpus = 0.5;
  const auto revision = model::make_revision({"shop", "main"}, spec);
  scale(revision, 7);
  for (const char* node : {"node-1", "node-2", "node-3"}) EXPECT_EQ(tasks_on(node).size(), 2u);
  ASSERT_EQ(tasks_on("").size(), 1u);
  EXPECT_EQ(tasks_on("")[0].state, TaskState::Pending);
  EXPECT_NE(tasks_on("")[0].reason.find("3 without 0.5 cpus"), std::string::npos) << tasks_on("")[0].reason;
  const std::vector gone = {tasks_on("node-2")[0].id};
  ASSERT_TRUE(engine_->remove_tasks(revision.id, gone, 0ms, ++generation_, deadline()));
  clock_.advance(1ms);
  EXPECT_EQ(running(), 6);
  EXPECT_TRUE(tasks_on("").empty()) << "the room that was given back is used";
}

TEST_F(FakeEngineTest, TasksOfALostNodeAreReplacedAndNotDoubledWhenItReturns) {
  make(three_nodes());
  scale(plain(), 3);
  const model::NodeId node("node-2");
  ASSERT_TRUE(engine_->cluster().with([&](World& world) { return world.set_node_ready(node, false); }));
  EXPECT_EQ(running(), 3);
  ASSERT_EQ(tasks_on("node-2").size(), 1u);
  EXPECT_EQ(tasks_on("node-2")[0].state, TaskState::Lost);
  ASSERT_TRUE(engine_->cluster().with([&](World& world) { return world.set_node_ready(node, true); }));
  EXPECT_EQ(tasks().size(), 3u);
  EXPECT_EQ(running(), 3);
}

TEST_F(FakeEngineTest, ADrainedNodeGetsNoNewTasks) {
  make(three_nodes());
  ASSERT_TRUE(engine_->drain(model::NodeId("node-1"), 5, deadline()));
  scale(plain(), 4);
  EXPECT_TRUE(tasks_on("node-1").empty());
  EXPECT_EQ(engine_->undrain(model::NodeId("node-1"), 4, deadline()).error().code(), ErrorCode::Conflict);
  ASSERT_TRUE(engine_->undrain(model::NodeId("node-1"), 6, deadline()));
  scale(plain(), 6);
  EXPECT_EQ(tasks_on("node-1").size(), 2u);
  EXPECT_EQ(engine_->drain(model::NodeId("node-9"), 7, deadline()).error().code(), ErrorCode::NotFound);
}

TEST_F(FakeEngineTest, AOneOffTaskIsStoppedWhenItsTimeIsOver) {
  RunRequest request;
  request.revision = plain();
  request.id = model::TaskId("one");
  request.timeout = 30s;
  ASSERT_TRUE(engine_->run(request, deadline()));
  clock_.advance(29s);
  EXPECT_EQ(task().state, TaskState::Running);
  clock_.advance(1s);
  EXPECT_EQ(task().state, TaskState::Failed);
  EXPECT_NE(task().reason.find("30s"), std::string::npos);
  EXPECT_EQ(task().restarts, 0);
}

TEST_F(FakeEngineTest, TheSameSeedAndCallsGiveTheSameCluster) {
  const auto story = [] {
    FakeClock clock;
    SeededRandom random(42);
    FakeEngine engine(clock, random, three_nodes());
    const auto crashing = revision_of({"fake", "print x", "wait 700ms", "exit 1"}, "crashing");
    EXPECT_TRUE(engine.scale(plain(), 3, 1, clock.deadline_in(1s)));
    EXPECT_TRUE(engine.scale(crashing, 2, 2, clock.deadline_in(1s)));
    for (int i = 0; i < 50; ++i) {
      clock.advance(333ms);
      if (i == 20) {
        EXPECT_TRUE(engine.cluster().with(
            [](World& world) { return world.set_node_ready(model::NodeId("node-1"), false); }));
      }
      EXPECT_TRUE(engine.observe(clock.deadline_in(1s)));
    }
    return engine.observe(clock.deadline_in(1s)).value();
  };
  EXPECT_EQ(story(), story());
}

TEST(FakeProgram, AnUnknownInstructionOrArgumentIsInvalid) {
  EXPECT_EQ(parse_program({"fake", "dance"}).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(parse_program({"fake", "exit soon"}).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(parse_program({"fake", "wait ages"}).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(parse_program({"fake", "exit 3", "--", "dance"}).value().size(), 1u);
  EXPECT_EQ(parse_program({"nginx", "-g", "daemon off;"}).value().size(), 2u)
      << "any other command is a service";
}

}  // namespace
}  // namespace slipway::engine::fake
