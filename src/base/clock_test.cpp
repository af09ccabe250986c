#include "base/clock.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Time, TextReadsBackEqual) {
  const Time time{Duration(1'769'850'900'250)};
  EXPECT_EQ(to_text(time), "2026-01-31T09:15:00.250Z");
  EXPECT_EQ(parse_time(to_text(time)).value(), time);
}

TEST(Time, ParseTakesOffsetsAndDropsNanoseconds) {
  EXPECT_EQ(to_text(parse_time("2026-01-31T10:15:00.250999999+01:00").value()), "2026-01-31T09:15:00.250Z");
  EXPECT_FALSE(parse_time("yesterday").has_value());
  EXPECT_FALSE(parse_time("2026-01-31T10:15:00 o'clock").has_value());
}

TEST(DurationText, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_duration("90").value(), 90s);
  EXPECT_EQ(parse_duration("1.5m").value(), 90s);
  EXPECT_EQ(parse_duration("2h30m").value(), 150min);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  for (const char* bad : {"", "m", "-1s", "5x", "1h-2m", "1e99s"})
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
}

TEST(DurationText, ShowsAtMostTwoUnits) {
  EXPECT_EQ(to_text(Duration(250)), "250ms");
  EXPECT_EQ(to_text(Duration(1500)), "1.5s");
  EXPECT_EQ(to_text(Duration(125'000)), "2m5s");
  EXPECT_EQ(to_text(Duration(7'200'000)), "2h");
  EXPECT_EQ(to_text(Duration(90'061'000)), "1d1h");
}

}  // namespace
}  // namespace slipway
