#include "reconcile/loop.h"

#include <thread>

#include <gtest/gtest.h>

#include "discovery/fake_proxy.h"
#include "engine/fake/fake_engine.h"
#include "io/file.h"
#include "state/memory_store.h"
#include "support/builders.h"

namespace slipway::reconcile {
namespace {

// A control plane in this process: the real loop and its threads, a fake engine whose time passes, files on
// disk.
class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::make_unique<io::TemporaryDirectory>(io::TemporaryDirectory::create().value());
    write("web", "main:\n  cmd: [serve]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
    engine::fake::Options options;
    options.live = true;
    cluster_ = std::make_shared<engine::fake::FakeCluster>(clock_, random_, options);
    start();
  }
  void TearDown() override { stop(); }

  void write(const std::string& service, const std::string& text) {
    ASSERT_TRUE(io::make_directories(directory_->path() / service).has_value());
    ASSERT_TRUE(io::write_file(directory_->path() / service / "run.yaml", text).has_value());
  }

  void start() {
    config::ClusterConfig config;
    config.cluster = "test";
    config.config = directory_->path();
    loop_ = std::make_unique<io::EventLoop>();
    engine_ = std::make_unique<engine::fake::FakeEngine>(cluster_);
    control_ = std::make_unique<Loop>(LoopParts{*loop_, *engine_, proxy_, store_, clock_, random_}, config,
                                      [this] { loop_->stop(); });
    ASSERT_TRUE(control_->start().has_value());
    thread_ = std::thread([this] { loop_->run(); });
  }

  void stop() {
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
  std::shared_ptr<engine::fake::FakeCluster> cluster_;
  discovery::FakeProxy proxy_;
  state::MemoryStore store_;
  std::unique_ptr<io::EventLoop> loop_;
  std::unique_ptr<engine::fake::FakeEngine> engine_;
  std::unique_ptr<Loop> control_;
  std::thread thread_;
};

const model::InstanceId kWeb{"web", "main"};

TEST_F(LoopTest, FilesBecomeRoutedTasks) {
  const auto snapshot = eventually(settled);
  EXPECT_EQ(snapshot->instances[0].healthy, 2);
  EXPECT_EQ(snapshot->desired.problems, std::vector<model::Problem>());
}

TEST_F(LoopTest, AChangedFileRollsAndIsHistory) {
  const auto before = eventually(settled)->instances[0].revision;
  write("web", "main:\n  cmd: [serve, more]\n  instances: 2\n  container_port: 80\n  proxy: {port: 18000}\n");
  control_->reload();
  eventually([&](const Snapshot& now) {
    return settled(now) && now.instances[0].revision != before && now.instances[0].revisions.size() == 1;
  });
  const auto history = control_->bounces(kWeb, 10).value();
  ASSERT_FALSE(history.empty());
  EXPECT_EQ(history[0].outcome, "done");
}

TEST_F(LoopTest, ABrokenFileChangesNothingAndIsNamed) {
  const auto before = eventually(settled);
  write("web", "main:\n  cmd: [serve\n");
  control_->reload();
  const auto after = eventually([](const Snapshot& now) { return !now.desired.problems.empty(); });
  EXPECT_EQ(after->desired.broken, std::vector<std::string>{"web"});
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
  eventually([](const Snapshot& now) { return settled(now) && now.instances[0].healthy == 4; });
  stop();
  start();
  const auto snapshot = eventually(settled);
  EXPECT_EQ(snapshot->instances[0].healthy, 4);
  ASSERT_EQ(snapshot->instances[0].overrides.size(), 1U);

  scale.instance.instance = "nobody";
  EXPECT_EQ(control_->put_override(scale, clock_.deadline_in(5s)).error().code(), ErrorCode::NotFound);
}

TEST_F(LoopTest, AnEngineThatCannotBeAskedChangesNothing) {
  eventually(settled);
  cluster_->set_api({.outage = true});
  const auto snapshot = eventually([](const Snapshot& now) { return !now.trouble.empty(); });
  EXPECT_NE(snapshot->trouble.find("engine"), std::string::npos);
  EXPECT_FALSE(snapshot->settled);
  cluster_->set_api({});
  EXPECT_EQ(eventually(settled)->instances[0].healthy, 2);
}

TEST_F(LoopTest, ARestartAdoptsWhatRuns) {
  const auto before = eventually(settled)->instances[0].tasks;
  stop();
  start();
  const auto after = eventually(settled)->instances[0].tasks;
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

TEST_F(LoopTest, KeepingTasksEndsTheControlPlaneAlone) {
  eventually(settled);
  control_->shut_down(true);
  thread_.join();
  EXPECT_FALSE(control_->snapshot()->released);
  EXPECT_EQ(engine_->observe(clock_.deadline_in(5s)).value().tasks.size(), 2U);
}

}  // namespace
}  // namespace slipway::reconcile
