#include "engine/local/logs.h"

#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/local/log_reader.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

constexpr const char* kStamp = "2026-01-31T09:15:00.250000000+00:00";

std::string entry(const std::string& text, const std::string& head = "stdout F") {
  return fmt::format("{} {} {}\n", kStamp, head, text);
}

std::vector<std::string> texts(const std::vector<LogLine>& lines) {
  std::vector<std::string> result;
  for (const LogLine& line : lines) result.push_back(line.text);
  return result;
}

TEST(LogEntry, HasTimeStreamWholenessAndText) {
  const auto parsed = parse_log_entry("2026-01-31T10:15:00.250999999+01:00 stderr P some  text ");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_text(parsed->at), "2026-01-31T09:15:00.250Z");
  EXPECT_EQ(parsed->stream, Stream::Err);
  EXPECT_FALSE(parsed->whole);
  EXPECT_EQ(parsed->text, "some  text ");
}

TEST(LogEntry, MayBeEmptyAndInUtc) {
  const auto parsed = parse_log_entry("2026-01-31T09:15:00Z stdout F ");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text, "");
  EXPECT_TRUE(parsed->whole);
}

TEST(LogEntry, OtherTextIsNone) {
  for (const char* text :
       {"", "hello", "2026-01-31T09:15:00Z stdout X a", "2026-01-31T09:15:00Z stdlog F a",
        "2026-13-31T09:15:00Z stdout F a", "2026-01-31T09:15 stdout F a", "2026-01-31T09:15:00Z stdout F"}) {
    EXPECT_FALSE(parse_log_entry(text)) << text;
  }
}

TEST(LineJoiner, JoinsPiecesOfEachStreamForItself) {
  LineJoiner joiner;
  std::vector<LogLine> lines;
  joiner.add(LogEntry{.whole = false, .text = "a1 "}, lines);
  joiner.add(LogEntry{.stream = Stream::Err, .whole = false, .text = "b1 "}, lines);
  joiner.add(LogEntry{.text = "a2"}, lines);
  joiner.add(LogEntry{.stream = Stream::Err, .text = "b2"}, lines);
  EXPECT_EQ(texts(lines), (std::vector<std::string>{"a1 a2", "b1 b2"}));
}

TEST(LineJoiner, CutsWhatIsLongerThanTheLimit) {
  LineJoiner joiner;
  std::vector<LogLine> lines;
  const std::string piece(8192, 'x');
  for (size_t i = 0; i < kLineLimit / piece.size() + 1; ++i) {
    joiner.add(LogEntry{.whole = false, .text = piece}, lines);
  }
  joiner.add(LogEntry{.text = "end"}, lines);
  joiner.add(LogEntry{.text = "next"}, lines);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].text.size(), kLineLimit);
  EXPECT_EQ(lines[1].text, piece + "end");
  EXPECT_EQ(lines[2].text, "next");
}

TEST(LineJoiner, LineOfExactlyTheLimitStaysWhole) {
  LineJoiner joiner;
  std::vector<LogLine> lines;
  joiner.add(LogEntry{.whole = false, .text = std::string(kLineLimit, 'x')}, lines);
  joiner.add(LogEntry{.text = ""}, lines);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text.size(), kLineLimit);
}

TEST(LineJoiner, GivesOutTheRestWhenNoMoreWillCome) {
  LineJoiner joiner;
  std::vector<LogLine> lines;
  joiner.add(LogEntry{.whole = false, .text = "half"}, lines);
  EXPECT_TRUE(lines.empty());
  joiner.finish(lines);
  EXPECT_EQ(texts(lines), std::vector<std::string>{"half"});
}

LogRequest following() {
  LogRequest request;
  request.follow = true;
  return request;
}

LogRequest tail(int lines, bool err = true) {
  LogRequest request;
  request.tail = lines;
  request.err = err;
  return request;
}

// A folder with logs, and a monitor that writes them as conmon would: into the file that it has open.
class LogFolder : public testing::Test {
 protected:
  void SetUp() override {
    auto made = io::TemporaryDirectory::create();
    ASSERT_TRUE(made) << made.error().text();
    directory_.emplace(std::move(*made));
    reopen();
  }

  std::filesystem::path folder() const { return directory_->path() / "task"; }

  void reopen() {
    ASSERT_TRUE(io::make_directories(folder()));
    file_.close();
    file_.clear();
    file_.open(folder() / kLogName, std::ios::app);
  }
  void write(const std::string& text) { file_ << text << std::flush; }
  // Without the signal to a monitor, which is this test.
  void rotate(uint64_t limit = 1) {
    const auto rotated = rotate_log(folder(), limit, -1);
    ASSERT_TRUE(rotated) << rotated.error().text();
  }

  std::unique_ptr<LogReader> open(LogRequest request = {}) {
    auto reader = open_log(folder(), request, clock_);
    EXPECT_TRUE(reader) << reader.error().text();
    return reader ? std::move(*reader) : nullptr;
  }
  std::vector<std::string> read_all(LogReader& reader) {
    std::vector<std::string> all;
    while (!reader.ended()) {
      const auto lines = reader.read(0ms);
      EXPECT_TRUE(lines) << lines.error().text();
      if (!lines) break;
      for (const LogLine& line : *lines) all.push_back(line.text);
    }
    return all;
  }
  // Of a reader that follows: what is there now.
  std::vector<std::string> read_some(LogReader& reader) {
    std::vector<std::string> all;
    while (true) {
      const auto lines = reader.read(0ms);
      EXPECT_TRUE(lines) << lines.error().text();
      if (!lines || lines->empty()) return all;
      for (const LogLine& line : *lines) all.push_back(line.text);
    }
  }

  SystemClock clock_;
  std::optional<io::TemporaryDirectory> directory_;
  std::ofstream file_;
};

TEST_F(LogFolder, IsReadInOrderAcrossRotations) {
  for (int i = 0; i < 4; ++i) {
    write(entry(fmt::format("line {}", i)));
    if (i < 3) rotate();
    if (i < 3) reopen();
  }
  EXPECT_EQ(read_all(*open()), (std::vector<std::string>{"line 0", "line 1", "line 2", "line 3"}));
}

TEST_F(LogFolder, KeepsAtMostTheLatestFiles) {
  for (int i = 0; i < 10; ++i) {
    write(entry(fmt::format("line {}", i)));
    rotate();
    reopen();
  }
  write(entry("line 10"));
  const auto files = log_files(folder());
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), static_cast<size_t>(kLogFiles));
  EXPECT_EQ(read_all(*open()), (std::vector<std::string>{"line 7", "line 8", "line 9", "line 10"}));
}

TEST_F(LogFolder, SmallLogIsNotRotated) {
  write(entry("a"));
  rotate(1000);
  EXPECT_EQ(log_files(folder())->size(), 1U);
}

TEST_F(LogFolder, FollowerMissesNothingThatIsWrittenAroundARotation) {
  write(entry("before"));
  const auto reader = open(following());
  EXPECT_EQ(read_some(*reader), std::vector<std::string>{"before"});
  rotate();
  write(entry("after the renaming, into the old file"));
  EXPECT_EQ(read_some(*reader), std::vector<std::string>{"after the renaming, into the old file"});
  write(entry("last of the old"));
  reopen();
  write(entry("first of the new"));
  EXPECT_EQ(read_some(*reader), (std::vector<std::string>{"last of the old", "first of the new"}));
}

TEST_F(LogFolder, SlowFollowerGoesOnWithTheOldestFileLeft) {
  write(entry("line 0"));
  const auto reader = open(following());
  EXPECT_EQ(read_some(*reader), std::vector<std::string>{"line 0"});
  for (int i = 1; i <= 6; ++i) {
    rotate();
    reopen();
    write(entry(fmt::format("line {}", i)));
  }
  EXPECT_EQ(read_some(*reader), (std::vector<std::string>{"line 3", "line 4", "line 5", "line 6"}));
}

TEST_F(LogFolder, FollowerEndsWhenTheTaskIsGone) {
  write(entry("only"));
  const auto reader = open(following());
  EXPECT_EQ(read_some(*reader), std::vector<std::string>{"only"});
  EXPECT_FALSE(reader->ended());
  write(entry("last words"));
  std::filesystem::remove_all(folder());
  EXPECT_EQ(read_all(*reader), std::vector<std::string>{"last words"});
  EXPECT_TRUE(reader->ended());
}

TEST_F(LogFolder, FollowerIsWokenByANewLine) {
  const auto reader = open(following());
  EXPECT_TRUE(read_some(*reader).empty());
  std::thread writer([this] { write(entry("hello")); });
  const auto lines = reader->read(30s);
  writer.join();
  ASSERT_TRUE(lines);
  EXPECT_EQ(texts(*lines), std::vector<std::string>{"hello"});
}

TEST_F(LogFolder, HalfWrittenLineWaitsForItsEnd) {
  const auto reader = open(following());
  const std::string whole = entry("in two writes");
  write(whole.substr(0, 45));
  EXPECT_TRUE(read_some(*reader).empty());
  write(whole.substr(45));
  EXPECT_EQ(read_some(*reader), std::vector<std::string>{"in two writes"});
}

TEST_F(LogFolder, PiecesAreJoinedAcrossFiles) {
  write(entry("one ", "stdout P"));
  rotate();
  reopen();
  write(entry("line"));
  EXPECT_EQ(read_all(*open()), std::vector<std::string>{"one line"});
}

TEST_F(LogFolder, TailCountsBackAcrossFilesAndOnlyWantedLines) {
  for (int i = 0; i < 3; ++i) {
    write(entry(fmt::format("out {}", i)) + entry(fmt::format("err {}", i), "stderr F"));
    rotate();
    reopen();
  }
  EXPECT_EQ(read_all(*open(tail(3))), (std::vector<std::string>{"err 1", "out 2", "err 2"}));
  EXPECT_EQ(read_all(*open(tail(2, false))), (std::vector<std::string>{"out 1", "out 2"}));
  EXPECT_TRUE(read_all(*open(tail(0))).empty());
  EXPECT_EQ(read_all(*open(tail(100))).size(), 6U);
}

TEST_F(LogFolder, SinceLeavesOutWhatIsOlder) {
  write(
      "2026-01-31T09:00:00.000000000+00:00 stdout F old\n2026-01-31T09:00:01.000000000+00:00 stdout F new\n");
  LogRequest request;
  request.since = *parse_time("2026-01-31T09:00:01.000Z");
  EXPECT_EQ(read_all(*open(request)), std::vector<std::string>{"new"});
}

TEST_F(LogFolder, ManyLinesArriveCompleteAndInOrder) {
  for (int i = 0; i < 20'000; ++i) {
    write(entry(std::to_string(i)));
    if (i == 9'000 || i == 15'000) {
      rotate();
      reopen();
    }
  }
  const auto all = read_all(*open());
  ASSERT_EQ(all.size(), 20'000U);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(all[static_cast<size_t>(i)], std::to_string(i));
}

TEST_F(LogFolder, LastLinesAreThoseOfBothStreamsFromTheEnd) {
  for (int i = 0; i < 5'000; ++i)
    write(entry(fmt::format("line {}", i), i % 2 == 0 ? "stdout F" : "stderr F"));
  rotate();
  reopen();
  write(entry("fatal: out of cheese", "stderr F"));
  EXPECT_EQ(last_log_lines(folder(), 3),
            (std::vector<std::string>{"line 4998", "line 4999", "fatal: out of cheese"}));
  EXPECT_TRUE(last_log_lines(folder() / "none", 3).empty());
}

}  // namespace
}  // namespace slipway::engine::local
