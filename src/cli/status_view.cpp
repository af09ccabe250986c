#include "cli/status_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/progress.h"

namespace slipway::cli {

namespace {

std::string dash_if_empty(const std::string& text) {
  return text.empty() ? "-" : text;
}

// Since when the wanted revision runs: the creation of its oldest task.
std::string oldest_wanted(const Json& instance) {
  std::string oldest;
  for (const Json& task : instance.at("tasks").as_array()) {
    if (task.at("revision").as_string() != instance.at("revision").as_string()) continue;
    // Times of one format compare as text.
    const std::string& created = task.at("created_at").as_string();
    if (oldest.empty() || created < oldest) oldest = created;
  }
  return oldest;
}

std::string address_of(const Json& task) {
  std::vector<std::string> addresses;
  for (const Json& address : task.at("addresses").as_array()) {
    addresses.push_back(fmt::format("{}:{}", address.at("ip").as_string(), address.at("port").as_int()));
  }
  return dash_if_empty(join(addresses, ","));
}

std::string task_reason(const Json& task, bool draining) {
  std::string reason = task.at("reason").as_string();
  const bool asked = task.at("state").as_string() == "stopping";  // its drain is over
  if (draining && !asked) reason = reason.empty() ? "draining" : "draining; " + reason;
  if (asked && reason.empty()) reason = "asked to stop";
  return printable(reason);
}

std::string task_table(const Json& instance, Time now, const Paint& paint) {
  Table table({"TASK", "STATE", "HEALTH", "ADDRESS", "REVISION", "RESTARTS", "AGE", "REASON"});
  for (const Json& task : instance.at("tasks").as_array()) {
    const Json::Array& draining = instance.at("draining").as_array();
    const bool drains = std::ranges::find(draining, task.at("id")) != draining.end();
    table.add({task.at("id").as_string(), paint.state(task.at("state").as_string()),
               paint.state(task.at("health").as_string()), address_of(task), task.at("revision").as_string(),
               std::to_string(task.at("restarts").as_int()), age_text(now, task.at("created_at").as_string()),
               task_reason(task, drains)});
  }
  return table.empty() ? "" : table.text(paint);
}

std::string bounce_text(const Json& bounce, Time now) {
  std::vector<std::string> from;
  for (const Json& revision : bounce.at("from").as_array()) from.push_back(revision.as_string());
  return fmt::format("{} to {} from {}, {} old: {} new happy, {} old left; waits for {}{}",
                     bounce.at("method").as_string(), bounce.at("to").as_string(), join(from, ", "),
                     age_text(now, bounce.at("started_at").as_string()), bounce.at("happy_new").as_int(),
                     bounce.at("old_left").as_int(), bounce.at("waiting_for").as_string(),
                     bounce.at("stalled").as_bool() ? "; stalled" : "");
}

std::string indented(const std::string& text, std::string_view by) {
  std::string out;
  for (const std::string& line : split(trim(text), '\n')) out += fmt::format("{}{}\n", by, line);
  return out;
}

// A freeze is of the whole cluster: the notes tell it once, and the reason where it holds something back. A
// restart whose bounce is over deviates from nothing any more.
Json::Array own_overrides(const Json& instance) {
  Json::Array own;
  for (const Json& value : instance.at("overrides").as_array()) {
    const std::string& kind = value.at("kind").as_string();
    const bool over = kind == "restart" && !instance.at("bounce").is_object();
    if (kind != "freeze" && !over) own.push_back(value);
  }
  return own;
}

std::string instance_details(const Json& instance, Time now, const Paint& paint) {
  std::string out =
      fmt::format("{}  {}  {} of {} healthy  revision {}\n", paint(Colour::Bold, instance_name(instance)),
                  paint.state(instance.at("state").as_string()), instance.at("healthy").as_int(),
                  instance.at("desired").as_int(), dash_if_empty(instance.at("revision").as_string()));
  if (const std::string& reason = instance.at("reason").as_string(); !reason.empty()) {
    out += fmt::format("  reason    {}\n", printable(reason));
  }
  for (const Json& url : instance.at("endpoints").as_array())
    out += fmt::format("  endpoint  {}\n", url.as_string());
  if (const Json& bounce = instance.at("bounce"); bounce.is_object()) {
    out += fmt::format("  bounce    {}\n", bounce_text(bounce, now));
  }
  for (const Json& value : own_overrides(instance)) {
    out += fmt::format("  override  {}\n", paint(Colour::Yellow, override_text(value, now)));
  }
  const std::string tasks = task_table(instance, now, paint);
  return tasks.empty() ? out : out + indented(tasks, "  ");
}

}  // namespace

std::string override_text(const Json& value, Time now) {
  std::string text = value.at("kind").as_string();
  if (value.has("count")) text += fmt::format(" to {}", value.at("count").as_int());
  text += fmt::format(" by {} {} ago", value.at("owner").as_string(),
                      age_text(now, value.at("created_at").as_string()));
  if (const auto end = parse_time(value.at("expires_at").as_string());
      end && value.at("expires_at").is_string()) {
    text += *end > now ? fmt::format(", ends in {}",
                                     to_text(Duration(std::chrono::ceil<std::chrono::seconds>(*end - now))))
                       : ", ends now";
  }
  const std::string& reason = value.at("reason").as_string();
  return reason.empty() ? text : text + ": " + printable(reason);
}

std::string status_table(const Json& status, Time now, const Paint& paint) {
  Table table({"SERVICE.INSTANCE", "STATE", "DESIRED", "HEALTHY", "REVISION", "AGE", "REASON"});
  for (const Json& instance : status.at("instances").as_array()) {
    std::string reason = printable(instance.at("reason").as_string());
    const size_t overrides = own_overrides(instance).size();
    if (overrides > 0) {
      reason += (reason.empty() ? "" : "; ") + paint(Colour::Yellow, counted(overrides, "override"));
    }
    table.add(
        {instance_name(instance), paint.state(instance.at("state").as_string()),
         std::to_string(instance.at("desired").as_int()), std::to_string(instance.at("healthy").as_int()),
         dash_if_empty(instance.at("revision").as_string()), age_text(now, oldest_wanted(instance)), reason});
  }
  return table.text(paint);
}

std::string status_details(const Json& status, Time now, const Paint& paint) {
  std::string out;
  for (const Json& instance : status.at("instances").as_array()) {
    out += (out.empty() ? "" : "\n") + instance_details(instance, now, paint);
  }
  return out;
}

namespace {

// The first problem of this service, as a line of its own: those of the control plane, which knows who has a
// port or a domain. Empty where none is told.
std::string first_problem(const Json& status, const std::string& service) {
  for (const Json& problem : status.at("problems").as_array()) {
    if (problem.at("service").as_string() != service || problem.at("severity").as_string() != "error")
      continue;
    return fmt::format("  {}:{}:{}: {}\n", problem.at("file").as_string(), problem.at("line").as_int(),
                       problem.at("column").as_int(), problem.at("message").as_string());
  }
  return "";
}

// What commit is in force, and what keeps the next one away.
std::string source_notes(const Json& source, Time now, const Paint& paint) {
  std::string out;
  const std::string& where = source.at("where").as_string();
  if (const std::string& commit = source.at("commit").as_string(); !commit.empty()) {
    out += fmt::format("configuration: commit {} of {} {}\n", commit.substr(0, 12), where,
                       source.at("ref").as_string());
  }
  if (const std::string& why = source.at("polled").as_string(); !why.empty()) {
    out += paint(Colour::Yellow, fmt::format("{} is looked through again and again: {}", where, why)) + "\n";
  }
  if (const std::string& why = source.at("trouble").as_string(); !why.empty()) {
    out += paint(Colour::Red,
                 fmt::format(
                     "the configuration cannot be followed since {}; what was read last stays in force: {}",
                     age_text(now, source.at("trouble_since").as_string()) + " ago", printable(why))) +
           "\n";
  }
  return out;
}

// A line, and its first problem, for each service named there.
std::string broken_notes(const Json& status, std::string_view where, std::string_view meanwhile,
                         const Paint& paint) {
  std::string out;
  for (const Json& name : status.at(where).as_array()) {
    out += paint(Colour::Red, fmt::format("service {} has broken files; {}", name.as_string(), meanwhile)) +
           "\n" + first_problem(status, name.as_string());
  }
  return out;
}

}  // namespace

std::string cluster_notes(const Json& status, Time now, const Paint& paint) {
  std::string out;
  if (const Json& freeze = status.at("freeze"); freeze.is_object()) {
    out += paint(Colour::Yellow, "FROZEN, no deploy begins: " + override_text(freeze, now)) + "\n";
  }
  if (const std::string& text = status.at("isolation").as_string(); !text.empty()) {
    out += paint(Colour::Red, "NOT ISOLATED: " + text) + "\n";
  }
  if (const std::string& text = status.at("trouble").as_string(); !text.empty()) {
    out += paint(Colour::Yellow, "trouble: " + text + "; what is shown may be stale") + "\n";
  }
  out += source_notes(status.at("config"), now, paint);
  if (status.at("shutting_down").as_bool()) out += paint(Colour::Yellow, "going down") + "\n";
  out += broken_notes(status, "broken", "what runs of it stays as it is", paint) +
         broken_notes(status, "last_good", "its last good configuration stays in force", paint);
  const Json::Array& told = status.at("problems").as_array();
  const auto problems = static_cast<size_t>(std::ranges::count_if(
      told, [](const Json& one) { return one.at("severity").as_string() != "warning"; }));
  if (problems > 0) out += counted(problems, "problem") + " in the configuration: see `slipway validate`\n";
  return out;
}

}  // namespace slipway::cli
