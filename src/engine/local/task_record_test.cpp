#include "engine/local/task_record.h"

#include <gtest/gtest.h>

#include "engine/local/lifecycle.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

model::Revision revision() {
  model::TaskSpec spec;
  const std::vector<std::string> words = {"sh", "-c", "echo \"$HOME\"\n"};
  spec.cmd.emplace(words);
  spec.env["TEXT"] = "with spaces \xC3\xBC";
  spec.container_port = 8080;
  return model::make_revision({"shop", "main"}, spec);
}

TaskRecord full_record() {
  TaskRecord record = new_task(revision(), model::TaskId("shop-main-1"), model::NodeId("n1"), Time(1000ms));
  record.task.addresses = {{"10.1.2.3", 8080, 8080}};
  record.task.last_exit = model::Exit{std::nullopt, 9, true};
  record.task.last_lines = {"a", "b"};
  record.task.next_start_at = Time(2000ms);
  record.goal = Goal::Stop;
  record.ip = "10.1.2.3";
  record.boot_id = "boot";
  record.image_digest = "sha256:ab";
  record.wrote_mb = 2100;
  record.monitor = {100, 1'234'567'890'123};
  record.container = {101, 5};
  record.failures = 3;
  record.kill_at = Time(3000ms);
  record.stop_at = Time(4000ms);
  return record;
}

class Records : public testing::Test {
 protected:
  void SetUp() override {
    auto made = io::TemporaryDirectory::create();
    ASSERT_TRUE(made) << made.error().text();
    directory_.emplace(std::move(*made));
  }
  RecordStore store() const { return RecordStore(directory_->path()); }
  void save(const TaskRecord& record) {
    ASSERT_TRUE(io::make_directories(store().task_folder(record.task.id)));
    const Status saved = store().save(record);
    ASSERT_TRUE(saved) << saved.error().text();
  }

  std::optional<io::TemporaryDirectory> directory_;
};

TEST_F(Records, AreReadBackEqual) {
  const TaskRecord task = full_record();
  const RevisionRecord kept{revision(), 3, 42, true};
  save(task);
  ASSERT_TRUE(store().save(kept));
  const auto loaded = store().load();
  ASSERT_TRUE(loaded) << loaded.error().text();
  ASSERT_EQ(loaded->tasks.size(), 1U);
  EXPECT_EQ(loaded->tasks[0], task);
  ASSERT_EQ(loaded->revisions.size(), 1U);
  EXPECT_EQ(loaded->revisions[0], kept);
  EXPECT_TRUE(loaded->bad_tasks.empty());
}

TEST_F(Records, NoneAreNoError) {
  const auto loaded = store().load();
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->tasks.empty());
}

TEST_F(Records, UnreadableOneCostsNoOther) {
  save(full_record());
  ASSERT_TRUE(io::make_directories(store().task_folder(model::TaskId("broken"))));
  ASSERT_TRUE(io::write_file(store().task_folder(model::TaskId("broken")) / "task.json", "{\"task\": 3"));
  ASSERT_TRUE(io::make_directories(store().task_folder(model::TaskId("empty"))));
  const auto loaded = store().load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->tasks.size(), 1U);
  ASSERT_EQ(loaded->bad_tasks.size(), 2U);
  EXPECT_EQ(loaded->bad_tasks[0].name, "broken");
  EXPECT_NE(loaded->bad_tasks[0].error.text().find("broken/task.json"), std::string::npos);
  EXPECT_EQ(loaded->bad_tasks[1].error.code(), ErrorCode::NotFound);
}

TEST_F(Records, ErasedOnesAreGone) {
  const TaskRecord task = full_record();
  save(task);
  ASSERT_TRUE(store().save(RevisionRecord{.revision = revision()}));
  ASSERT_TRUE(store().erase(task.task.id));
  ASSERT_TRUE(store().erase(revision().id));
  const auto loaded = store().load();
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->tasks.empty());
  EXPECT_TRUE(loaded->revisions.empty());
  EXPECT_TRUE(loaded->bad_tasks.empty());
}

}  // namespace
}  // namespace slipway::engine::local
