#include "base/clock.h"

#include <charconv>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace slipway {

Time SystemClock::now() const {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}
SteadyTime SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

std::string to_text(Time time) {
  const auto millis = time.time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(std::floor(static_cast<double>(millis) / 1000.0));
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis - seconds * 1000);
}

Result<Time> parse_time(std::string_view text) {
  std::tm utc{};
  int millis = 0;
  int read = 0;
  const std::string copy(text);
  const int fields = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon,
                                 &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &read);
  if (fields != 6)
    return Error(ErrorCode::Invalid, fmt::format("'{}' is not a time like 2026-01-31T09:15:00Z", text));
  std::string_view rest = text.substr(static_cast<size_t>(read));
  if (rest.starts_with('.')) {
    // Digits past the third are finer than we keep.
    int scale = 100;
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      millis += (rest.front() - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  Duration offset{0};
  if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-')) {
    int hours = 0, minutes = 0;
    if (std::sscanf(std::string(rest).c_str() + 1, "%2d:%2d", &hours, &minutes) != 2) rest = "?";
    offset = std::chrono::minutes((rest[0] == '-' ? -1 : 1) * (hours * 60 + minutes));
  } else if (rest != "Z" && !rest.empty()) {
    return Error(ErrorCode::Invalid, fmt::format("'{}' is not a time like 2026-01-31T09:15:00Z", text));
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return Time(std::chrono::seconds(timegm(&utc)) + Duration(millis)) - offset;
}

std::string to_text(Duration duration) {
  const auto millis = duration.count();
  if (millis < 0) return "-" + to_text(-duration);
  if (millis < 1000) return fmt::format("{}ms", millis);
  const auto seconds = millis / 1000;
  if (seconds < 10 && millis % 1000 >= 100) return fmt::format("{}.{}s", seconds, millis % 1000 / 100);
  const auto pair = [](long long big, std::string_view big_unit, long long small,
                       std::string_view small_unit) {
    return small == 0 ? fmt::format("{}{}", big, big_unit)
                      : fmt::format("{}{}{}{}", big, big_unit, small, small_unit);
  };
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return pair(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86400) return pair(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return pair(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

Result<Duration> parse_duration(std::string_view text) {
  const Error bad(ErrorCode::Invalid, fmt::format("'{}' is not a duration like 90s, 10m, 2h30m or 7d", text));
  std::string_view rest = text;
  double total = 0;
  if (rest.empty()) return bad;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return bad;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    double unit = 1000;
    if (rest.starts_with("ms")) {
      unit = 1;
      rest.remove_prefix(2);
    } else if (!rest.empty()) {
      switch (rest.front()) {
        case 's':
          unit = 1000;
          break;
        case 'm':
          unit = 60'000;
          break;
        case 'h':
          unit = 3'600'000;
          break;
        case 'd':
          unit = 86'400'000;
          break;
        default:
          return bad;
      }
      rest.remove_prefix(1);
    }
    total += number * unit;
    if (total > 1e15) return bad;
  }
  return Duration(static_cast<Duration::rep>(std::llround(total)));
}

}  // namespace slipway
