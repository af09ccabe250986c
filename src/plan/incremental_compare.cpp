// How an IncrementalPlanner finds what is different from its last call.
#include <algorithm>
#include <unordered_set>

#include "plan/incremental.h"

namespace slipway::plan {
namespace {

// All that is read of a node for a single instance; its sizes matter to those that share room, who are
// planned in every call.
bool reads_alike(const model::Node& a, const model::Node& b) {
  return a.ready == b.ready && a.draining == b.draining && a.reason == b.reason &&
         a.attributes == b.attributes;
}

// Calls `differs` with the key of what only one of two sorted ranges has, or both have unlike.
template <class Range, class Key, class Alike, class Differs>
void compare_sorted(const Range& one, const Range& other, Key key, Alike alike, Differs differs) {
  auto a = one.begin();
  auto b = other.begin();
  while (a != one.end() || b != other.end()) {
    if (b == other.end() || (a != one.end() && key(*a) < key(*b))) {
      differs(key(*a++));
    } else if (a == one.end() || key(*b) < key(*a)) {
      differs(key(*b++));
    } else {
      if (!alike(*a, *b)) differs(key(*a));
      ++a;
      ++b;
    }
  }
}

constexpr auto kEqual = [](const auto& a, const auto& b) { return &a == &b || a == b; };
constexpr auto kIdOf = [](const auto& value) -> const auto& { return value.id; };

}  // namespace

void IncrementalPlanner::compare_files(const Shared<model::Desired>& desired) {
  if (desired_.is(desired)) return;
  const Shared<model::Desired> before = std::exchange(desired_, desired);
  std::vector<model::InstanceId> ids;
  for (const model::Instance& instance : desired->instances) {
    // Jobs and ad hoc runs are not kept running, so they are not planned here.
    if (instance.kind == model::InstanceKind::Service) ids.push_back(instance.id);
  }
  admit(std::move(ids));
  compare_sorted(before->instances, desired->instances, kIdOf, kEqual,
                 [&](const model::InstanceId& id) { touch(id); });
  if (before->broken == desired->broken && before->problems == desired->problems) return;
  for (const model::Desired* files : {&*before, &*desired}) {
    for (const std::string& service : files->broken) touch_service(service);
    for (const model::Problem& problem : files->problems) touch_service(problem.service);
  }
}

void IncrementalPlanner::compare_overrides(const std::vector<model::Override>& overrides) {
  if (overrides == overrides_) return;
  const auto touch_missing = [&](const auto& some, const auto& others) {
    for (const model::Override& value : some) {
      if (std::find(others.begin(), others.end(), value) != others.end()) continue;
      value.kind == model::OverrideKind::Freeze ? touch_all() : touch(value.instance);
    }
  };
  touch_missing(overrides, overrides_);
  touch_missing(overrides_, overrides);
  overrides_ = overrides;
}

void IncrementalPlanner::compare_observation(const Inputs& inputs) {
  std::optional<SortedInputs> now(std::in_place, inputs, ids_);
  if (!now->strangers().empty()) {
    admit(now->strangers());
    now.emplace(inputs, ids_);
  }
  for (size_t number = 0; number < ids_.size(); ++number) {
    Seen& before = entries_[number].seen;
    if (now->is_as(number, before)) continue;
    before = now->look(number, before);
    marks_[number].dirty = true;
  }
  one_offs_.clear();
  std::copy_if(inputs.observed.tasks.begin(), inputs.observed.tasks.end(), std::back_inserter(one_offs_),
               [](const model::Task& task) { return task.one_off; });
}

void IncrementalPlanner::compare_nodes(const std::vector<model::Node>& nodes) {
  if (nodes == *nodes_) return;
  const Shared<std::vector<model::Node>> before = std::exchange(nodes_, nodes);
  closed_nodes_.clear();
  for (const model::Node& node : nodes) {
    if (!node.ready || node.draining) closed_nodes_.insert(node.id);
  }
  std::unordered_set<model::NodeId> changed;
  compare_sorted(*before, nodes, kIdOf, reads_alike, [&](const model::NodeId& id) { changed.insert(id); });
  if (changed.empty()) return;
  for (size_t number = 0; number < ids_.size(); ++number) {
    const auto& tasks = entries_[number].seen.engine->tasks;
    const bool there = std::any_of(tasks.begin(), tasks.end(),
                                   [&](const model::Task& task) { return changed.contains(task.node); });
    marks_[number].dirty = marks_[number].dirty || there;
  }
}

void IncrementalPlanner::compare_memory(const Memory& memory) {
  if (&memory == &outcome_.memory) return;
  std::vector<model::InstanceId> ids;
  compare_sorted(
      outcome_.memory, memory, [](const auto& entry) -> const auto& { return entry.first; }, kEqual,
      [&](const model::InstanceId& id) { ids.push_back(id); });
  for (const model::InstanceId& id : ids) {
    const auto handed = memory.find(id);
    if (handed == memory.end()) {
      outcome_.memory.erase(id);
    } else if (find(id) != ids_.size()) {
      outcome_.memory.insert_or_assign(id, handed->second);
    } else if (handed->second != InstanceMemory()) {
      outcome_.memory_changes.push_back(id);  // of nothing that is known: it goes
    }
    touch(id);
  }
}

void IncrementalPlanner::compare_rest(const Inputs& inputs) {
  const Common common{inputs.routing.known, inputs.routing.down, inputs.restarts_tasks,
                      inputs.shutting_down, inputs.limited_room, inputs.rebalance};
  // After the clock was set back, what is remembered of a time to come is forgotten.
  if (common != common_ || inputs.now < now_) touch_all();
  common_ = common;
  for (size_t number = 0; number < ids_.size(); ++number) {
    Mark& mark = marks_[number];
    mark.dirty = mark.dirty || mark.again || mark.wake_at <= inputs.now;
    if (mark.dirty || !mark.asks_image) continue;
    const auto image = inputs.images.find(entries_[number].image);
    const ImageStatus& before = entries_[number].image_status;
    mark.dirty = image == inputs.images.end() ? before != ImageStatus() : image->second != before;
  }
}

// Makes places for those of the ids that have none yet.
void IncrementalPlanner::admit(std::vector<model::InstanceId> ids) {
  std::erase_if(ids, [&](const model::InstanceId& id) { return find(id) != ids_.size(); });
  if (ids.empty()) return;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const size_t all = ids_.size() + ids.size();
  std::vector<model::InstanceId> merged;
  std::vector<Mark> marks(all);
  std::vector<Entry> entries(all);
  std::vector<model::InstanceStatus> statuses(all);
  merged.reserve(all);
  for (size_t old = 0, fresh = 0; merged.size() < all;) {
    if (old == ids_.size() || (fresh < ids.size() && ids[fresh] < ids_[old])) {
      merged.push_back(std::move(ids[fresh++]));
      continue;
    }
    const size_t number = merged.size();
    marks[number] = marks_[old];
    entries[number] = std::move(entries_[old]);
    statuses[number] = std::move(outcome_.status[old]);
    merged.push_back(std::move(ids_[old++]));
  }
  ids_ = std::move(merged);
  marks_ = std::move(marks);
  entries_ = std::move(entries);
  outcome_.status = std::move(statuses);
}

size_t IncrementalPlanner::find(const model::InstanceId& id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  return found != ids_.end() && *found == id ? static_cast<size_t>(found - ids_.begin()) : ids_.size();
}

const model::Instance* IncrementalPlanner::wanted(const model::InstanceId& id) const {
  const auto& all = desired_->instances;
  const auto found =
      std::lower_bound(all.begin(), all.end(), id,
                       [](const model::Instance& a, const model::InstanceId& b) { return a.id < b; });
  const bool kept_running =
      found != all.end() && found->id == id && found->kind == model::InstanceKind::Service;
  return kept_running ? &*found : nullptr;
}

void IncrementalPlanner::touch(const model::InstanceId& id) {
  const size_t number = find(id);
  if (number != ids_.size()) marks_[number].dirty = true;
}

void IncrementalPlanner::touch_service(const std::string& service) {
  auto id = std::lower_bound(ids_.begin(), ids_.end(), model::InstanceId{service, ""});
  for (; id != ids_.end() && id->service == service; ++id)
    marks_[static_cast<size_t>(id - ids_.begin())].dirty = true;
}

void IncrementalPlanner::touch_all() {
  for (Mark& mark : marks_) mark.dirty = true;
}

}  // namespace slipway::plan
