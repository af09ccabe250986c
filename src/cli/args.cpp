#include "cli/args.h"

#include <charconv>

#include "base/check.h"

namespace slipway::cli {

std::string Args::text(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::string() : it->second;
}

std::optional<int> Args::count(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return std::nullopt;
  int value = 0;
  const std::string& text = it->second;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  CHECK(read.ec == std::errc());  // the parser let only numbers through
  return value;
}

std::optional<Duration> Args::duration(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return std::nullopt;
  const auto value = parse_duration(it->second);
  CHECK(value);  // the parser let only durations through
  return *value;
}

}  // namespace slipway::cli
