#include "reconcile/loop.h"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "discovery/aside_proxy.h"
#include "discovery/fake_proxy.h"
#include "engine/fake/fake_engine.h"
#include "io/file.h"
#include "support/builders.h"
#include "support/full_store.h"

namespace slipway::reconcile {
namespace {

// Answers nothing at all until it may.
class SilentProxy final : public discovery::Proxy {
 public:
  struct Gate {
    Mutex mutex;
    Condition opened;
    bool open = false;
  };
  explicit SilentProxy(Gate& gate) : gate_(gate) {}

  Result<discovery::ProxyState> sync(const std::vector<discovery::RoutedInstance>&,
                                     Deadline deadline) override {
    return observe(deadline);
  }
  Result<discovery::ProxyState> observe(Deadline) override {
    const Lock lock(gate_.mutex);
    while (!gate_.open) gate_.opened.wait(gate_.mutex);
    return discovery::ProxyState();
  }
  Status stop(Deadline) override { return {}; }

 private:
  Gate& gate_;
};

// A control plane in this process: the real loop and its threads, a fake engine whose time passes, files on
// disk.
class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::make_unique<io::TemporaryDirectory>(io::TemporaryDirectory::create().value());
    state_ = std::make_unique<io::TemporaryDirectory>(io::TemporaryDirectory::create().value());
    write("web", "main:\n  cmd: [serve]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
    engine::fake::Options options;
    options.live = true;
    options.missing = {"docker://registry.test/nowhere:1"};
    cluster_ = std::make_shared<engine::fake::FakeCluster>(clock_, random_, options);
    start();
  }
  void TearDown() override { stop(); }

  void write(const std::string& service, const std::string& text) {
    ASSERT_TRUE(io::make_directories(directory_->path() / service).has_value());
    ASSERT_TRUE(io::write_file(directory_->path() / service / "run.yaml", text).has_value());
  }

  void start() { start(proxy_); }
  void start(discovery::Proxy& proxy) {
    config::ClusterConfig config;
    config.cluster = "test";
    config.config = directory_->path();
    config.state = state_->path();
    loop_ = std::make_unique<io::EventLoop>();
    engine_ = std::make_unique<engine::fake::FakeEngine>(cluster_);
    control_ = std::make_unique<Loop>(LoopParts{*loop_, *engine_, proxy, store_, clock_, random_}, config,
                                      [this] { loop_->stop(); });
    ASSERT_TRUE(control_->start().has_value());
    thread_ = std::thread([this] { loop_->run(); });
  }

  void stop() {
    if (!loop_) return;
    loop_->stop();
    if (thread_.joinable()) thread_.join();
    control_.reset();
    engine_.reset();
    loop_.reset();
  }

  // Waits for a snapshot that satisfies; the test fails when none comes.
  template <class Predicate>
  std::shared_ptr<const Snapshot> eventually(Predicate satisfied) {
    const Deadline deadline = clock_.deadline_in(20s);
    auto snapshot = control_->snapshot();
    while (!satisfied(*snapshot) && !deadline.passed(clock_.steady_now())) {
      snapshot = control_->wait_for_change(snapshot->sequence, deadline);
    }
    EXPECT_TRUE(satisfied(*snapshot)) << snapshot->trouble << snapshot->plan.text();
    return snapshot;
  }

  static bool settled(const Snapshot& snapshot) { return snapshot.settled && !snapshot.instances.empty(); }

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<io::TemporaryDirectory> directory_;
  std::unique_ptr<io::TemporaryDirectory> state_;
  std::shared_ptr<engine::fake::FakeCluster> cluster_;
  discovery::FakeProxy proxy_;
  test::FullStore store_;
  std::unique_ptr<io::EventLoop> loop_;
  std::unique_ptr<engine::fake::FakeEngine> engine_;
  std::unique_ptr<Loop> control_;
  std::thread thread_;
};

const model::InstanceId kWeb{"web", "main"};

TEST_F(LoopTest, FilesBecomeRoutedTasks) {
  const auto snapshot = eventually(settled);
  EXPECT_EQ(snapshot->instances[0]->healthy, 2);
  EXPECT_EQ(snapshot->desired->problems, std::vector<model::Problem>());
}

TEST_F(LoopTest, AChangedFileRollsAndIsHistory) {
  const auto before = eventually(settled)->instances[0]->revision;
  write("web", "main:\n  cmd: [serve, more]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
  control_->reload();
  eventually([&](const Snapshot& now) {
    return settled(now) && now.instances[0]->revision != before &&
           now.instances[0]->seen->revisions.size() == 1;
  });
  const auto history = control_->bounces(kWeb, 10).value();
  ASSERT_FALSE(history.empty());
  EXPECT_EQ(history[0].outcome, "done");
}

TEST_F(LoopTest, ASavedFileIsTakenWithoutAWordAndSharesTheRest) {
  write("api", "main: {cmd: [serve]}\n");
  const auto before =
      eventually([](const Snapshot& now) { return settled(now) && now.instances.size() == 2; });
  write("web", "main:\n  cmd: [serve]\n  instances: 3\n");
  const auto after = eventually([](const Snapshot& now) {
    return settled(now) && now.instances.size() == 2 && now.instances[1].healthy == 3;
  });
  EXPECT_EQ(&after->desired->instances[0], &before->desired->instances[0]);
  EXPECT_EQ(after->source.kind, "directory");
  EXPECT_EQ(after->source.trouble, "");
}

TEST_F(LoopTest, ABrokenFileIsNamedAndItsLastGoodConfigurationInForceAlsoAfterARestart) {
  eventually(settled);
  write("web", "main:\n  cmd: [serve\n");
  const auto broken = [](const Snapshot& now) {
    return settled(now) && now.desired->last_good == std::vector<std::string>{"web"};
  };
  EXPECT_EQ(eventually(broken)->desired->problems.size(), 1U);
  stop();
  start();
  EXPECT_EQ(eventually(broken)->instances[0].healthy, 2);
  // In force: an operator may still scale it.
  model::Override scale;
  scale.instance = kWeb;
  scale.kind = model::OverrideKind::Scale;
  scale.count = 3;
  ASSERT_TRUE(control_->put_override(scale, clock_.deadline_in(5s)).has_value());
  eventually([](const Snapshot& now) { return settled(now) && now.instances[0].healthy == 3; });
}

TEST_F(LoopTest, ABrokenFileOfWhichNothingIsKnownChangesNothing) {
  eventually(settled);
  stop();
  ASSERT_TRUE(io::remove_all(state_->path() / "compiled"));
  write("web", "main:\n  cmd: [serve\n");
  start();
  const auto after =
      eventually([](const Snapshot& now) { return !now.desired->problems.empty() && now.at != Time(); });
  EXPECT_EQ(after->desired->broken, std::vector<std::string>{"web"});
  const auto running = engine_->observe(clock_.deadline_in(5s)).value();
  EXPECT_EQ(running.tasks.size(), 2U);
}

TEST_F(LoopTest, AnOverrideIsStoredAppliedAndSurvivesARestart) {
  eventually(settled);
  model::Override scale;
  scale.instance = kWeb;
  scale.kind = model::OverrideKind::Scale;
  scale.count = 4;
  scale.owner = "tester";
  ASSERT_TRUE(control_->put_override(scale, clock_.deadline_in(5s)).has_value());
  eventually([](const Snapshot& now) { return settled(now) && now.instances[0]->healthy == 4; });
  stop();
  start();
  const auto snapshot = eventually(settled);
  EXPECT_EQ(snapshot->instances[0]->healthy, 4);
  ASSERT_EQ(snapshot->instances[0]->overrides.size(), 1U);

  scale.instance.instance = "nobody";
  EXPECT_EQ(control_->put_override(scale, clock_.deadline_in(5s)).error().code(), ErrorCode::NotFound);
}

TEST_F(LoopTest, AFreezeIsOfNoInstanceAndHoldsDeploysBack) {
  eventually(settled);
  model::Override freeze;
  freeze.kind = model::OverrideKind::Freeze;
  freeze.owner = "tester";
  ASSERT_TRUE(control_->put_override(freeze, clock_.deadline_in(5s)).has_value());
  eventually([](const Snapshot& now) { return now.overrides.size() == 1; });
  EXPECT_EQ(control_->recent_events(1, "")->at(0).instance, "");
  write("web",
        "main:\n  cmd: [serve, again]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
  control_->reload();
  eventually([](const Snapshot& now) {
    return now.instances[0]->reason.find("deploys of the cluster are frozen") != std::string::npos;
  });
  ASSERT_TRUE(control_->remove_override({}, freeze.kind, clock_.deadline_in(5s)).has_value());
  eventually([](const Snapshot& now) { return settled(now) && now.overrides.empty(); });
}

TEST_F(LoopTest, ADrainedNodeIsDrainedStillAfterARestart) {
  const model::NodeId node = eventually(settled)->nodes->at(0).id;
  const auto draining = [](const Snapshot& now) { return !now.nodes->empty() && now.nodes->at(0).draining; };
  ASSERT_TRUE(control_->set_draining({node, true, "tester", "new disk"}, clock_.deadline_in(5s)).has_value());
  eventually(draining);
  EXPECT_EQ(control_->recent_events(1, "")->at(0).text, "node node-1 is drained by tester: new disk");
  stop();
  start();
  eventually(draining);
  ASSERT_TRUE(control_->set_draining({node, false, "tester", ""}, clock_.deadline_in(5s)).has_value());
  eventually([](const Snapshot& now) { return settled(now) && !now.nodes->at(0).draining; });
  const Status unknown = control_->set_draining({model::NodeId("n"), true, "", ""}, clock_.deadline_in(5s));
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
}

TEST_F(LoopTest, AnEngineThatCannotBeAskedChangesNothing) {
  eventually(settled);
  cluster_->set_api({.outage = true});
  const auto snapshot = eventually([](const Snapshot& now) { return !now.trouble.empty(); });
  EXPECT_NE(snapshot->trouble.find("engine"), std::string::npos);
  EXPECT_FALSE(snapshot->settled);
  cluster_->set_api({});
  EXPECT_EQ(eventually(settled)->instances[0]->healthy, 2);
}

TEST_F(LoopTest, ALoadBalancerThatDoesNotAnswerHoldsUpNobodyElse) {
  const auto before = eventually(settled)->instances[0]->revision;
  stop();
  SilentProxy::Gate gate;
  discovery::AsideProxy aside(std::make_unique<SilentProxy>(gate), clock_, 10ms);
  write("web", "main:\n  cmd: [serve, more]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
  write("worker", "main:\n  cmd: [work]\n  instances: 2\n");
  start(aside);
  const auto snapshot = eventually([](const Snapshot& now) {
    return now.instances.size() == 2 && now.instances[1]->healthy == 2 &&
           !now.instances[0]->seen->revisions.empty();
  });
  EXPECT_NE(snapshot->trouble.find("has not answered"), std::string::npos) << snapshot->trouble;
  const auto& revisions = snapshot->instances[0]->seen->revisions;
  EXPECT_TRUE(std::ranges::any_of(revisions, [&](const auto& entry) {
    return entry.revision.id == before && entry.count == 2;
  })) << "what may serve is not stopped";
  {
    const Lock lock(gate.mutex);
    gate.open = true;
  }
  gate.opened.notify_all();
  stop();
}

TEST_F(LoopTest, ARestartAdoptsWhatRuns) {
  const auto before = eventually(settled)->instances[0]->seen->tasks;
  stop();
  start();
  const auto after = eventually(settled)->instances[0]->seen->tasks;
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].restarts, before[i].restarts);
  }
}

TEST_F(LoopTest, ShutDownStopsEverythingAndReleases) {
  eventually(settled);
  control_->shut_down(false);
  thread_.join();
  EXPECT_TRUE(control_->snapshot()->released);
  EXPECT_TRUE(engine_->observe(clock_.deadline_in(5s)).value().tasks.empty());
  EXPECT_FALSE(proxy_.running);
}

TEST_F(LoopTest, AShutDownIsGoneOnWithAfterARestart) {
  eventually(settled);
  cluster_->set_api({.outage = true});
  control_->shut_down(false);
  EXPECT_TRUE(eventually([](const Snapshot& now) { return now.shutting_down; })->shutting_down);
  stop();
  cluster_->set_api({});
  start();
  EXPECT_TRUE(control_->snapshot()->shutting_down);
  thread_.join();
  EXPECT_TRUE(control_->snapshot()->released);
  EXPECT_TRUE(engine_->observe(clock_.deadline_in(5s)).value().tasks.empty());
}

TEST_F(LoopTest, AFullDiskStopsNoWorkAndLosesNoHistory) {
  const auto before = eventually(settled)->instances[0]->revision;
  store_.full = true;
  write("web", "main:\n  cmd: [serve, more]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
  control_->reload();
  const auto rolled = eventually([&](const Snapshot& now) {
    return now.instances[0]->revision != before && now.instances[0]->seen->revisions.size() == 1 &&
           now.instances[0]->healthy == 2 && !now.instances[0]->bounce;
  });
  EXPECT_EQ(rolled->trouble, "state: no space left on the disk");
  EXPECT_FALSE(rolled->settled);

  store_.full = false;
  eventually(settled);
  const auto history = control_->bounces(kWeb, 10).value();
  ASSERT_EQ(history.size(), 2U) << "the first start and the change, one record each";
  EXPECT_EQ(history[0].outcome, "done");
  EXPECT_TRUE(history[0].ended_at);
  const auto events = control_->recent_events(1'000, "web.main").value();
  const auto told = [&](const std::string& kind) {
    return std::count_if(events.begin(), events.end(), [&](const auto& event) { return event.kind == kind; });
  };
  EXPECT_EQ(told("bounce_started"), 2);
  EXPECT_EQ(told("bounce_done"), 2);
}

TEST_F(LoopTest, AFileThatIsBrokenAtTheStartCostsNoFrontDoor) {
  eventually(settled);
  stop();
  write("web", "main:\n  cmd: [serve\n");
  start();
  eventually([](const Snapshot& now) { return !now.instances.empty() && now.instances[0]->healthy == 2; });
  stop();
  ASSERT_EQ(proxy_.wanted.size(), 1U);
  EXPECT_EQ(proxy_.wanted[0].proxy.port, 18000);
  EXPECT_EQ(proxy_.wanted[0].routes.size(), 2U);
}

TEST_F(LoopTest, ANewcomerTakesNothingFromWhoServes) {
  eventually(settled);
  const std::string same_port = "main:\n  cmd: [x]\n  container_port: 80\n  proxy: {port: 18000}\n";
  write("api", same_port);
  const auto named = [](const Snapshot& now) {
    return now.desired->broken == std::vector<std::string>{"api"} && now.desired->problems.size() == 1 &&
           now.desired->problems[0].message.find("belongs to web.main") != std::string::npos;
  };
  EXPECT_EQ(eventually(named)->instances[0]->healthy, 2);
  stop();
  start();
  EXPECT_TRUE(named(*control_->snapshot()));
  eventually([&](const Snapshot& now) { return settled(now) && named(now); });
  write("web", "main:\n  cmd: [serve]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18001}\n");
  eventually([](const Snapshot& now) { return settled(now) && now.instances.size() == 2; });
  stop();
  ASSERT_EQ(proxy_.wanted.size(), 2U);
  EXPECT_EQ(proxy_.wanted[0].proxy.port, 18000);
  EXPECT_EQ(proxy_.wanted[1].proxy.port, 18001);
}

TEST_F(LoopTest, ATreeThatWasAwayIsReadAgainWhenItIsBack) {
  eventually(settled);
  const std::filesystem::path away = directory_->path().string() + ".away";
  std::filesystem::rename(directory_->path(), away);
  const auto lost = eventually([](const Snapshot& now) { return !now.trouble.empty(); });
  EXPECT_NE(lost->trouble.find("config: "), std::string::npos);
  EXPECT_EQ(lost->instances[0]->healthy, 2);
  std::filesystem::rename(away, directory_->path());
  EXPECT_EQ(eventually(settled)->trouble, "");
}

TEST_F(LoopTest, AOneOffTaskIsTakenAtOnceAndItsImageIsTheEnginesMatter) {
  write("job", "main:\n  image: registry.test/nowhere:1\n  instances: 0\n");
  control_->reload();
  eventually([](const Snapshot& now) { return settled(now) && now.instances.size() == 2; });
  const auto task = control_->run({"job", "main"}, {"migrate"}, clock_.deadline_in(5s));
  ASSERT_TRUE(task.has_value()) << task.error().text();
  const auto failed = eventually([](const Snapshot& now) {
    return now.one_off.size() == 1 && now.one_off[0].state == model::TaskState::Failed;
  });
  EXPECT_EQ(failed->one_off[0].id, *task);
  EXPECT_NE(failed->one_off[0].reason.find("registry.test/nowhere:1"), std::string::npos);
}

TEST_F(LoopTest, KeepingTasksEndsTheControlPlaneAlone) {
  eventually(settled);
  control_->shut_down(true);
  thread_.join();
  EXPECT_FALSE(store_.going_down().value());
  EXPECT_FALSE(control_->snapshot()->released);
  EXPECT_EQ(engine_->observe(clock_.deadline_in(5s)).value().tasks.size(), 2U);
}

}  // namespace
}  // namespace slipway::reconcile
