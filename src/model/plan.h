// What the planner decided: steps that leave no choice to whoever applies them, and the reasons.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/instance.h"
#include "model/observed.h"

namespace slipway::model {

// Create the revision if it is new; have exactly `count` tasks of it.
struct ScaleStep {
  Revision revision;
  int count = 0;
  bool operator==(const ScaleStep&) const = default;
};

// Stop exactly these tasks, each drained before, and lower the revision's count by as many.
struct RemoveTasksStep {
  RevisionId revision;
  std::vector<TaskId> tasks;
  Duration grace{};
  bool operator==(const RemoveTasksStep&) const = default;
};

// The revision has no task left that matters: delete every trace of it.
struct RemoveRevisionStep {
  RevisionId revision;
  Duration grace{};
  bool operator==(const RemoveRevisionStep&) const = default;
};

// Fetch or build the image ahead of the first task.
struct PrepareStep {
  Image image;
  bool operator==(const PrepareStep&) const = default;
};

// Tell the task itself that it is to drain (or, with `drain` false, that it is wanted again), by the
// instance's drain method http or command.
struct TellTaskStep {
  TaskId task;
  Address address;  // of http: where its declared port is reached
  Drain how;
  bool drain = true;
  std::optional<Time> started_at =
      {};  // the process that is meant; a later one knows nothing of what it was told
  bool operator==(const TellTaskStep&) const = default;
};

using Action = std::variant<ScaleStep, RemoveTasksStep, RemoveRevisionStep, PrepareStep, TellTaskStep>;

struct Step {
  InstanceId instance;
  Action action;
  std::string reason;        // why now: "3 of 3 new tasks are happy"
  std::string text() const;  // "shop.web: stop 1 task of 3f9c2b7a41d0 (a, b): 3 of 3 new tasks are happy"
  bool operator==(const Step&) const = default;
};

// How the load balancer is to treat a task. A task that is not named is not routed to.
enum class Traffic { In, Drain };

struct Route {
  TaskId task;
  Address address;
  Traffic traffic = Traffic::In;
  bool operator==(const Route&) const = default;
};

struct Plan {
  Generation generation = 0;
  std::map<InstanceId, std::vector<Route>> routes;  // of every instance with a proxy; sorted by task
  std::vector<Step> steps;                          // in order; steps of different instances are independent

  bool empty() const { return steps.empty(); }
  std::string text() const;  // one step a line
  bool operator==(const Plan&) const = default;
};

Json to_json(const Step& step);

}  // namespace slipway::model
