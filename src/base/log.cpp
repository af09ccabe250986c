#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"

namespace slipway::log {

namespace {
spdlog::level::level_enum spd_level(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warning:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("slipway", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                                                                   spdlog::pattern_time_type::utc));
    return made;
  }();
  return instance;
}
}  // namespace

void set_level(Level level) {
  logger().set_level(spd_level(level));
}
bool enabled(Level level) {
  return logger().should_log(spd_level(level));
}

void write(Level level, std::string_view area, std::string_view text) {
  logger().log(spd_level(level), "{}: {}", area, printable(text));
}

}  // namespace slipway::log
