// Cases 4, 9, 21 and 22: tasks as services, and what is left of them.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "contract/contract.h"

namespace slipway::contract {
namespace {

using model::Health;
using model::HealthMode;
using model::Observed;
using model::Task;

constexpr int kPort = 8000;

class Case04 : public Contract {
 protected:
  model::TaskSpec server() {
    model::TaskSpec spec = spec_of({"listen", "forever"});
    spec.container_port = kPort;
    spec.net = model::NetMode::Bridge;
    return spec;
  }

  // The observed address answers, and it is this task that does.
  void expect_reachable(const Task& task) {
    ASSERT_EQ(task.addresses.size(), 1u);
    EXPECT_EQ(task.addresses[0].container_port, kPort);
    std::string answer;
    eventually("an answer at " + task.addresses[0].text(), [&](const Observed&) {
      const auto asked = subject().ask(task.addresses[0]);
      answer = asked ? *asked : "";
      return asked.has_value();
    });
    EXPECT_EQ(answer, task.id.str());
  }
};

TEST_F(Case04, TheDeclaredPortIsReachableAtTheObservedAddress) {
  expect_reachable(only_task(run_tasks(server())));
}

TEST_F(Case04, TasksOfOneRevisionOnOneNodeDoNotCollide) {
  if (!engine().capabilities().networks) GTEST_SKIP() << "tasks share the network of their node";
  const auto revision = run_tasks(server(), 3);
  std::set<std::string> addresses;
  for (const Task& task : tasks_of(observe(), revision)) {
    expect_reachable(task);
    addresses.insert(task.addresses.at(0).text());
  }
  EXPECT_EQ(addresses.size(), 3u);
}

TEST_F(Case04, AnAddressStaysReachableAcrossARestartOfTheControlPlane) {
  const auto revision = run_tasks(server());
  restart_control_plane();
  expect_reachable(only_task(revision));
}

class Case09 : public Contract {
 protected:
  // A server that answers only while the file `up` exists in the volume.
  model::TaskSpec switched(HealthMode mode) {
    model::TaskSpec spec = spec_of({"while /data/up", "listen", "forever"});
    spec.container_port = kPort;
    spec.net = model::NetMode::Bridge;
    spec.volumes = {{"/data", subject().folder(), false}};
    spec.health.mode = mode;
    spec.health.interval = 100ms;
    spec.health.timeout = 5s;
    spec.health.grace_period = 0ms;
    spec.health.max_consecutive_failures = 3;
    if (mode == HealthMode::Cmd) spec.health.cmd = subject().argv({"append /data/checks x", "need /data/up"});
    return spec;
  }
  std::string switch_file() { return subject().folder() + "/up"; }

  void goes_with_the_switch(HealthMode mode) {
    ASSERT_TRUE(subject().write_file(switch_file(), "1"));
    const auto revision = run_tasks(switched(mode));
    ASSERT_TRUE(eventually_health(revision, Health::Healthy));
    EXPECT_TRUE(only_task(revision).healthy_since);
    ASSERT_TRUE(subject().remove_file(switch_file()));
    ASSERT_TRUE(eventually_health(revision, Health::Unhealthy));
    const Task sick = only_task(revision);
    EXPECT_FALSE(sick.healthy_since);
    EXPECT_FALSE(sick.reason.empty());
    EXPECT_EQ(sick.restarts, 0) << "the planner decides what becomes of an unhealthy task";
    ASSERT_TRUE(subject().write_file(switch_file(), "1"));
    EXPECT_TRUE(eventually_health(revision, Health::Healthy));
  }

  size_t checks_so_far() { return subject().read_file(subject().folder() + "/checks").value_or("").size(); }
};

TEST_F(Case09, AnHttpCheckFollowsTheService) {
  if (!engine().capabilities().health_http) GTEST_SKIP() << "the engine does no http checks";
  goes_with_the_switch(HealthMode::Http);
}

TEST_F(Case09, ATcpCheckFollowsTheService) {
  if (!engine().capabilities().health_tcp) GTEST_SKIP() << "the engine does no tcp checks";
  goes_with_the_switch(HealthMode::Tcp);
}

TEST_F(Case09, ACommandCheckFollowsTheService) {
  if (!engine().capabilities().health_cmd) GTEST_SKIP() << "the engine does no command checks";
  goes_with_the_switch(HealthMode::Cmd);
}

TEST_F(Case09, ATaskThatNeverPassedIsUnhealthyAfterTheConfiguredFailures) {
  if (!engine().capabilities().health_cmd) GTEST_SKIP() << "the engine does no command checks";
  model::TaskSpec spec = switched(HealthMode::Cmd);
  spec.health.max_consecutive_failures = 4;
  const auto revision = run_tasks(spec);
  ASSERT_TRUE(eventually_health(revision, Health::Unhealthy));
  EXPECT_GE(checks_so_far(), 4u);
}

TEST_F(Case09, FailuresWithinTheGracePeriodDoNotCountAndASuccessEndsIt) {
  if (!engine().capabilities().health_cmd) GTEST_SKIP() << "the engine does no command checks";
  model::TaskSpec spec = switched(HealthMode::Cmd);
  spec.health.grace_period = 1h;
  spec.health.max_consecutive_failures = 2;
  const auto revision = run_tasks(spec);
  // Many more failed checks than would make it unhealthy, at every one of which it is not.
  ASSERT_TRUE(eventually("ten failed checks", [&](const Observed& observed) {
    for (const Task& task : tasks_of(observed, revision)) EXPECT_NE(task.health, Health::Unhealthy);
    return checks_so_far() >= 10;
  }));
  ASSERT_TRUE(subject().write_file(switch_file(), "1"));
  ASSERT_TRUE(eventually_health(revision, Health::Healthy));
  ASSERT_TRUE(subject().remove_file(switch_file()));
  EXPECT_TRUE(eventually_health(revision, Health::Unhealthy));
}

TEST_F(Case09, HealthGoesOnUnderAnotherControlPlane) {
  if (!engine().capabilities().health_tcp) GTEST_SKIP() << "the engine does no tcp checks";
  ASSERT_TRUE(subject().write_file(switch_file(), "1"));
  const auto revision = run_tasks(switched(HealthMode::Tcp));
  ASSERT_TRUE(eventually_health(revision, Health::Healthy));
  restart_control_plane();
  EXPECT_NE(only_task(revision).health, Health::Unhealthy);
  ASSERT_TRUE(subject().remove_file(switch_file()));
  EXPECT_TRUE(eventually_health(revision, Health::Unhealthy));
}

// A server that accepts connections and is not well: an http check that does no more than connect takes it
// for healthy, as a tcp check must.
class Case09Impolite : public Case09 {
 protected:
  model::TaskSpec server(HealthMode mode, const std::string& manner) {
    model::TaskSpec spec = switched(mode);
    spec.cmd = subject().argv({manner, "listen", "forever"});
    spec.health.timeout = 300ms;
    return spec;
  }
  void http_fails_and_tcp_passes(const std::string& manner, const std::string& named) {
    const auto http = run_tasks(server(HealthMode::Http, manner), 1, "http");
    const auto tcp = run_tasks(server(HealthMode::Tcp, manner), 1, "tcp");
    EXPECT_TRUE(eventually_health(tcp, Health::Healthy));
    ASSERT_TRUE(eventually_health(http, Health::Unhealthy));
    const std::string reason = only_task(http).reason;
    EXPECT_NE(reason.find(named), std::string::npos) << reason;
  }
};

TEST_F(Case09Impolite, AnHttpCheckWantsAnAnswerThatIsNoError) {
  if (!engine().capabilities().health_http) GTEST_SKIP() << "the engine does no http checks";
  http_fails_and_tcp_passes("status 503", "503");
}

TEST_F(Case09Impolite, AnHttpCheckWantsAnAnswerAtAll) {
  if (!engine().capabilities().health_http) GTEST_SKIP() << "the engine does no http checks";
  http_fails_and_tcp_passes("mute", "no answer within 300ms");
}

class Case21 : public Contract {
 protected:
  // Before there is a control plane, so that what it sets up on its start counts as well.
  void SetUp() override {
    auto made = make_subject("contract");
    if (!made) GTEST_SKIP() << made.error().text();
    subject_ = std::move(*made);
    before_ = subject_->traces();
    start_control_plane();
    handles_ = subject_->handles();
  }

  // Or nobody could say that it is gone.
  void expect_traces() { EXPECT_NE(subject().traces(), before_); }

  void expect_no_traces() {
    std::set<std::string> left;
    const Deadline end = deadline(10s);
    do {
      left.clear();
      std::ranges::set_difference(subject().traces(), before_, std::inserter(left, left.end()));
      std::ranges::set_difference(subject().handles(), handles_, std::inserter(left, left.end()));
    } while (!left.empty() && !end.passed(subject().clock().steady_now()));
    for (const std::string& trace : left) ADD_FAILURE() << "left behind: " << trace;
  }

 private:
  std::set<std::string> before_;
  std::set<std::string> handles_;  // of a control plane that has done nothing yet
};

TEST_F(Case21, RemoveAndReleaseLeaveNothing) {
  model::TaskSpec web = spec_of({"listen", "forever"});
  web.container_port = kPort;
  web.net = model::NetMode::Bridge;
  web.volumes = {{"/data", subject().folder(), false}};
  const auto first = run_tasks(web, 3, "web");
  const auto second = run_tasks({"forever"}, 2, "worker");
  const auto crashing = revision_of(spec_of({"exit 1"}), "crashing");
  scale(crashing, 1);
  eventual_exit(crashing);
  if (engine().capabilities().exec) execute(tasks_of(observe(), second).at(0).id, {"print hello"});

  EXPECT_EQ(engine().release(deadline()).error().code(), ErrorCode::Conflict) << "tasks are left";
  for (const auto& revision : {first, second, crashing}) {
    ASSERT_TRUE(engine().remove(revision.id, 0ms, next_generation(), deadline()));
    ASSERT_TRUE(engine().remove(revision.id, 0ms, next_generation(), deadline())) << "once more";
  }
  for (const auto& revision : {first, second, crashing}) EXPECT_TRUE(eventually_gone(revision));
  ASSERT_TRUE(engine().release(deadline()));
  ASSERT_TRUE(engine().release(deadline())) << "once more";
  expect_no_traces();
}

TEST_F(Case21, ATaskOfAnImageLeavesNothing) {
  if (!engine().capabilities().runs_images) GTEST_SKIP() << "the engine runs no images";
  model::TaskSpec spec = image_spec({"write /note text", "listen", "forever"});
  spec.container_port = kPort;
  spec.net = model::NetMode::Bridge;
  const auto revision = run_tasks(spec);
  expect_traces();
  ASSERT_TRUE(engine().remove(revision.id, 0ms, next_generation(), deadline()));
  EXPECT_TRUE(eventually_gone(revision));
  ASSERT_TRUE(engine().release(deadline()));
  expect_no_traces();
}

TEST_F(Case21, WhatOneControlPlaneStartedAnotherRemovesWhole) {
  model::TaskSpec web = spec_of({"listen", "forever"});
  web.container_port = kPort;
  web.net = model::NetMode::Bridge;
  const auto revision = run_tasks(web, 2);
  restart_control_plane();
  ASSERT_TRUE(engine().remove(revision.id, 0ms, next_generation(), deadline()));
  EXPECT_TRUE(eventually_gone(revision));
  ASSERT_TRUE(engine().release(deadline()));
  expect_no_traces();
}

TEST_F(Contract, Case22TwoClustersOnOneMachineDoNotSeeEachOther) {
  auto made = make_subject("other");
  ASSERT_TRUE(made) << made.error().text();
  Subject& other = **made;
  ASSERT_TRUE(other.start());
  const auto ours = run_tasks({"forever"}, 2);
  ASSERT_TRUE(other.engine().scale(ours, 1, 1, deadline()));
  Observed theirs;
  EXPECT_TRUE(eventually("their task to run", [&](const Observed&) {
    theirs = other.engine().observe(deadline()).value_or(Observed{});
    return theirs.tasks.size() == 1 && theirs.tasks[0].state == model::TaskState::Running;
  }));
  EXPECT_EQ(tasks_of(observe(), ours).size(), 2u);
  EXPECT_TRUE(other.engine().remove(ours.id, 0ms, 2, deadline()));
  EXPECT_TRUE(eventually("their task to be gone", [&](const Observed&) {
    const auto now = other.engine().observe(deadline());
    return now && now->tasks.empty() && now->revisions.empty();
  }));
  EXPECT_TRUE(other.engine().release(deadline()));
  other.stop();
  EXPECT_TRUE(eventually_running(ours, 2));
}

}  // namespace
}  // namespace slipway::contract
