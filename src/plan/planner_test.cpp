// Single rounds of the planner: an observation in, an outcome out.
#include "plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.h"

namespace slipway::plan {
namespace {

using model::InstanceState;
using model::TaskState;
using testing::HasSubstr;

constexpr Time kNow = Time(Duration(1'700'000'000'000));

// The inputs of one call, and the call.
struct Question {
  model::Desired desired;
  model::Observed observed;
  Routing routing{.known = true, .tasks = {}, .refused = {}};
  std::vector<model::Override> overrides;
  Images images;
  Memory memory;
  bool restarts_tasks = true;
  Time now = kNow;
  DrainReports drains;

  void add(const model::Revision& revision, int count, const std::vector<model::Task>& tasks) {
    observed.revisions.push_back(test::observed_revision(revision, count));
    for (const auto& task : tasks) {
      observed.tasks.push_back(task);
      if (task.health == model::Health::Healthy) routing.tasks[task.id] = {.in = true};
    }
  }
  Outcome ask() const {
    return decide(Inputs{.desired = desired,
                         .observed = observed,
                         .routing = routing,
                         .overrides = overrides,
                         .images = images,
                         .memory = memory,
                         .restarts_tasks = restarts_tasks,
                         .now = now,
                         .limited_room = false,
                         .rebalance = 0,
                         .drains = drains});
  }
};

Question wanting(const model::Instance& instance) {
  Question question;
  question.desired.instances = {instance};
  return question;
}

template <class Action>
std::vector<Action> steps_of(const Outcome& outcome) {
  std::vector<Action> found;
  for (const auto& step : outcome.plan.steps) {
    if (const auto* action = std::get_if<Action>(&step.action)) found.push_back(*action);
  }
  return found;
}

TEST(Decide, StartsAnInstanceThatIsNotThere) {
  const auto web = test::instance();
  const Outcome outcome = wanting(web).ask();
  ASSERT_EQ(outcome.plan.steps.size(), 1U);
  EXPECT_EQ(steps_of<model::ScaleStep>(outcome).front(), (model::ScaleStep{test::revision_of(web), 3}));
  EXPECT_EQ(outcome.status.front().state, InstanceState::Starting);
  EXPECT_EQ(outcome.wake_at, kNow + 600s);
}

TEST(Decide, DoesNothingWhenAllIsAsWanted) {
  const auto web = test::instance("shop.web", 1);
  Question question = wanting(web);
  question.add(test::revision_of(web), 1, {test::healthy_task(test::revision_of(web), "a")});
  const Outcome outcome = question.ask();
  EXPECT_TRUE(outcome.plan.empty());
  EXPECT_TRUE(outcome.events.empty());
  EXPECT_EQ(outcome.status.front().state, InstanceState::Running);
  EXPECT_EQ(outcome.status.front().reason, "");
  EXPECT_THAT(outcome.status.front().endpoints, testing::ElementsAre("http://127.0.0.1:8000"));
}

TEST(Decide, AsksForAnImageOnceThoughTwoInstancesWantIt) {
  auto web = test::instance("shop.web");
  web.spec.image = {model::ImageKind::Reference, "docker://registry.example/web:1", ""};
  auto worker = test::worker("shop.worker");
  worker.spec.image = web.spec.image;
  Question question = wanting(web);
  question.desired.instances.push_back(worker);
  const Outcome outcome = question.ask();
  EXPECT_EQ(outcome.plan.steps.size(), 1U);
  EXPECT_EQ(steps_of<model::PrepareStep>(outcome).size(), 1U);
  EXPECT_EQ(outcome.status[1].reason, "fetching image docker://registry.example/web:1");
}

TEST(Decide, WaitsForTheNextTryOfAFailedImageAndSaysWhen) {
  auto web = test::instance();
  web.spec.image = {model::ImageKind::Reference, "docker://registry.example/web:1", ""};
  Question question = wanting(web);
  question.images[model::describe(web.spec.image)] = {
      .state = ImageState::Failed, .reason = "no such tag", .retry_at = kNow + 30s, .failures = 2};
  Outcome outcome = question.ask();
  EXPECT_TRUE(outcome.plan.empty());
  EXPECT_EQ(outcome.wake_at, kNow + 30s);
  EXPECT_THAT(outcome.status.front().reason, HasSubstr("failed: no such tag; next try at 22:13:50 UTC"));
  EXPECT_EQ(outcome.status.front().blocked, model::Blocked::Image);
  question.now = kNow + 30s;
  EXPECT_EQ(steps_of<model::PrepareStep>(question.ask()).size(), 1U);
}

TEST(Decide, RoutesHealthyTasksOfEveryRevisionToTheDeclaredPort) {
  auto web = test::instance("shop.web", 2);
  const auto old = test::revision_of(web);
  web.spec.env["VERSION"] = "2";
  const auto next = test::revision_of(web);
  Question question = wanting(web);
  auto healthy = test::healthy_task(old, "a");
  healthy.addresses = {{"10.0.0.1", 9, 9}, {"10.0.0.1", 80, 80}};
  question.add(old, 2, {healthy, test::unhealthy_task(old, "b")});
  question.add(next, 2, {test::healthy_task(next, "c"), test::pending_task(next, "d")});
  const auto routes = question.ask().plan.routes.at(web.id);
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0], (model::Route{model::TaskId("a"), {"10.0.0.1", 80, 80}, model::Traffic::In}));
  EXPECT_EQ(routes[1].task.str(), "c");
}

TEST(Decide, NeverStopsATaskThatStillGetsRequestsHoweverLongItDrains) {
  auto web = test::instance("shop.web", 1);
  const auto old = test::revision_of(web);
  web.bounce.method = model::BounceMethod::Brutal;
  web.spec.env["VERSION"] = "2";
  Question question = wanting(web);
  question.add(old, 1, {test::healthy_task(old, "a")});
  question.memory[web.id].drains[model::TaskId("a")] = {.started_at = kNow - 1h};
  EXPECT_TRUE(steps_of<model::RemoveTasksStep>(question.ask()).empty());
  question.routing.tasks[model::TaskId("a")] = {.in = false, .draining = true, .sessions = 5};
  const Outcome outcome = question.ask();
  EXPECT_EQ(steps_of<model::RemoveTasksStep>(outcome).size(), 1U);
  EXPECT_THAT(outcome.events.back().text, HasSubstr("still has 5 open"));
}

TEST(Decide, AsksAgainForAStopThatTheEngineHasNotTaken) {
  const auto worker = test::worker("shop.worker", 1);
  const auto revision = test::revision_of(worker);
  Question question = wanting(worker);
  question.add(revision, 2, {test::healthy_task(revision, "a"), test::healthy_task(revision, "b", Time(1h))});
  question.routing.tasks.clear();
  Outcome outcome = question.ask();
  ASSERT_EQ(steps_of<model::RemoveTasksStep>(outcome).size(), 1U);
  EXPECT_EQ(steps_of<model::RemoveTasksStep>(outcome).front().tasks.front().str(), "b");
  question.memory = outcome.memory;
  question.observed.at = question.now = kNow + 1s;
  outcome = question.ask();
  EXPECT_EQ(steps_of<model::RemoveTasksStep>(outcome).front().tasks.front().str(), "b");
  EXPECT_EQ(outcome.plan.steps.size(), 1U);
}

TEST(Decide, LetsNoTaskBackIntoTrafficWhoseStopWasAskedForUntilANewerLookShowsItAsItWas) {
  auto web = test::instance("shop.web", 1);
  const auto revision = test::revision_of(web);
  Question question = wanting(web);
  question.add(revision, 2, {test::healthy_task(revision, "a"), test::healthy_task(revision, "b", Time(1h))});
  question.memory[web.id].drains[model::TaskId("b")] = {.started_at = kNow, .stop_asked_at = kNow};
  web.count = 2;
  question.desired.instances.put(web);
  question.routing.tasks[model::TaskId("b")] = {.in = false, .draining = true};
  question.now = kNow + 1s;
  for (const Time old : {kNow - 1s, kNow, kNow + 2s}) {
    question.observed.at = old;
    const Outcome outcome = question.ask();
    EXPECT_EQ(outcome.plan.routes.at(web.id)[1].traffic, model::Traffic::Drain);
    EXPECT_TRUE(outcome.plan.steps.empty()) << "its stop may be under way, and the count with it";
  }
  question.observed.at = kNow + 1s;
  const Outcome outcome = question.ask();
  EXPECT_EQ(outcome.plan.routes.at(web.id)[1].traffic, model::Traffic::In);
  EXPECT_TRUE(outcome.plan.steps.empty());
}

TEST(Decide, LeavesAloneEndedTasksThatTheEngineOnlyKeepsInSight) {
  const auto worker = test::worker("shop.worker", 1);
  const auto revision = test::revision_of(worker);
  Question question = wanting(worker);
  auto ended = test::crashed_task(revision, "z", 0, kNow);
  ended.next_start_at.reset();
  question.add(revision, 1, {test::healthy_task(revision, "a"), ended});
  EXPECT_TRUE(question.ask().plan.empty());
  question.desired.instances.clear();
  question.observed.tasks.erase(question.observed.tasks.begin());
  question.observed.revisions.front().count = 0;
  EXPECT_EQ(steps_of<model::RemoveRevisionStep>(question.ask()).size(), 1U);
}

TEST(Decide, ReplacesDeadTasksOnAnEngineThatDoesNot) {
  const auto worker = test::worker("shop.worker", 1);
  const auto revision = test::revision_of(worker);
  Question question = wanting(worker);
  auto ended = test::crashed_task(revision, "a", 0, kNow);
  ended.next_start_at.reset();
  question.add(revision, 1, {ended});
  EXPECT_TRUE(question.ask().plan.empty());
  question.restarts_tasks = false;
  const Outcome outcome = question.ask();
  ASSERT_EQ(outcome.plan.steps.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<model::RemoveTasksStep>(outcome.plan.steps[0].action));
  EXPECT_EQ(std::get<model::ScaleStep>(outcome.plan.steps[1].action).count, 1);
}

TEST(Decide, LowersTheCountOfAnOldRevisionWhoseTasksHaveNotStartedYet) {
  auto worker = test::worker("shop.worker", 3);
  const auto old = test::revision_of(worker);
  worker.spec.env["VERSION"] = "2";
  worker.bounce.margin = 0.3;
  Question question = wanting(worker);
  question.add(old, 3, {test::healthy_task(old, "a")});
  const auto scales = steps_of<model::ScaleStep>(question.ask());
  EXPECT_THAT(scales, testing::UnorderedElementsAre(model::ScaleStep{old, 1},
                                                    model::ScaleStep{test::revision_of(worker), 3}));
}

TEST(Decide, IgnoresTasksThatWereRunOnceAndJobs) {
  auto job = test::worker("shop.report");
  job.kind = model::InstanceKind::Job;
  Question question = wanting(job);
  auto once = test::healthy_task(test::revision_of(job), "a");
  once.one_off = true;
  question.observed.tasks = {once};
  const Outcome outcome = question.ask();
  EXPECT_TRUE(outcome.plan.empty());
  EXPECT_TRUE(outcome.status.empty());
}

TEST(Decide, WhatWasNeverDeployedIsNotStartedAndSaysWhy) {
  auto worker = test::worker("shop.worker", 3);
  worker.undeployed = "it was never deployed";
  Question question = wanting(worker);
  model::Override scale;
  scale.instance = worker.id;
  scale.kind = model::OverrideKind::Scale;
  scale.count = 2;
  question.overrides = {scale};
  const Outcome outcome = question.ask();
  EXPECT_TRUE(outcome.plan.empty());
  ASSERT_EQ(outcome.status.size(), 1U);
  EXPECT_EQ(outcome.status.front().state, InstanceState::Stopped);
  EXPECT_EQ(outcome.status.front().reason, "it was never deployed");
}

TEST(Decide, ADesiredStateOfStopIsTold) {
  auto worker = test::worker("shop.worker", 3);
  worker.desired_state = "stop";
  Question question = wanting(worker);
  const Outcome outcome = question.ask();
  EXPECT_TRUE(outcome.plan.empty());
  EXPECT_EQ(outcome.status.front().reason, "its desired state is stop");
}

TEST(Explain, ACrashLoopNamesTheExitTheNextTryAndTheLastLines) {
  const auto web = test::instance("shop.web", 1);
  Question question = wanting(web);
  question.add(test::revision_of(web), 1, {test::crashed_task(test::revision_of(web), "a", 4, kNow + 16s)});
  const auto status = question.ask().status.front();
  EXPECT_EQ(status.state, InstanceState::Crashlooping);
  EXPECT_THAT(status.reason,
              HasSubstr("a ended with exit code 3, restarted 4 times, next try at 22:13:36 UTC; its "
                        "last line: cannot read /etc/shop.conf"));
  EXPECT_THAT(status.causes.at(1).lines, testing::Contains("starting"));
}

TEST(Explain, OverridesInForceAreShownAndExpiredOnesAreNot) {
  auto scale = test::override_of("shop.web", model::OverrideKind::Scale);
  scale.count = 1;
  scale.expires_at = kNow + 10s;
  auto stop = test::override_of("shop.web", model::OverrideKind::Stop);
  stop.expires_at = kNow;
  const auto web = test::instance("shop.web", 3);
  Question question = wanting(web);
  question.overrides = {stop, scale};
  question.add(test::revision_of(web), 1, {test::healthy_task(test::revision_of(web), "a")});
  const Outcome outcome = question.ask();
  EXPECT_EQ(outcome.status.front().overrides, std::vector<model::Override>{scale});
  EXPECT_EQ(outcome.status.front().desired, 1);
  EXPECT_EQ(outcome.wake_at, kNow + 10s);
  EXPECT_THAT(outcome.status.front().causes.front().text,
              HasSubstr("scaled to 1 by ana: maintenance (until 2023-11-14"));
}

TEST(Explain, CausesAreWhatHoldsNowAndThenTheNewestFirst) {
  const auto web = test::instance("shop.web", 3);
  auto changed = web;
  changed.spec.env["VERSION"] = "2";
  const model::Revision before = test::revision_of(web), after = test::revision_of(changed);
  Question question = wanting(changed);
  question.add(before, 2, {test::healthy_task(before, "a"), test::healthy_task(before, "b")});
  question.add(after, 2, {test::crashed_task(after, "c", 1, kNow + 16s), test::unhealthy_task(after, "d")});
  question.observed.nodes.resize(2);
  question.observed.nodes[0].id = model::NodeId("n1");
  question.observed.nodes[0].draining = true;
  question.observed.nodes[1].id = model::NodeId("n2");
  question.observed.tasks[0].node = question.observed.nodes[0].id;
  auto skip = test::override_of("shop.web", model::OverrideKind::Scale);
  skip.count = 2;
  skip.created_at = kNow - 10min;
  question.overrides = {skip};
  BounceMemory bounce;
  bounce.to = after.id;
  bounce.from = {before.id};
  bounce.started_at = bounce.progress_at = kNow - 5min;
  question.memory[web.id].bounce = bounce;

  const Outcome outcome = question.ask();
  std::string text;
  for (const model::Cause& cause : outcome.status.front().causes) {
    text += (cause.at ? to_text(*cause.at) : "now") + " " + cause.kind + ": " + cause.text + "\n";
    for (const std::string& line : cause.lines) text += "    " + line + "\n";
  }
  EXPECT_EQ(text,
            "now state: rolling to 411070bbd69c, waiting for 2 of 2 tasks to become happy: c ended with exit "
            "code 3, restarted 1 times, next try at 22:13:36 UTC; its last line: cannot read /etc/shop.conf\n"
            "now exit: c ended with exit code 3, restarted 1 times, next try at 22:13:36 UTC\n"
            "    starting\n"
            "    cannot read /etc/shop.conf\n"
            "now health: d is unhealthy (http check: connection refused)\n"
            "now node: node n1, with 1 task, is being drained\n"
            "2023-11-14T22:08:20.000Z deploy: revision 411070bbd69c replaces def2d572d208 since "
            "2023-11-14T22:08:20.000Z; last progress at 2023-11-14T22:13:20.000Z\n"
            "2023-11-14T22:03:20.000Z override: scaled to 2 by ana: maintenance\n");
}

TEST(Explain, ALoadBalancerThatDoesNotRunIsNamedByThoseWhoNeedIt) {
  const auto web = test::instance("shop.web", 1);
  Question question = wanting(web);
  question.add(test::revision_of(web), 1, {test::healthy_task(test::revision_of(web), "a")});
  question.routing.down = "haproxy is not installed";
  const model::InstanceStatus status = question.ask().status.front();
  const std::string words = "the load balancer does not run: haproxy is not installed";
  EXPECT_NE(status.reason.find(words), std::string::npos) << status.reason;
  EXPECT_EQ(status.blocked, model::Blocked::Proxy);
  EXPECT_TRUE(std::ranges::any_of(status.causes, [&](const auto& cause) { return cause.text == words; }));

  const auto worker = test::worker("shop.worker", 1);
  Question other = wanting(worker);
  other.routing.down = question.routing.down;
  EXPECT_EQ(other.ask().status.front().reason.find("load balancer"), std::string::npos);
}

TEST(Explain, ATaskThatCannotBeToldToDrainIsNamed) {
  auto web = test::instance("shop.web", 1);
  web.drain.method = model::DrainMethod::Http;
  Question question = wanting(web);
  question.add(
      test::revision_of(web), 2,
      {test::healthy_task(test::revision_of(web), "a"), test::healthy_task(test::revision_of(web), "b")});
  question.drains[model::TaskId("b")] = {.told = false, .safe = false, .error = "POST /drain: status 404"};
  EXPECT_THAT(
      question.ask().status.front().reason,
      HasSubstr("b could not be told to drain, and is stopped at 22:13:50 UTC: POST /drain: status 404"));
}

TEST(Memory, ReadsItsOwnJsonBack) {
  InstanceMemory memory;
  memory.drains[model::TaskId("a")] = {
      .started_at = kNow, .timed_out = true, .stop_asked_at = kNow + 1s, .lost_stops = 2};
  memory.bounce = BounceMemory{.to = model::RevisionId("2"),
                               .from = {model::RevisionId("1")},
                               .started_at = kNow,
                               .progress_at = kNow + 1s,
                               .created = true,
                               .best_happy = 2,
                               .fewest_old = 1,
                               .stalled = true,
                               .canary_since = kNow + 2s,
                               .canary_done = true};
  memory.unhealthy_replacements = 4;
  memory.replaced_at = kNow;
  memory.last_good = model::RevisionId("1");
  memory.fallback = test::revision_of(test::instance());
  memory.rejected = model::RevisionId("2");
  memory.moving = model::TaskId("b");
  memory.moved_at = kNow;
  const auto read = instance_memory_from_json(to_json(memory));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, memory);
  EXPECT_EQ(*instance_memory_from_json(to_json(InstanceMemory{})), InstanceMemory{});
  EXPECT_FALSE(instance_memory_from_json(Json("text")).has_value());
  Json torn = to_json(memory);
  torn["bounce"]["started_at"] = "yesterday";
  EXPECT_FALSE(instance_memory_from_json(torn).has_value());
}

}  // namespace
}  // namespace slipway::plan
