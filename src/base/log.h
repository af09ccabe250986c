// The one log of the process: lines to standard error, "time level area: text". The only I/O that base does.
// Thread-safe. Area is the folder or component that speaks ("engine.local", "proxy").
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace slipway::log {

enum class Level { Debug, Info, Warning, Error };

// Lines below `level` are dropped. Default Info.
void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view area, std::string_view text);

template <class... Args>
void debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Debug)) write(Level::Debug, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace slipway::log
