#include "reconcile/changes.h"

#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::reconcile {

namespace {

model::Event event_of(const model::Task& task, Time at, std::string kind, std::string text) {
  return model::Event{0, at, task.instance.text(), std::move(kind),
                      fmt::format("task {} on {} {}", task.id.str(), task.node.str(), text)};
}

std::string ending_of(const model::Task& task) {
  std::string text = task.last_exit ? "ended with " + task.last_exit->text() : "failed";
  if (!task.reason.empty()) text += ": " + task.reason;
  if (!task.last_lines.empty()) text += "; its last line: " + task.last_lines.back();
  return text;
}

void compare(const model::Task& before, const model::Task& after, Time at,
             std::vector<model::Event>& events) {
  const bool ended_again =
      after.restarts > before.restarts || (after.last_exit && after.last_exit != before.last_exit);
  const bool failed_now = after.state == model::TaskState::Failed && before.state != model::TaskState::Failed;
  if ((ended_again || failed_now) && before.state != model::TaskState::Stopping) {
    events.push_back(event_of(after, at, "task_exited", ending_of(after)));
  }
  if (after.health != before.health) {
    if (after.health == model::Health::Healthy)
      events.push_back(event_of(after, at, "task_healthy", "is healthy"));
    if (after.health == model::Health::Unhealthy) {
      events.push_back(event_of(after, at, "task_unhealthy", "is unhealthy: " + after.reason));
    }
  }
}

// Flattens nested objects to "env.VERSION" -> text.
void flatten(const std::string& prefix, const Json& json, std::map<std::string, std::string>& out) {
  if (!json.is_object()) {
    out[prefix] = json.dump();
    return;
  }
  for (const auto& [key, value] : json.as_object())
    flatten(prefix.empty() ? key : prefix + "." + key, value, out);
}

}  // namespace

std::vector<model::Event> task_changes(const std::vector<model::Task>& before,
                                       const std::vector<model::Task>& after, Time at) {
  std::vector<model::Event> events;
  const model::Task blank;
  auto known = before.begin();
  for (const model::Task& task : after) {
    while (known != before.end() && known->id < task.id) ++known;
    const bool seen_before = known != before.end() && known->id == task.id;
    compare(seen_before ? *known : blank, task, at, events);
  }
  return events;
}

std::string spec_changes(const Json& before, const Json& after) {
  std::map<std::string, std::string> old_fields, new_fields;
  flatten("", before, old_fields);
  flatten("", after, new_fields);
  std::vector<std::string> parts;
  for (const auto& [key, value] : new_fields) {
    const auto it = old_fields.find(key);
    if (it == old_fields.end()) {
      parts.push_back(fmt::format("{}: set to {}", key, value));
    } else if (it->second != value) {
      parts.push_back(fmt::format("{}: {} -> {}", key, it->second, value));
    }
  }
  for (const auto& [key, value] : old_fields) {
    if (!new_fields.contains(key)) parts.push_back(fmt::format("{}: no longer set (was {})", key, value));
  }
  return join(parts, "; ");
}

}  // namespace slipway::reconcile
