#include "config/schedule.h"

#include <gmock/gmock.h>

namespace slipway::config {
namespace {

std::string problem(std::string_view text) {
  return schedule_problem(text).value_or("none");
}

TEST(Schedule, EveryFormOfTheGrammarIsRead) {
  for (const char* text :
       {"cron 0 3 * * *", "cron */15 0-6,12 1,15 * *", "cron 30 9 * jan-mar MON-fri", "cron 0 0 L * *",
        "cron @daily", "cron 0 0 * * fri-sun", "daily", "daily 04:00", "daily 04:00:30 mwf", "04:00 MWF",
        "every day 14:30", "every mon,wed at 09:00", "1st,3rd monday of jan,july at 04:15",
        "2nd fri of month 10:00", "every day in march 00:00"}) {
    EXPECT_EQ(problem(text), "none") << text;
  }
}

TEST(Schedule, WhatIsWrongIsNamed) {
  EXPECT_EQ(problem(""), "the schedule is empty");
  EXPECT_EQ(problem("cron 0 3 * *"), "cron has 4 fields, and should have 5");
  EXPECT_EQ(problem("cron 61 3 * * *"), "61 is no minute: it should be from 0 to 59");
  EXPECT_EQ(problem("cron 0 3 * foo *"), "\"foo\" is no month");
  EXPECT_EQ(problem("cron 0 3 1 * 1"), "cron names both days of the month and days of the week");
  EXPECT_EQ(problem("cron */0 3 * * *"), "\"*/0\" in minute has no step");
  EXPECT_EQ(problem("cron 5-1 3 * * *"), "\"5-1\" in minute ends before it begins");
  EXPECT_EQ(problem("cron @sometimes"), "\"@sometimes\" is no schedule of cron");
  EXPECT_EQ(problem("daily 25:00"), "\"25:00\" is no time of day: it should be such as 14:30");
  EXPECT_EQ(problem("daily 04:00 xyz"), "\"x\" is no day: the letters are u m t w r f s, from Sunday on");
  EXPECT_EQ(problem("every blue at 04:00"), "\"blue\" is no day of the week");
  EXPECT_EQ(problem("every day"), "the time of day is missing: it should end with such as 14:30");
  EXPECT_EQ(problem("every day of 04:00"), "\"04:00\" is no month");
  EXPECT_EQ(problem("sometimes"), "\"sometimes\" begins no schedule");
  EXPECT_EQ(problem("every day 04:00 utc"), "\"utc\" stands behind the end");
  EXPECT_EQ(problem("interval 5 min"), "schedules by interval are not run any more");
}

TEST(Schedule, LengthsOfTime) {
  for (const char* text : {"1d", "90 min", "2 hours", "5s", "1 day"})
    EXPECT_FALSE(delta_problem(text)) << text;
  for (const char* text : {"", "5", "min", "1.5h", "1 fortnight"}) EXPECT_TRUE(delta_problem(text)) << text;
}

}  // namespace
}  // namespace slipway::config
