// What the contract suite does not ask of every engine: what is special to this one, above all what happens
// when its records, its monitors or its disk fail. Real containers: needs root, conmon and crun or runc.
#include "engine/local/local_engine.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/mutex.h"
#include "engine/local/task_record.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;
using model::Health;
using model::TaskState;

class LocalEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (isolation() == "container" && ::geteuid() != 0) GTEST_SKIP() << "needs root: starts real containers";
    auto made = io::TemporaryDirectory::create("/var/tmp");
    ASSERT_TRUE(made) << made.error().text();
    directory_.emplace(std::move(*made));
    options_.cluster = "unit";
    options_.state = directory_->path() / "state";
    options_.isolation = isolation();
    const bool runtime = io::find_program("crun") || io::find_program("runc") || isolation() == "none";
    if (!io::find_program("conmon") || !runtime) GTEST_SKIP() << "needs conmon and crun or runc";
    start();
    ASSERT_TRUE(engine_);
  }

  void TearDown() override {
    if (!engine_) return;
    const auto observed = engine_->observe(deadline());
    ASSERT_TRUE(observed) << observed.error().text();
    for (const auto& revision : observed->revisions) {
      EXPECT_TRUE(engine_->remove(revision.revision.id, 0ms, ++generation_, deadline()));
    }
    for (const auto& task : observed->tasks) {
      if (!task.one_off) continue;
      EXPECT_TRUE(engine_->collect(task.id, 0ms, deadline()));
    }
    EXPECT_TRUE(
        eventually([](const model::Observed& now) { return now.tasks.empty() && now.revisions.empty(); }));
    const Status released = engine_->release(deadline());
    EXPECT_TRUE(released) << released.error().text();
  }

  virtual std::string isolation() const { return "container"; }

  void start() {
    auto engine = LocalEngine::create(options_, clock_, random_);
    if (!engine) {
      ADD_FAILURE() << engine.error().text();
      return;
    }
    engine_ = std::move(*engine);
    engine_->watch([this] {
      const Lock lock(mutex_);
      changed_ = true;
      condition_.notify_all();
    });
  }
  void restart() {
    engine_.reset();
    start();
    ASSERT_TRUE(engine_);
  }

  Deadline deadline(Duration wait = 30s) const { return clock_.deadline_in(wait); }
  fs::path state() const { return options_.state / "engine"; }

  static model::Revision shell(const std::string& script,
                               const std::function<void(model::TaskSpec&)>& change = {}) {
    model::TaskSpec spec;
    const std::vector<std::string> words = {"sh", "-c", script};
    spec.cmd.emplace(words);
    spec.resources.mem_mb = 64;
    spec.stop_grace = 1s;
    if (change) change(spec);
    return model::make_revision({"shop", "main"}, spec);
  }
  // A shell as the first process of a container would not heed a signal that it has no handler for.
  static model::Revision sleeper() { return shell("exec sleep 1000"); }

  void scale(const model::Revision& revision, int count) {
    const Status scaled = engine_->scale(revision, count, ++generation_, deadline());
    ASSERT_TRUE(scaled) << scaled.error().text();
  }

  // Observes after each hint until it is so.
  bool eventually(const std::function<bool(const model::Observed&)>& reached) {
    const Deadline end = deadline();
    while (true) {
      {
        const Lock lock(mutex_);
        changed_ = false;
      }
      const auto observed = engine_->observe(end);
      if (observed && reached(*observed)) return true;
      std::unique_lock<Mutex> lock(mutex_);
      const auto hinted = [this]() { return changed_; };
      if (!condition_.wait_until(lock, end.at, hinted)) {
        ADD_FAILURE() << (observed ? describe(*observed) : observed.error().text());
        return false;
      }
    }
  }
  bool eventually_running(int count) {
    return eventually([count](const model::Observed& now) {
      return static_cast<int>(now.tasks.size()) == count &&
             std::ranges::all_of(now.tasks,
                                 [](const auto& task) { return task.state == TaskState::Running; });
    });
  }
  static std::string describe(const model::Observed& observed) {
    std::string text;
    for (const auto& task : observed.tasks) text += model::to_json(task).dump() + "\n";
    return text;
  }
  std::vector<model::Task> tasks() {
    auto observed = engine_->observe(deadline());
    return observed ? observed->tasks : std::vector<model::Task>();
  }

  TaskRecord record_of(const model::TaskId& task) {
    auto loaded = RecordStore(state()).load();
    for (TaskRecord& record : loaded->tasks) {
      if (record.task.id == task) return record;
    }
    ADD_FAILURE() << "no record of " << task.str();
    return {};
  }

  // Runs a script in the task and returns what it wrote.
  std::string execute(const model::TaskId& task, const std::string& script, bool tty = false) {
    auto session =
        engine_->exec({.task = task, .argv = {"sh", "-c", script}, .env = {}, .tty = tty}, deadline());
    EXPECT_TRUE(session) << session.error().text();
    std::string out;
    while (session && !(*session)->finished()) {
      const auto chunk = (*session)->read(30s);
      EXPECT_TRUE(chunk) << chunk.error().text();
      if (!chunk) break;
      if (*chunk) out += (*chunk)->data;
    }
    return out;
  }

  SystemClock clock_;
  SystemRandom random_;
  std::optional<io::TemporaryDirectory> directory_;
  LocalOptions options_;
  std::unique_ptr<LocalEngine> engine_;
  model::Generation generation_ = 0;

 private:
  Mutex mutex_;
  Condition condition_;
  bool changed_ GUARDED_BY(mutex_) = false;
};

TEST_F(LocalEngineTest, StateDirectoryHasOneEngineAtATime) {
  const auto second = LocalEngine::create(options_, clock_, random_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict) << second.error().text();
}

TEST_F(LocalEngineTest, OptionThatMeansNothingIsInvalid) {
  LocalOptions options = options_;
  options.state = directory_->path() / "other";
  options.isolation = "some";
  const auto engine = LocalEngine::create(options, clock_, random_);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code(), ErrorCode::Invalid);
}

TEST_F(LocalEngineTest, LostTaskRecordCostsThatTaskAloneAndItsCountIsKept) {
  scale(sleeper(), 2);
  ASSERT_TRUE(eventually_running(2));
  const auto before = tasks();
  engine_.reset();
  ASSERT_TRUE(io::write_file(state() / "tasks" / before[0].id.str() / "task.json", "{\"task\":"));
  start();
  ASSERT_TRUE(engine_);
  ASSERT_TRUE(eventually_running(2));
  const auto after = tasks();
  int kept = 0;
  for (const auto& task : after) {
    EXPECT_NE(task.id, before[0].id);
    if (task.id != before[1].id) continue;
    ++kept;
    EXPECT_EQ(task.started_at, before[1].started_at);
  }
  EXPECT_EQ(kept, 1);
}

TEST_F(LocalEngineTest, LostRevisionRecordIsMadeAgainFromItsTasks) {
  const auto revision = sleeper();
  scale(revision, 2);
  ASSERT_TRUE(eventually_running(2));
  const auto before = tasks();
  engine_.reset();
  ASSERT_TRUE(io::remove_all(state() / "revisions"));
  start();
  ASSERT_TRUE(engine_);
  const auto observed = engine_->observe(deadline());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->tasks, before);
  ASSERT_EQ(observed->revisions.size(), 1U);
  EXPECT_EQ(observed->revisions[0].revision, revision);
  EXPECT_EQ(observed->revisions[0].count, 2);
}

TEST_F(LocalEngineTest, TaskWhoseStartWasNotRecordedIsFoundAndKept) {
  scale(sleeper(), 1);
  ASSERT_TRUE(eventually_running(1));
  const auto before = tasks();
  TaskRecord record = record_of(before[0].id);
  const pid_t pid = record.container.pid;
  engine_.reset();
  // As if we had been killed between the launch and the record of it.
  record.task.state = TaskState::Starting;
  record.task.started_at.reset();
  record.monitor = {};
  record.container = {};
  ASSERT_TRUE(RecordStore(state()).save(record));
  start();
  ASSERT_TRUE(engine_);
  ASSERT_TRUE(eventually_running(1));
  EXPECT_EQ(tasks()[0].id, before[0].id);
  EXPECT_EQ(record_of(before[0].id).container.pid, pid);
}

TEST_F(LocalEngineTest, TaskThatEndedWhileNobodyWatchedIsToldAndStartedAgain) {
  scale(sleeper(), 1);
  ASSERT_TRUE(eventually_running(1));
  const TaskRecord record = record_of(tasks()[0].id);
  engine_.reset();
  ASSERT_TRUE(signal_process(record.container, SIGKILL));
  ASSERT_TRUE(wait_for_end(record.monitor, clock_, deadline()));
  start();
  ASSERT_TRUE(engine_);
  ASSERT_TRUE(eventually([](const auto& now) {
    return now.tasks.size() == 1 && now.tasks[0].restarts == 1 && now.tasks[0].state == TaskState::Running;
  }));
  EXPECT_EQ(tasks()[0].last_exit, (model::Exit{128 + SIGKILL, SIGKILL, false}));
}

TEST_F(LocalEngineTest, TaskWhoseMonitorIsKilledIsStartedAgainWithTheReason) {
  scale(sleeper(), 1);
  ASSERT_TRUE(eventually_running(1));
  const TaskRecord before = record_of(tasks()[0].id);
  ASSERT_TRUE(signal_process(before.monitor, SIGKILL));
  bool told = false;
  ASSERT_TRUE(eventually([&told](const auto& now) {
    if (now.tasks.size() != 1) return false;
    told |= now.tasks[0].reason.find("conmon") != std::string::npos;
    return now.tasks[0].restarts == 1 && now.tasks[0].state == TaskState::Running;
  }));
  EXPECT_TRUE(told);
  EXPECT_FALSE(is_alive(before.container)) << "nothing of the first life is left";
}

// Limits the descriptors of this process for a while.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit fewer{count, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(LocalEngineTest, WantOfDescriptorsHurtsNoTaskThatRuns) {
  constexpr int kTasks = 6;
  scale(sleeper(), kTasks);
  ASSERT_TRUE(eventually_running(kTasks));
  std::vector<TaskRecord> before;
  for (const model::Task& task : tasks()) before.push_back(record_of(task.id));
  const size_t in_use = io::list_directory("/proc/self/fd")->size();
  {
    // Enough for the engine and to look at a task, too few to watch them all.
    const DescriptorLimit few(in_use - kTasks);
    restart();
    EXPECT_TRUE(eventually([](const model::Observed& now) {
      return std::ranges::any_of(now.tasks, [](const model::Task& task) {
        return task.state == TaskState::Running && task.reason.find("cannot be watched") != std::string::npos;
      });
    }));
    EXPECT_TRUE(std::ranges::all_of(
        tasks(), [](const model::Task& task) { return task.state == TaskState::Running; }));
  }
  for (const TaskRecord& record : before) EXPECT_TRUE(is_alive(record.container)) << record.task.id.str();
  EXPECT_TRUE(eventually([](const model::Observed& now) {
    return std::ranges::all_of(now.tasks, [](const model::Task& task) { return task.reason.empty(); });
  }));
  // Each is watched now.
  for (const TaskRecord& record : before) EXPECT_TRUE(signal_process(record.container, SIGKILL));
  EXPECT_TRUE(eventually([](const model::Observed& now) {
    return std::ranges::all_of(now.tasks, [](const model::Task& task) { return task.restarts == 1; });
  }));
}

TEST_F(LocalEngineTest, HangingHealthCommandIsKilledInsideTheTaskToo) {
  const auto revision = shell("exec sleep 1000", [](model::TaskSpec& spec) {
    spec.health.mode = model::HealthMode::Cmd;
    spec.health.cmd = {"sleep", "298"};
    spec.health.timeout = 300ms;
    spec.health.interval = 10ms;
    spec.health.grace_period = 0ms;
    spec.health.max_consecutive_failures = 4;
  });
  scale(revision, 1);
  ASSERT_TRUE(eventually(
      [](const auto& now) { return now.tasks.size() == 1 && now.tasks[0].health == Health::Unhealthy; }));
  EXPECT_NE(tasks()[0].reason.find("command 'sleep 298': did not end within 300ms"), std::string::npos)
      << tasks()[0].reason;
  // One may be under way; four that hung would be four.
  const std::string left =
      execute(tasks()[0].id, "grep -la '^sleep.298' /proc/[0-9]*/cmdline 2>/dev/null | wc -l");
  EXPECT_LE(std::stoi(left), 1) << left;
}

TEST_F(LocalEngineTest, OneOffTaskIsStoppedWhenItsTimeIsOver) {
  RunRequest request;
  request.revision = shell("trap 'exit 9' TERM; echo up; sleep 1000 & wait");
  request.id = model::TaskId("one-off-limit");
  request.timeout = 1s;
  ASSERT_TRUE(engine_->run(request, deadline()));
  ASSERT_TRUE(eventually(
      [](const auto& now) { return now.tasks.size() == 1 && now.tasks[0].state == TaskState::Exited; }));
  EXPECT_NE(tasks()[0].reason.find("its time was over"), std::string::npos) << tasks()[0].reason;
}

TEST_F(LocalEngineTest, TerminalInATaskIsOne) {
  scale(sleeper(), 1);
  ASSERT_TRUE(eventually_running(1));
  // crun begins the command and then sizes its terminal, telling it so by SIGWINCH; until then the size is 0
  // 0.
  const std::string out =
      execute(tasks()[0].id,
              "test -t 0 && test -t 1 && echo yes; i=0; while [ \"$(stty size)\" = '0 0' ] && "
              "[ $i -lt 3000 ]; do i=$((i+1)); sleep 0.01; done; stty size",
              true);
  EXPECT_NE(out.find("yes\r\n24 80"), std::string::npos) << out;
}

TEST_F(LocalEngineTest, CommandsGoOnInTasksThatAnotherRuntimeStarted) {
  if (!io::find_program("crun") || !io::find_program("runc")) GTEST_SKIP() << "needs crun and runc";
  const auto checked = shell("touch /tmp/fine; exec sleep 1000", [](model::TaskSpec& spec) {
    spec.health.mode = model::HealthMode::Cmd;
    spec.health.cmd = {"test", "-e", "/tmp/fine"};
    spec.health.interval = 50ms;
    spec.health.grace_period = 0ms;
    spec.health.max_consecutive_failures = 1;
  });
  const auto eventually_all = [this](Health health, size_t count) {
    return eventually([=](const auto& now) {
      return now.tasks.size() == count && std::ranges::all_of(now.tasks, [=](const auto& task) {
               return task.state == TaskState::Running && task.health == health;
             });
    });
  };
  options_.runtime = "crun";
  restart();
  scale(checked, 1);
  ASSERT_TRUE(eventually_all(Health::Healthy, 1));
  options_.runtime = "runc";
  restart();
  scale(checked, 2);
  ASSERT_TRUE(eventually_all(Health::Healthy, 2));
  options_.runtime = "crun";
  restart();
  for (const model::Task& task : tasks()) EXPECT_EQ(execute(task.id, "rm /tmp/fine; echo gone"), "gone\n");
  EXPECT_TRUE(eventually_all(Health::Unhealthy, 2)) << "the checks are asked as well";
}

TEST_F(LocalEngineTest, TaskThatWritesMoreThanItsDiskIsEndedAndItsNeighbourIsNot) {
  const auto writer = [](int mb) {
    return shell(fmt::format("dd if=/dev/zero of=/written bs=1M count={} 2>&1; exec sleep 1000", mb),
                 [](model::TaskSpec& spec) { spec.resources.disk_mb = 8; });
  };
  const auto greedy = writer(20), modest = writer(4);
  scale(modest, 1);
  ASSERT_TRUE(eventually_running(1));
  scale(greedy, 1);
  std::string reason;
  ASSERT_TRUE(eventually([&](const model::Observed& now) {
    for (const model::Task& task : now.tasks) {
      if (task.revision == greedy.id && task.reason.starts_with("disk: wrote")) reason = task.reason;
      if (task.revision == greedy.id && task.restarts > 0) return true;
    }
    return false;
  }));
  EXPECT_TRUE(reason.find(" MB, its limit is 8 MB; restart 1") != std::string::npos) << reason;
  for (const model::Task& task : tasks()) {
    if (task.revision != modest.id) continue;
    EXPECT_EQ(task.state, TaskState::Running);
    EXPECT_EQ(task.restarts, 0);
  }
}

TEST_F(LocalEngineTest, FollowerLosesNothingToRotation) {
  engine_.reset();
  options_.log_bytes = 800 << 10;
  start();
  ASSERT_TRUE(engine_);
  // Written over some four seconds, so that the log is looked at, and rotated, several times meanwhile.
  constexpr int kLines = 8000;
  const auto revision =
      shell(fmt::format("i=0; while [ $i -lt {} ]; do i=$((i+1)); echo $i {}; [ $((i % 100)) = 0 ] && sleep "
                        "0.05; done; exec sleep 1000",
                        kLines, std::string(100, 'x')));
  scale(revision, 1);
  ASSERT_TRUE(eventually_running(1));
  LogRequest request;
  request.task = tasks()[0].id;
  request.follow = true;
  auto reader = engine_->logs(request, deadline());
  ASSERT_TRUE(reader) << reader.error().text();
  int next = 1;
  while (next <= kLines) {
    const auto lines = (*reader)->read(30s);
    ASSERT_TRUE(lines) << lines.error().text();
    ASSERT_FALSE(lines->empty()) << "after line " << next - 1;
    for (const LogLine& line : *lines) ASSERT_EQ(std::stoi(line.text), next++);
  }
  EXPECT_TRUE(io::exists(state() / "tasks" / request.task.str() / "log.1") ||
              io::exists(state() / "tasks" / request.task.str() / "log.2"));
}

// PATH is a folder of links to the programs that are there.
class MissingProgram : public LocalEngineTest {
 protected:
  void SetUp() override {
    LocalEngineTest::SetUp();
    if (!engine_ || IsSkipped()) return;
    scale(sleeper(), 1);
    ASSERT_TRUE(eventually_running(1));
    engine_.reset();
    fs::create_directory(links());
    path_before_ = ::getenv("PATH");
    for (const char* name : {"conmon", "crun", "runc", "iptables", "iptables-save", "iptables-restore",
                             "iptables-legacy", "nft", "sh", "true", "sleep"}) {
      if (const auto program = io::find_program(name)) programs_[name] = *program;
    }
    for (const auto& [name, program] : programs_) add(name);
    ::setenv("PATH", links().c_str(), 1);
  }
  void TearDown() override {
    LocalEngineTest::TearDown();
    engine_.reset();
    if (!path_before_.empty()) ::setenv("PATH", path_before_.c_str(), 1);
  }

  fs::path links() const { return directory_->path() / "links"; }
  void add(const std::string& name) {
    if (programs_.contains(name)) fs::create_symlink(programs_.at(name), links() / name);
  }
  void take(const std::string& name) { fs::remove(links() / name); }
  bool eventually_failed(const model::Revision& revision, const std::string& why) {
    return eventually([&](const model::Observed& now) {
      return std::ranges::any_of(now.tasks, [&](const model::Task& task) {
        return task.revision == revision.id && task.state == TaskState::Failed &&
               task.reason.find(why) != std::string::npos;
      });
    });
  }

  std::map<std::string, std::string> programs_;
  std::string path_before_;
};

TEST_F(MissingProgram, RuntimeIsNamedTasksAreAdoptedAndItsReturnStartsTheRest) {
  const auto before = RecordStore(state()).load()->tasks.at(0);
  take("crun");
  take("runc");
  start();
  ASSERT_TRUE(engine_);
  ASSERT_EQ(tasks().size(), 1U);
  EXPECT_EQ(tasks()[0].state, TaskState::Running);
  EXPECT_EQ(tasks()[0].started_at, before.task.started_at);

  const auto other = shell("exec sleep 2000");
  scale(other, 1);
  EXPECT_TRUE(eventually_failed(other, "apt-get install crun"));
  EXPECT_TRUE(is_alive(before.container));
  add("crun");
  add("runc");
  EXPECT_TRUE(eventually_running(2));

  // Taken away under a control plane that has used it; and what runs can be taken down without.
  take("crun");
  take("runc");
  const auto third = shell("exec sleep 3000");
  scale(third, 1);
  EXPECT_TRUE(eventually_failed(third, "apt-get install"));
}

TEST_F(MissingProgram, ConmonIsNamedAndFoundWhenItIsThere) {
  take("conmon");
  start();
  ASSERT_TRUE(engine_);
  const auto other = shell("exec sleep 2000");
  scale(other, 1);
  EXPECT_TRUE(eventually_failed(other, "apt-get install conmon"));
  EXPECT_EQ(tasks().size(), 2U);
  add("conmon");
  EXPECT_TRUE(eventually_running(2));
}

TEST_F(MissingProgram, FirewallProgramIsMissedByTasksWithABridgeAlone) {
  for (const char* name : {"iptables", "iptables-legacy", "nft"}) take(name);
  start();
  ASSERT_TRUE(engine_);
  const auto bridged = shell("exec sleep 2000");
  scale(bridged, 1);
  EXPECT_TRUE(eventually_failed(bridged, "apt-get install iptables"));
  scale(shell("exec sleep 3000", [](model::TaskSpec& spec) { spec.net = model::NetMode::None; }), 1);
  EXPECT_TRUE(eventually([](const model::Observed& now) {
    return std::ranges::count(now.tasks, TaskState::Running, &model::Task::state) == 2;
  }));
  for (const char* name : {"iptables", "iptables-legacy", "nft"}) add(name);
  EXPECT_TRUE(eventually_running(3));
}

TEST_F(MissingProgram, CommandChecksThatCannotBeAskedLeaveHealthAsItIs) {
  start();
  ASSERT_TRUE(engine_);
  const auto checked = shell("exec sleep 2000", [](model::TaskSpec& spec) {
    spec.health.mode = model::HealthMode::Cmd;
    spec.health.cmd = {"true"};
    spec.health.interval = 10ms;
    spec.health.max_consecutive_failures = 1;
  });
  scale(checked, 1);
  ASSERT_TRUE(eventually([](const model::Observed& now) {
    return std::ranges::count(now.tasks, Health::Healthy, &model::Task::health) == 2;
  }));
  take("crun");
  take("runc");
  const auto other = shell("exec sleep 3000");
  scale(other, 1);
  EXPECT_TRUE(eventually_failed(other, "apt-get install"));
  EXPECT_EQ(std::ranges::count(tasks(), Health::Healthy, &model::Task::health), 2);
}

// The state directory on a disk of two megabytes.
class SmallDisk : public LocalEngineTest {
 protected:
  void SetUp() override {
    LocalEngineTest::SetUp();
    if (!engine_ || IsSkipped()) return;
    ASSERT_TRUE(engine_->release(deadline()));
    engine_.reset();
    const fs::path disk = directory_->path() / "small";
    fs::create_directory(disk);
    if (::mount("small", disk.c_str(), "tmpfs", 0, "size=2m") != 0)
      GTEST_SKIP() << "cannot mount a small disk";
    options_.state = disk;
    start();
  }
  void TearDown() override {
    fs::remove(filler());
    LocalEngineTest::TearDown();
    engine_.reset();
    ::umount2((directory_->path() / "small").c_str(), MNT_DETACH);
  }

  fs::path filler() const { return options_.state / "filler"; }
  void fill() {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), 4096).flush()) {
    }
  }
};

TEST_F(SmallDisk, WhenFullIsNamedAndTasksComeBackWhenThereIsRoom) {
  scale(sleeper(), 1);
  ASSERT_TRUE(eventually_running(1));
  fill();
  const auto other = shell("exec sleep 2000");
  const Status refused = engine_->scale(other, 1, ++generation_, deadline());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted) << refused.error().text();
  EXPECT_NE(refused.error().text().find(options_.state.string()), std::string::npos)
      << refused.error().text();
  EXPECT_EQ(tasks().at(0).state, TaskState::Running);

  // Its end gives a few bytes back, so that its next start may or may not find room. Where not, it says what
  // is full.
  ASSERT_TRUE(signal_process(record_of(tasks()[0].id).container, SIGKILL));
  EXPECT_TRUE(eventually([this](const auto& now) {
    return now.tasks.size() == 1 && (now.tasks[0].restarts > 0 ||
                                     now.tasks[0].reason.find(options_.state.string()) != std::string::npos);
  }));
  fs::remove(filler());
  EXPECT_TRUE(eventually_running(1));
  scale(other, 1);
  EXPECT_TRUE(eventually_running(2));
}

// Plain processes. This test program answers to `internal process-runtime` itself: see
// process_runtime_test.cpp.
class WithoutIsolation : public LocalEngineTest {
 protected:
  std::string isolation() const override { return "none"; }
};

TEST_F(WithoutIsolation, SaysSoAndKeepsTasksAllTheSame) {
  EXPECT_FALSE(engine_->capabilities().networks);
  scale(sleeper(), 2);
  ASSERT_TRUE(eventually_running(2));
  EXPECT_NE(engine_->observe(deadline())->isolation.find("not isolated"), std::string::npos);
  const auto before = tasks();
  restart();
  EXPECT_EQ(tasks(), before);
  ASSERT_TRUE(signal_process(record_of(before[0].id).container, SIGKILL));
  EXPECT_TRUE(eventually([&](const auto& now) {
    return now.tasks.size() == 2 && now.tasks[0].restarts == 1 && now.tasks[0].state == TaskState::Running;
  }));
  EXPECT_EQ(execute(before[1].id, "echo $SLIPWAY_TASK"), before[1].id.str() + "\n");
}

TEST_F(WithoutIsolation, ImageCannotRunAndTheReasonSaysWhy) {
  model::TaskSpec spec;
  spec.image = {model::ImageKind::Reference, "docker://example", ""};
  scale(model::make_revision({"shop", "main"}, spec), 1);
  EXPECT_TRUE(eventually([](const auto& now) {
    return now.tasks.size() == 1 && now.tasks[0].state == TaskState::Failed &&
           now.tasks[0].reason.find("without isolation") != std::string::npos;
  }));
}

}  // namespace
}  // namespace slipway::engine::local
