#include "contract/contract.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

namespace slipway::contract {

using model::TaskState;

namespace {

// The table at the end: which case came to what on this engine.
class CaseTable : public testing::Environment {
 public:
  void TearDown() override {
    const testing::UnitTest& all = *testing::UnitTest::GetInstance();
    fmt::print("\ncontract suite: case, result\n");
    for (int i = 0; i < all.total_test_suite_count(); ++i) print(*all.GetTestSuite(i));
    fmt::print("\n");
  }

 private:
  static void print(const testing::TestSuite& suite) {
    for (int i = 0; i < suite.total_test_count(); ++i) {
      const testing::TestInfo& test = *suite.GetTestInfo(i);
      if (!test.should_run()) continue;
      const testing::TestResult& result = *test.result();
      const char* word = result.Skipped() ? "skipped" : result.Passed() ? "passed" : "FAILED";
      const std::string name = std::string(suite.name()) == "Contract" ? "" : std::string(suite.name());
      fmt::print("  {:<90} {}", name + test.name(), word);
      if (result.Skipped()) fmt::print(": {}", result.GetTestPartResult(0).summary());
      fmt::print("\n");
    }
  }
};

[[maybe_unused]] const testing::Environment* const kCaseTable =
    testing::AddGlobalTestEnvironment(new CaseTable);

}  // namespace

std::string describe(const model::Observed& observed) {
  std::string text;
  for (const auto& revision : observed.revisions) {
    text += fmt::format("  revision {} ({}), count {}\n", revision.revision.id.str(),
                        revision.revision.instance.text(), revision.count);
  }
  for (const model::Task& task : observed.tasks) text += fmt::format("  {}\n", model::to_json(task).dump());
  return text.empty() ? "  nothing\n" : text;
}

std::vector<std::string> texts_of(const std::vector<engine::LogLine>& lines) {
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.push_back(line.text);
  return texts;
}

void Contract::SetUp() {
  auto made = make_subject("contract");
  if (!made) GTEST_SKIP() << made.error().text();
  subject_ = std::move(*made);
  start_control_plane();
}

void Contract::TearDown() {
  if (!subject_) return;
  remove_everything();
  engine().watch({});
  subject_->stop();
}

void Contract::start_control_plane() {
  const Status started = subject_->start();
  ASSERT_TRUE(started) << started.error().text();
  watch();
}

void Contract::restart_control_plane() {
  engine().watch({});
  subject_->stop();
  start_control_plane();
}

void Contract::watch() {
  engine().watch([this] {
    {
      const Lock lock(mutex_);
      hint_ = true;
    }
    hinted_.notify_all();
  });
}

void Contract::wait_for_hint() {
  const Lock lock(mutex_);
  if (!hint_) hinted_.wait_for(mutex_, 50ms);
  hint_ = false;
}

void Contract::remove_everything() {
  const model::Observed observed = observe();
  for (const auto& revision : observed.revisions) {
    const Status removed = engine().remove(revision.revision.id, 0ms, next_generation(), deadline());
    EXPECT_TRUE(removed) << removed.error().text();
  }
  for (const model::Task& task : observed.tasks) {
    if (!task.one_off) continue;
    const Status collected = engine().collect(task.id, 0ms, deadline());
    EXPECT_TRUE(collected) << collected.error().text();
  }
  eventually("everything to be removed",
             [](const model::Observed& now) { return now.revisions.empty() && now.tasks.empty(); });
  const Status released = engine().release(deadline());
  EXPECT_TRUE(released) << released.error().text();
}

model::TaskSpec Contract::spec_of(const Script& script) {
  model::TaskSpec spec;
  spec.cmd = subject_->argv(script);
  spec.resources.mem_mb = 64;
  spec.net = model::NetMode::None;
  return spec;
}

model::TaskSpec Contract::image_spec(const Script& script) {
  model::TaskSpec spec = spec_of({});
  const auto image = subject_->image();
  EXPECT_TRUE(image) << image.error().text();
  if (!image) return spec;
  spec.image = *image;
  spec.cmd.reset();
  spec.args = script;
  const auto prepared = engine().prepare(spec.image, deadline(60s));
  EXPECT_TRUE(prepared) << prepared.error().text();
  return spec;
}

model::Revision Contract::revision_of(const model::TaskSpec& spec, const std::string& instance) {
  return model::make_revision({"contract", instance}, spec);
}

void Contract::scale(const model::Revision& revision, int count) {
  const Status scaled = engine().scale(revision, count, next_generation(), deadline());
  ASSERT_TRUE(scaled) << scaled.error().text();
}

model::Revision Contract::run_tasks(const Script& script, int count, const std::string& instance) {
  return run_tasks(spec_of(script), count, instance);
}

model::Revision Contract::run_tasks(const model::TaskSpec& spec, int count, const std::string& instance) {
  const model::Revision revision = revision_of(spec, instance);
  scale(revision, count);
  eventually_running(revision, count);
  return revision;
}

model::Observed Contract::observe() {
  auto observed = engine().observe(deadline());
  EXPECT_TRUE(observed) << observed.error().text();
  return observed ? *observed : model::Observed{};
}

std::vector<model::Task> Contract::tasks_of(const model::Observed& observed,
                                            const model::Revision& revision) {
  std::vector<model::Task> found;
  for (const model::Task& task : observed.tasks) {
    if (task.revision == revision.id) found.push_back(task);
  }
  return found;
}

model::Task Contract::only_task(const model::Revision& revision) {
  const auto tasks = tasks_of(observe(), revision);
  EXPECT_EQ(tasks.size(), 1u);
  return tasks.size() == 1 ? tasks[0] : model::Task{};
}

bool Contract::eventually(const std::string& what, const std::function<bool(const model::Observed&)>& reached,
                          Duration wait) {
  const Deadline end = deadline(wait);
  while (true) {
    auto observed = engine().observe(deadline());
    if (observed && reached(*observed)) return true;
    if (end.passed(subject_->clock().steady_now())) {
      ADD_FAILURE() << "waited " << to_text(wait) << " for " << what << "; now:\n"
                    << (observed ? describe(*observed) : observed.error().text());
      return false;
    }
    wait_for_hint();
  }
}

bool Contract::eventually_running(const model::Revision& revision, int count, Duration wait) {
  return eventually(
      fmt::format("{} running tasks of {}", count, revision.id.str()),
      [&](const model::Observed& observed) {
        const auto tasks = tasks_of(observed, revision);
        return static_cast<int>(tasks.size()) == count &&
               std::ranges::all_of(tasks, [](const auto& task) { return task.state == TaskState::Running; });
      },
      wait);
}

bool Contract::eventually_healthy(const model::Revision& revision, int count) {
  return eventually(
      fmt::format("{} healthy tasks of {}", count, revision.id.str()), [&](const model::Observed& observed) {
        const auto tasks = tasks_of(observed, revision);
        return static_cast<int>(tasks.size()) == count && std::ranges::all_of(tasks, [](const auto& task) {
                 return task.health == model::Health::Healthy;
               });
      });
}

bool Contract::eventually_gone(const model::Revision& revision) {
  return eventually("revision " + revision.id.str() + " to be gone", [&](const model::Observed& observed) {
    const bool known = std::ranges::any_of(
        observed.revisions, [&](const auto& entry) { return entry.revision.id == revision.id; });
    return !known && tasks_of(observed, revision).empty();
  });
}

bool Contract::eventually_health(const model::Revision& revision, model::Health health) {
  return eventually(fmt::format("the task to be {}", model::to_text(health)),
                    [&](const model::Observed& observed) {
                      const auto tasks = tasks_of(observed, revision);
                      return tasks.size() == 1 && tasks[0].health == health;
                    });
}

model::Exit Contract::eventual_exit(const model::Revision& revision) {
  model::Exit exit;
  eventually("the task's first exit", [&](const model::Observed& observed) {
    const auto tasks = tasks_of(observed, revision);
    if (tasks.size() != 1 || !tasks[0].last_exit) return false;
    exit = *tasks[0].last_exit;
    return true;
  });
  return exit;
}

std::vector<engine::LogLine> Contract::read_log(
    engine::LogReader& reader, const std::function<bool(const std::vector<engine::LogLine>&)>& enough) {
  std::vector<engine::LogLine> lines;
  const Deadline end = deadline(kSoon);
  while (!enough(lines) && !reader.ended()) {
    if (end.passed(subject_->clock().steady_now())) {
      ADD_FAILURE() << "the log did not come within " << to_text(kSoon) << "; " << lines.size()
                    << " lines so far";
      break;
    }
    auto more = reader.read(100ms);
    if (!more) {
      ADD_FAILURE() << more.error().text();
      break;
    }
    EXPECT_LE(more->size(), 1000u);
    std::ranges::move(*more, std::back_inserter(lines));
  }
  return lines;
}

std::vector<engine::LogLine> Contract::read_log(const engine::LogRequest& request, size_t lines) {
  auto reader = engine().logs(request, deadline());
  if (!reader) {
    ADD_FAILURE() << reader.error().text();
    return {};
  }
  return read_log(**reader, [lines](const auto& so_far) { return so_far.size() >= lines; });
}

std::unique_ptr<engine::LogReader> Contract::follow(const model::TaskId& task) {
  engine::LogRequest request;
  request.task = task;
  request.follow = true;
  auto reader = engine().logs(request, deadline());
  EXPECT_TRUE(reader) << reader.error().text();
  return reader ? std::move(*reader) : nullptr;
}

Contract::Executed Contract::execute(const model::TaskId& task, const Script& script,
                                     const std::string& input) {
  Executed executed;
  engine::ExecRequest request;
  request.task = task;
  request.argv = subject_->argv(script);
  auto opened = engine().exec(request, deadline());
  if (!opened) {
    ADD_FAILURE() << opened.error().text();
    return executed;
  }
  engine::ExecSession& session = **opened;
  // From a thread of its own, as the contract allows: the command may fill its output before it has read all
  // input.
  std::thread writer([&] {
    if (!input.empty()) {
      EXPECT_TRUE(session.write(input));
    }
    EXPECT_TRUE(session.close_input());
  });
  read_session(session, executed);
  writer.join();
  return executed;
}

void Contract::read_session(engine::ExecSession& session, Executed& executed) {
  const Deadline end = deadline(kSoon);
  while (!session.finished()) {
    if (end.passed(subject_->clock().steady_now())) {
      ADD_FAILURE() << "the command did not end";
      return;
    }
    auto chunk = session.read(100ms);
    if (!chunk) {
      ADD_FAILURE() << chunk.error().text();
      return;
    }
    if (*chunk) ((*chunk)->stream == engine::Stream::Out ? executed.out : executed.err) += (*chunk)->data;
  }
  executed.exit_code = session.exit_code();
}

}  // namespace slipway::contract
