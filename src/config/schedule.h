// When a job runs, as people write it.
//
//   cron MINUTE HOUR DAY MONTH WEEKDAY     day or weekday, not both; @daily and its like
//   daily [HH:MM[:SS]] [DAYS]              DAYS: letters of u m t w r f s, from Sunday on
//   (every | 1st, 2nd ...) (day | mon, tue ...) [of | in MONTH, ...] [at] HH:MM
//   interval DELTA                         no longer run by anybody, and told so
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::config {

// What is wrong with it; nullopt where it is a schedule.
std::optional<std::string> schedule_problem(std::string_view text);

// The same of a length of time: "90 min", "1d", "2 hours".
std::optional<std::string> delta_problem(std::string_view text);

}  // namespace slipway::config
