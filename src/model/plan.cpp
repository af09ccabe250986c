#include "model/plan.h"

#include <ranges>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/json_fields.h"

namespace slipway::model {

namespace {

// Every question about an action is asked through a visitor, so that a new kind of step breaks the build
// here.
struct ActionText {
  std::string operator()(const ScaleStep& step) const {
    return fmt::format("have {} task{} of {}", step.count, step.count == 1 ? "" : "s",
                       step.revision.id.str());
  }
  std::string operator()(const RemoveTasksStep& step) const {
    constexpr size_t kNamed = 5;  // the JSON names all
    std::vector<std::string> names;
    for (const TaskId& task : step.tasks | std::views::take(kNamed)) names.push_back(task.str());
    if (step.tasks.size() > kNamed) names.emplace_back("...");
    return fmt::format("stop {} task{} of {} ({})", step.tasks.size(), step.tasks.size() == 1 ? "" : "s",
                       step.revision.str(), fmt::join(names, ", "));
  }
  std::string operator()(const RemoveRevisionStep& step) const {
    return fmt::format("delete revision {}", step.revision.str());
  }
  std::string operator()(const PrepareStep& step) const {
    return "prepare the image " + describe(step.image);
  }
  std::string operator()(const TellTaskStep& step) const {
    return fmt::format("tell {} {} ({})", step.task.str(),
                       step.drain ? "to drain" : "that it is wanted again", to_text(step.how.method));
  }
};

struct ActionJson {
  Json& json;
  void operator()(const ScaleStep& step) const {
    json["action"] = "scale";
    json["revision"] = step.revision.id.str();
    json["count"] = step.count;
  }
  void operator()(const RemoveTasksStep& step) const {
    json["action"] = "remove_tasks";
    json["revision"] = step.revision.str();
    for (const TaskId& task : step.tasks) json["tasks"].push_back(task.str());
    json["grace_ms"] = step.grace.count();
  }
  void operator()(const RemoveRevisionStep& step) const {
    json["action"] = "remove";
    json["revision"] = step.revision.str();
  }
  void operator()(const PrepareStep& step) const {
    json["action"] = "prepare";
    json["image"] = describe(step.image);
  }
  void operator()(const TellTaskStep& step) const {
    json["action"] = "tell_task";
    json["task"] = step.task.str();
    json["drain"] = step.drain;
  }
};

}  // namespace

std::string Step::text() const {
  return fmt::format("{}: {}: {}", instance.text(), std::visit(ActionText{}, action), reason);
}

std::string Plan::text() const {
  std::string out;
  for (const Step& step : steps) out += step.text() + "\n";
  return out;
}

Json to_json(const Step& step) {
  Json json;
  json["instance"] = step.instance.text();
  json["reason"] = step.reason;
  json["text"] = step.text();
  std::visit(ActionJson{json}, step.action);
  return json;
}

}  // namespace slipway::model
