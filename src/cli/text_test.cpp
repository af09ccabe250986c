#include "cli/text.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

const Time kNow = *parse_time("2026-01-31T12:00:00Z");

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({"NAME", "N", "WHY"});
  table.add({"shop.web", "3", ""});
  table.add({"a", "12", "it waits"});
  EXPECT_EQ(table.text(),
            "NAME      N   WHY\n"
            "shop.web  3\n"
            "a         12  it waits\n");
}

TEST(Table, CountsColumnsAndNotBytes) {
  const Paint paint(true);
  Table table({"A", "B"});
  table.add({paint(Colour::Red, "é"), "1"});
  table.add({"xy", "2"});
  EXPECT_EQ(table.text(),
            "A   B\n"
            "\x1b[31mé\x1b[0m   1\n"
            "xy  2\n");
}

TEST(Paint, IsPlainWhenOff) {
  EXPECT_EQ(Paint(false)(Colour::Red, "x"), "x");
  EXPECT_EQ(Paint(true)(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
}

TEST(Paint, ShowsHealthInGreenAndTroubleInRed) {
  const Paint paint(true);
  EXPECT_EQ(paint.state("running"), paint(Colour::Green, "running"));
  EXPECT_EQ(paint.state("crashlooping"), paint(Colour::Red, "crashlooping"));
  EXPECT_EQ(paint.state("bouncing"), paint(Colour::Yellow, "bouncing"));
}

TEST(Clip, LeavesAloneWhatFits) {
  EXPECT_EQ(clip("abc", 3), "abc");
}

TEST(Clip, EndsInAnEllipsisWhereSomethingWasCut) {
  EXPECT_EQ(clip("abcd", 3), "ab…");
  EXPECT_EQ(clip("ééé", 2), "é…");
  EXPECT_EQ(clip("abc", 0), "");
}

TEST(Clip, LeavesNoColourOn) {
  EXPECT_EQ(clip(Paint(true)(Colour::Red, "abcd"), 3), "\x1b[31mab\x1b[0m…");
}

TEST(Age, IsInWholeSeconds) {
  EXPECT_EQ(age_text(kNow, "2026-01-31T11:59:59.300Z"), "0s");
  EXPECT_EQ(age_text(kNow, "2026-01-31T11:59:18.000Z"), "42s");
  EXPECT_EQ(age_text(kNow, "2026-01-31T11:56:50Z"), "3m10s");
}

TEST(Age, IsADashWhereThereIsNoTime) {
  EXPECT_EQ(age_text(kNow, ""), "-");
}

TEST(Age, IsNeverNegative) {
  EXPECT_EQ(age_text(kNow, "2026-01-31T12:00:05Z"), "0s");
}

TEST(ShortTask, IsWhatTellsItFromItsSiblings) {
  EXPECT_EQ(short_task("shop-web-3f9c2b7a-x7k2p"), "x7k2p");
  EXPECT_EQ(short_task("x7k2p"), "x7k2p");
}

}  // namespace
}  // namespace slipway::cli
