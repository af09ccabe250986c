// Case 11: logs.
#include <algorithm>

#include <fmt/format.h>

#include "contract/contract.h"

namespace slipway::contract {
namespace {

using engine::LogLine;
using engine::LogRequest;
using engine::Stream;

class Case11 : public Contract {
 protected:
  void SetUp() override {
    Contract::SetUp();
    if (subject_ && !engine().capabilities().logs) GTEST_SKIP() << "the engine keeps no logs";
  }

  LogRequest request_of(const model::Revision& revision, bool follow = true) {
    LogRequest request;
    request.task = only_task(revision).id;
    request.follow = follow;
    return request;
  }

  // All lines of the script are in the log: its last is `end`.
  void wait_for_end(const model::Revision& revision) {
    auto reader = engine().logs(request_of(revision), deadline());
    ASSERT_TRUE(reader) << reader.error().text();
    read_log(**reader, [](const auto& lines) { return !lines.empty() && lines.back().text == "end"; });
  }

  void expect_counted(const std::vector<LogLine>& lines, int count) {
    ASSERT_GE(static_cast<int>(lines.size()), count);
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(lines[static_cast<size_t>(i)].text, std::to_string(i + 1));
    }
  }
};

TEST_F(Case11, OutputAndErrorsAreToldApart) {
  const auto revision = run_tasks({"print one", "error two", "wait 200ms", "print end", "forever"});
  wait_for_end(revision);
  LogRequest request = request_of(revision, false);
  const auto both = read_log(request, 3);
  ASSERT_EQ(both.size(), 3u);
  for (const LogLine& line : both) {
    EXPECT_EQ(line.stream, line.text == "two" ? Stream::Err : Stream::Out) << line.text;
    EXPECT_GT(line.at, Time{});
  }
  request.err = false;
  EXPECT_EQ(texts_of(read_log(request, 3)), (std::vector<std::string>{"one", "end"}));
  request.err = true;
  request.out = false;
  EXPECT_EQ(texts_of(read_log(request, 3)), (std::vector<std::string>{"two"}));
}

TEST_F(Case11, ALogThatIsNotFollowedEnds) {
  const auto revision = run_tasks({"print end", "forever"});
  wait_for_end(revision);
  auto reader = engine().logs(request_of(revision, false), deadline());
  ASSERT_TRUE(reader);
  EXPECT_EQ(texts_of(read_log(**reader, [](const auto&) { return false; })), std::vector<std::string>{"end"});
  EXPECT_TRUE((*reader)->ended());
}

TEST_F(Case11, AFollowedLogBringsWhatComesAndEndsWithTheTask) {
  const auto revision = run_tasks({"heed bye", "print one", "wait 300ms", "print two", "forever"});
  const auto log = follow(only_task(revision).id);
  ASSERT_TRUE(log);
  EXPECT_EQ(texts_of(read_log(*log, [](const auto& lines) { return lines.size() == 2; })),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_FALSE(log->ended());
  ASSERT_TRUE(engine().remove(revision.id, 30s, next_generation(), deadline()));
  EXPECT_EQ(texts_of(read_log(*log, [](const auto&) { return false; })),
            std::vector<std::string>{"bye SIGTERM"});
  EXPECT_TRUE(log->ended());
}

TEST_F(Case11, SinceAndTailLeaveOutWhatIsOlder) {
  const auto revision = run_tasks({"count 5", "wait 300ms", "print late", "print end", "forever"});
  wait_for_end(revision);
  LogRequest request = request_of(revision, false);
  const auto all = read_log(request, 7);
  ASSERT_EQ(all.size(), 7u);
  request.since = all[5].at;
  const auto recent = texts_of(read_log(request, 7));
  ASSERT_FALSE(recent.empty());
  EXPECT_EQ(recent.front(), "late");
  EXPECT_EQ(recent.back(), "end");
  request.since.reset();
  request.tail = 3;
  EXPECT_EQ(texts_of(read_log(request, 7)), (std::vector<std::string>{"5", "late", "end"}));
  request.tail = 0;
  EXPECT_TRUE(read_log(request, 7).empty());
  request.tail = 100;
  EXPECT_EQ(read_log(request, 7).size(), 7u);
}

TEST_F(Case11, TenThousandLinesArriveCompleteAndInOrder) {
  constexpr int kLines = 10'000;
  const auto revision = run_tasks({fmt::format("count {}", kLines), "print end", "forever"});
  expect_counted(read_log(request_of(revision), kLines), kLines);
}

TEST_F(Case11, ALineOfOneMebibyteBreaksNothing) {
  constexpr size_t kMebibyte = 1 << 20;
  const auto revision =
      run_tasks({"print before", fmt::format("long {}", kMebibyte), "print end", "forever"});
  const auto lines = read_log(request_of(revision), 3);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text, "before");
  EXPECT_EQ(lines[1].text.size(), kMebibyte);
  EXPECT_EQ(lines[1].text.find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(lines[2].text, "end");
}

TEST_F(Case11, ALongerLineIsCutIntoPiecesOfThatSize) {
  constexpr size_t kMebibyte = 1 << 20;
  const auto revision = run_tasks({fmt::format("long {}", kMebibyte + 10), "print end", "forever"});
  const auto lines = read_log(request_of(revision), 3);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text.size(), kMebibyte);
  EXPECT_EQ(lines[1].text.size(), 10u);
  EXPECT_EQ(lines[2].text, "end");
}

TEST_F(Case11, TheLogGoesOnAcrossARestartOfTheControlPlane) {
  const auto revision = run_tasks({"heed bye", "count 100", "print end", "forever"});
  wait_for_end(revision);
  restart_control_plane();
  auto reader = engine().logs(request_of(revision), deadline());
  ASSERT_TRUE(reader);
  const auto lines = read_log(**reader, [](const auto& so_far) { return so_far.size() >= 101; });
  expect_counted(lines, 100);
  // What is written under the new control plane is read as well.
  ASSERT_TRUE(engine().remove(revision.id, 30s, next_generation(), deadline()));
  EXPECT_EQ(texts_of(read_log(**reader, [](const auto& so_far) { return !so_far.empty(); })),
            std::vector<std::string>{"bye SIGTERM"});
}

TEST_F(Case11, TheLogOfAFailedTaskIsStillThereAndItsLastLinesAreObserved) {
  const auto revision = revision_of(spec_of({"print going down", "error cannot go on", "exit 1"}));
  scale(revision, 1);
  eventual_exit(revision);
  const model::Task task = only_task(revision);
  EXPECT_EQ(std::ranges::count(task.last_lines, "cannot go on"), 1);
  LogRequest request;
  request.task = task.id;
  const auto lines = texts_of(read_log(request, 2));
  EXPECT_GE(std::ranges::count(lines, "going down"), 1);
}

TEST_F(Case11, TheLogOfATaskThatIsNotThereIsNotFound) {
  LogRequest request;
  request.task = model::TaskId("no-such-task");
  const auto reader = engine().logs(request, deadline());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::contract
