#include "plan/seen.h"

#include <algorithm>

namespace slipway::plan {
namespace {

constexpr size_t kStranger = SIZE_MAX;

}  // namespace

const RoutedTask* Seen::routed_task(const model::TaskId& task) const {
  const auto& tasks = engine->tasks;
  const auto found = std::lower_bound(tasks.begin(), tasks.end(), task,
                                      [](const model::Task& a, const model::TaskId& b) { return a.id < b; });
  if (found == tasks.end() || found->id != task) return nullptr;
  const auto& seen = routed[static_cast<size_t>(found - tasks.begin())];
  return seen ? &*seen : nullptr;
}

SortedInputs::SortedInputs(const Inputs& inputs, const std::vector<model::InstanceId>& ids)
    : inputs_(inputs), ids_(ids), groups_(ids.size()) {
  for (const model::ObservedRevision& observed : inputs.observed.revisions) {
    const size_t number = number_of(observed.revision.instance);
    if (number != kStranger) groups_[number].revisions.push_back(&observed);
  }
  const std::vector<model::Task>& tasks = inputs.observed.tasks;
  std::vector<size_t> numbers(tasks.size(), kStranger);
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].one_off) continue;
    numbers[i] = number_of(tasks[i].instance);
    if (numbers[i] != kStranger) ++groups_[numbers[i]].tasks;
  }
  size_t first = 0;
  for (Group& group : groups_) {
    group.first = first;
    first += std::exchange(group.tasks, 0);
  }
  items_.resize(first);
  // Both are sorted by task, so that one walk beside the other finds every pair.
  bool sorted = true;
  auto routed = inputs.routing.tasks.begin();
  const auto end = inputs.routing.tasks.end();
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (numbers[i] == kStranger) continue;
    if (i > 0 && tasks[i].id < tasks[i - 1].id) {
      sorted = false;
      routed = inputs.routing.tasks.begin();
    }
    while (routed != end && routed->first < tasks[i].id) ++routed;
    Group& group = groups_[numbers[i]];
    const bool listed = routed != end && routed->first == tasks[i].id;
    items_[group.first + group.tasks++] = Item{&tasks[i], listed ? &routed->second : nullptr};
  }
  if (!sorted) sort_groups();
}

// For whoever hands in what is not sorted.
void SortedInputs::sort_groups() {
  for (const Group& group : groups_) {
    const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(group.first);
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(group.tasks),
              [](const Item& a, const Item& b) { return a.task->id < b.task->id; });
  }
}

size_t SortedInputs::number_of(const model::InstanceId& id) {
  if (last_ < ids_.size() && ids_[last_] == id) return last_;
  if (last_ + 1 < ids_.size() && ids_[last_ + 1] == id) return ++last_;
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (found != ids_.end() && *found == id) return last_ = static_cast<size_t>(found - ids_.begin());
  if (strangers_.empty() || strangers_.back() != id) strangers_.push_back(id);
  return kStranger;
}

bool SortedInputs::engine_is_as(const Group& group, const model::Sighting& before) const {
  const auto item = items_.begin() + static_cast<std::ptrdiff_t>(group.first);
  return group.tasks == before.tasks.size() && group.revisions.size() == before.revisions.size() &&
         std::equal(before.tasks.begin(), before.tasks.end(), item,
                    [](const model::Task& task, const Item& now) { return task == *now.task; }) &&
         std::equal(before.revisions.begin(), before.revisions.end(), group.revisions.begin(),
                    [](const model::ObservedRevision& seen, const model::ObservedRevision* now) {
                      return seen == *now;
                    });
}

DrainReports SortedInputs::drains_of(const Group& group) const {
  DrainReports reports;
  if (inputs_.drains.empty()) return reports;
  for (size_t i = 0; i < group.tasks; ++i) {
    const auto report = inputs_.drains.find(items_[group.first + i].task->id);
    if (report != inputs_.drains.end()) reports.insert(*report);
  }
  return reports;
}

const std::string* SortedInputs::refusal_of(size_t number) const {
  const auto refused = inputs_.routing.refused.find(ids_[number]);
  return refused == inputs_.routing.refused.end() ? nullptr : &refused->second;
}

bool SortedInputs::is_as(size_t number, const Seen& before) const {
  const Group& group = groups_[number];
  if (!engine_is_as(group, *before.engine) || before.routed.size() != group.tasks) return false;
  for (size_t i = 0; i < group.tasks; ++i) {
    const RoutedTask* routed = items_[group.first + i].routed;
    if (before.routed[i] ? routed == nullptr || *before.routed[i] != *routed : routed != nullptr)
      return false;
  }
  const std::string* refused = refusal_of(number);
  if (before.refused ? refused == nullptr || *before.refused != *refused : refused != nullptr) return false;
  return before.drains == drains_of(group);
}

Seen SortedInputs::look(size_t number, const Seen& before) const {
  const Group& group = groups_[number];
  Seen seen;
  if (engine_is_as(group, *before.engine)) {
    seen.engine = before.engine;
  } else {
    model::Sighting sighting;
    sighting.tasks.reserve(group.tasks);
    for (size_t i = 0; i < group.tasks; ++i) sighting.tasks.push_back(*items_[group.first + i].task);
    sighting.revisions.reserve(group.revisions.size());
    for (const model::ObservedRevision* revision : group.revisions) sighting.revisions.push_back(*revision);
    seen.engine = std::move(sighting);
  }
  seen.routed.resize(group.tasks);
  for (size_t i = 0; i < group.tasks; ++i) {
    const RoutedTask* routed = items_[group.first + i].routed;
    if (routed != nullptr) seen.routed[i] = *routed;
  }
  seen.drains = drains_of(group);
  if (const std::string* refused = refusal_of(number)) seen.refused = *refused;
  return seen;
}

}  // namespace slipway::plan
