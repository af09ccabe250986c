#include "plan/incremental.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "plan/instance_plan.h"
#include "plan/routes.h"
#include "plan/status.h"

namespace slipway::plan {

const Outcome& IncrementalPlanner::decide(const Inputs& inputs) {
  compare_files(inputs.desired);
  compare_observation(inputs);
  compare_nodes(inputs.observed.nodes);
  return plan(inputs);
}

const Outcome& IncrementalPlanner::decide(const Inputs& inputs, const News& news) {
  compare_files(inputs.desired);
  std::vector<model::InstanceId> ids;
  for (const auto& [id, seen] : news) ids.push_back(id);
  admit(std::move(ids));
  for (const auto& [id, seen] : news) {
    const size_t number = find(id);
    entries_[number].seen = seen;
    marks_[number].dirty = true;
  }
  return plan(inputs);
}

const Seen* IncrementalPlanner::seen(const model::InstanceId& id) const {
  const size_t number = find(id);
  return number == ids_.size() ? nullptr : &entries_[number].seen;
}

const Outcome& IncrementalPlanner::plan(const Inputs& inputs) {
  outcome_.memory_changes.clear();
  outcome_.planned.clear();
  outcome_.rerouted.clear();
  outcome_.events.clear();
  compare_overrides(inputs.overrides);
  compare_memory(inputs.memory);
  compare_rest(inputs);

  SharedRoom room(inputs.limited_room && !inputs.observed.nodes.empty(), closed_nodes_,
                  [&] { return furnish(inputs.observed.nodes); });
  int moves_left = inputs.rebalance;
  if (moves_left > 0) {
    for (const auto& [id, memory] : inputs.memory) moves_left -= memory.moving.has_value();
  }
  bool any_gone = false;
  for (size_t number = 0; number < ids_.size(); ++number) {
    if (!marks_[number].dirty) continue;
    outcome_.planned.push_back(ids_[number]);
    const model::Instance* instance = wanted(ids_[number]);
    if (instance == nullptr && entries_[number].seen.nothing()) {
      any_gone = true;
      continue;  // stays dirty, for drop_gone()
    }
    plan_one(number, plan_instance(inputs, room, moves_left, ids_[number], instance, entries_[number].seen));
    if (!marks_[number].asks_image) continue;
    const auto image = inputs.images.find(entries_[number].image);
    entries_[number].image_status = image == inputs.images.end() ? ImageStatus() : image->second;
  }
  if (any_gone) drop_gone();
  sum_up();
  now_ = inputs.now;
  return outcome_;
}

void IncrementalPlanner::plan_one(size_t number, Round round) {
  const model::InstanceId& id = ids_[number];
  Entry& entry = entries_[number];
  Mark& mark = marks_[number];
  keep_routes(id, routes_of(round));
  outcome_.status[number] = status_of(round);
  entry.steps = std::move(round.steps);
  entry.image = round.asked_image.value_or("");
  mark.dirty = false;
  mark.has_steps = !entry.steps.empty();
  mark.asks_image = round.asked_image.has_value();
  mark.wake_at = round.wake_at.value_or(Time::max());
  // What is remembered is an input of the next call, and what was said must not be said again.
  const bool changed = keep_memory(number, std::move(round.memory));
  mark.again = changed || round.hangs_on_all || !round.events.empty();
  std::move(round.events.begin(), round.events.end(), std::back_inserter(outcome_.events));
}

void IncrementalPlanner::keep_routes(const model::InstanceId& id,
                                     std::optional<std::vector<model::Route>> routes) {
  const auto before = outcome_.plan.routes.find(id);
  const bool known = before != outcome_.plan.routes.end();
  if (known ? routes == before->second : !routes) return;
  outcome_.rerouted.push_back(id);
  if (routes) {
    outcome_.plan.routes.insert_or_assign(id, std::move(*routes));
  } else {
    outcome_.plan.routes.erase(before);
  }
}

// Returns whether it is other than before.
bool IncrementalPlanner::keep_memory(size_t number, InstanceMemory after) {
  static const InstanceMemory kNone;
  const auto before = outcome_.memory.find(ids_[number]);
  const bool known = before != outcome_.memory.end();
  const bool changed = after != (known ? before->second : kNone);
  if (changed) outcome_.memory_changes.push_back(ids_[number]);
  if (known && after == kNone) {
    outcome_.memory.erase(before);
  } else if (changed) {
    outcome_.memory.insert_or_assign(ids_[number], std::move(after));
  }
  return changed;
}

// The instances that neither the files nor the engine have any more.
void IncrementalPlanner::drop_gone() {
  size_t kept = 0;
  for (size_t number = 0; number < ids_.size(); ++number) {
    if (marks_[number].dirty) {
      keep_memory(number, {});
      keep_routes(ids_[number], std::nullopt);
      continue;
    }
    if (kept != number) {
      ids_[kept] = std::move(ids_[number]);
      marks_[kept] = marks_[number];
      entries_[kept] = std::move(entries_[number]);
      outcome_.status[kept] = std::move(outcome_.status[number]);
    }
    ++kept;
  }
  ids_.resize(kept);
  marks_.resize(kept);
  entries_.resize(kept);
  outcome_.status.resize(kept);
}

// What is of the whole plan. Instances that share an image ask for it once.
void IncrementalPlanner::sum_up() {
  std::sort(outcome_.memory_changes.begin(), outcome_.memory_changes.end());
  outcome_.plan.steps.clear();
  std::set<std::string> images;
  Time wake_at = Time::max();
  for (size_t number = 0; number < ids_.size(); ++number) {
    wake_at = std::min(wake_at, marks_[number].wake_at);
    if (!marks_[number].has_steps) continue;
    for (const model::Step& step : entries_[number].steps) {
      const auto* prepare = std::get_if<model::PrepareStep>(&step.action);
      if (prepare == nullptr || images.insert(model::describe(prepare->image)).second)
        outcome_.plan.steps.push_back(step);
    }
  }
  outcome_.wake_at = wake_at == Time::max() ? std::nullopt : std::optional(wake_at);
}

Room IncrementalPlanner::furnish(const std::vector<model::Node>& nodes) const {
  Room room;
  for (const model::Node& node : nodes) room.set_node(node);
  struct Waiting {
    const model::Revision* revision = nullptr;
    int tasks = 0;
  };
  std::map<model::RevisionId, Waiting> waiting;
  const auto occupy = [&](const model::Task& task, const model::Sighting& sighting) {
    const auto seen = std::find_if(sighting.revisions.begin(), sighting.revisions.end(),
                                   [&](const auto& other) { return other.revision.id == task.revision; });
    if (seen == sighting.revisions.end()) return;
    room.occupy(task, seen->revision);
    if (!task.node.empty() || task.state != model::TaskState::Pending) return;
    Waiting& entry = waiting[task.revision];
    entry.revision = &seen->revision;
    ++entry.tasks;
  };
  for (const Entry& entry : entries_) {
    for (const model::Task& task : entry.seen.engine->tasks) occupy(task, *entry.seen.engine);
  }
  for (const model::Task& task : one_offs_) {
    const size_t number = find(task.instance);
    if (number != ids_.size()) occupy(task, *entries_[number].seen.engine);
  }
  for (const auto& [id, entry] : waiting) room.place_many(*entry.revision, entry.tasks);
  return room;
}

}  // namespace slipway::plan
