#include "cli/rehearsal.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/text.h"

namespace slipway::cli {

namespace {

std::string heading_of(const Json& instance) {
  std::string text = instance.at("instance").as_string();
  std::string from;
  for (const Json& revision : instance.at("from").as_array())
    from += (from.empty() ? "" : ", ") + revision.as_string();
  if (!from.empty()) text += fmt::format("  {} -> {}", from, instance.at("to").as_string());
  const std::string change = instance.at("change").as_string();
  if (!change.empty()) text += fmt::format("  ({})", printable(change));
  if (!from.empty()) text += "  " + instance.at("method").as_string();
  return text;
}

std::string outlook_of(const Json& instance) {
  std::string text = fmt::format("about {}", moment_text(instance.at("seconds").as_double(0)));
  if (instance.at("lowest_healthy").is_int()) {
    text += fmt::format("; never fewer than {} of {} healthy", instance.at("lowest_healthy").as_int(0),
                        instance.at("desired").as_int(0));
  }
  return text + (instance.at("room").is_string() ? "; " + printable(instance.at("room").as_string())
                                                 : std::string("; there is room"));
}

}  // namespace

std::string moment_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{}m {:02}s", whole / 60, whole % 60);
}

std::string plan_text(const Json& report) {
  std::string text;
  for (const Json& instance : report.at("instances").as_array()) {
    text += heading_of(instance) + "\n";
    for (const Json& step : instance.at("steps").as_array()) {
      text += fmt::format("  {:>8}  {}\n", "+" + moment_text(step.at("at_seconds").as_double(0)),
                          printable(step.at("text").as_string()));
    }
    if (!instance.at("steps").as_array().empty()) text += fmt::format("  {}\n", outlook_of(instance));
    if (instance.at("reason").is_string())
      text += fmt::format("  in the end: {}\n", printable(instance.at("reason").as_string()));
  }
  return text;
}

}  // namespace slipway::cli
