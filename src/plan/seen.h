// All that was seen of one instance, in one value: what the engine runs of it, what the load balancer does
// with its tasks, and what they have answered to their drain. Two that are equal have the same plan, as far
// as it is up to observation; nodes are all that instances have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/planner.h"

namespace slipway::plan {

struct Seen {
  Shared<model::Sighting> engine;
  std::vector<std::optional<RoutedTask>>
      routed;  // of each task, in the same order; nothing: it is not listed
  DrainReports drains;
  std::optional<std::string> refused;  // by the load balancer, and why
  bool operator==(const Seen&) const = default;

  bool nothing() const { return engine->tasks.empty() && engine->revisions.empty(); }
  // Null where the load balancer does not list the task, or there is no such task.
  const RoutedTask* routed_task(const model::TaskId& task) const;
};

// A whole observation sorted by instance, by reference, so that what is not news is never copied. Borrows the
// inputs.
class SortedInputs {
 public:
  // `ids`, sorted: of the instances that are known already. Others are in `strangers()` and nowhere else.
  SortedInputs(const Inputs& inputs, const std::vector<model::InstanceId>& ids);

  // In no order, some perhaps twice: instances that were seen and are not among `ids`.
  const std::vector<model::InstanceId>& strangers() const { return strangers_; }

  // Of ids[number]: whether it is as `before` says; or anew, with the parts of `before` that are the same.
  bool is_as(size_t number, const Seen& before) const;
  Seen look(size_t number, const Seen& before) const;

 private:
  struct Item {
    const model::Task* task = nullptr;
    const RoutedTask* routed = nullptr;
  };
  struct Group {
    size_t first = 0;  // of items_
    size_t tasks = 0;
    std::vector<const model::ObservedRevision*> revisions;
  };

  size_t number_of(const model::InstanceId& id);
  void sort_groups();
  bool engine_is_as(const Group& group, const model::Sighting& before) const;
  DrainReports drains_of(const Group& group) const;
  const std::string* refusal_of(size_t number) const;

  const Inputs& inputs_;
  const std::vector<model::InstanceId>& ids_;
  std::vector<Group> groups_;  // by number
  std::vector<Item> items_;    // by group, then as observed
  std::vector<model::InstanceId> strangers_;
  size_t last_ = 0;  // number last found: tasks of one instance mostly stand together
};

}  // namespace slipway::plan
