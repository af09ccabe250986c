#include "engine/local/disk_watch.h"

#include <atomic>
#include <fstream>
#include <future>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAll = UINT64_MAX;
constexpr uint64_t kMegabyte = 1 << 20;
// What file systems add for themselves: folders, and blocks that say where blocks are.
constexpr uint64_t kSlack = 256 << 10;

class DiskWatchTest : public testing::Test {
 protected:
  // On a real disk: TMPDIR may be memory, whose files are counted otherwise.
  io::TemporaryDirectory folder_ = io::TemporaryDirectory::create("/var/tmp").value();
  SystemClock clock_;

  fs::path path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name, uint64_t bytes) const {
    fs::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << std::string(bytes, 'x');
  }
  uint64_t used(uint64_t enough = kAll) const {
    return disk_use(folder_.path(), enough, [] { return true; });
  }
};

TEST_F(DiskWatchTest, CountsWhatFilesHoldOnDiskHoweverDeepTheyAre) {
  write("a", kMegabyte);
  write("one/two/three/b", 2 * kMegabyte);
  EXPECT_GE(used(), 3 * kMegabyte);
  EXPECT_LE(used(), 3 * kMegabyte + kSlack);
}

TEST_F(DiskWatchTest, AFileWithTwoNamesCountsOnceAndAHoleNotAtAll) {
  write("a", kMegabyte);
  fs::create_hard_link(path("a"), path("b"));
  write("hole", 1);
  fs::resize_file(path("hole"), 1000 * kMegabyte);
  EXPECT_GE(used(), kMegabyte);
  EXPECT_LE(used(), kMegabyte + kSlack);
}

TEST_F(DiskWatchTest, LinksLeadNowhere) {
  const io::TemporaryDirectory other = io::TemporaryDirectory::create("/var/tmp").value();
  std::ofstream(other.path() / "big") << std::string(kMegabyte, 'x');
  fs::create_directory_symlink(other.path(), path("out"));
  fs::create_symlink(other.path() / "big", path("big"));
  EXPECT_LE(used(), kSlack);
}

TEST_F(DiskWatchTest, EndsWhenItIsEnoughAndWhenItIsTold) {
  for (int i = 0; i < 200; ++i) write("files/" + std::to_string(i), 8 << 10);
  EXPECT_LE(used(100 << 10), 112 << 10);
  int asked = 0;
  const uint64_t first_part = disk_use(folder_.path(), kAll, [&] { return ++asked > 1; });
  EXPECT_LT(first_part, used());
  EXPECT_EQ(asked, 1);
}

TEST_F(DiskWatchTest, NothingThereIsNothingUsed) {
  EXPECT_EQ(disk_use(path("missing"), kAll, [] { return true; }), 0U);
}

TEST_F(DiskWatchTest, ReportsWhoHoldsTooMuchAndNobodyElse) {
  write("big/a", 3 * kMegabyte);
  write("small/a", kMegabyte);
  std::promise<std::string> told;
  std::atomic<int> reports = 0;
  DiskWatch watch(clock_, {.period = 1ms}, [&](const model::TaskId& task, uint64_t run, uint64_t bytes) {
    if (++reports == 1) told.set_value(task.str() + (run == 7 && bytes > 2 * kMegabyte ? "" : " wrong"));
  });
  watch.watch(model::TaskId("small"), {path("small"), 1, 2 * kMegabyte});
  watch.watch(model::TaskId("big"), {path("big"), 7, 2 * kMegabyte});
  EXPECT_EQ(told.get_future().get(), "big");
}

TEST_F(DiskWatchTest, EndsAtOnceInTheMiddleOfARest) {
  for (int i = 0; i < 500; ++i) write("files/" + std::to_string(i), 1);
  const DiskPace pace{.period = 1ms, .slice = 0ms, .rest = 1'000'000, .longest_rest = 1h};
  DiskWatch watch(clock_, pace, [](const model::TaskId&, uint64_t, uint64_t) {});
  watch.watch(model::TaskId("task"), {path("files"), 1, kAll});
}  // here, or it would take hours

}  // namespace
}  // namespace slipway::engine::local
