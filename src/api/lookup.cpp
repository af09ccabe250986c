#include "api/lookup.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::api {

namespace {

using Names = std::map<std::string, std::set<std::string>>;

Names all_names(const reconcile::Snapshot& snapshot) {
  Names names;
  for (const model::InstanceStatus& status : snapshot.instances)
    names[status.id.service].insert(status.id.instance);
  for (const auto& instance : snapshot.desired->instances)
    names[instance.id.service].insert(instance.id.instance);
  for (const auto& service : snapshot.desired->broken) names[service];
  for (const auto& service : snapshot.desired->last_good) names[service];
  return names;
}

// `prefix` stands before the suggestion, so that it is the whole of what to say instead.
Error not_found(std::string message, const std::string& word, const std::vector<std::string>& candidates,
                const std::string& prefix = "") {
  if (const auto near = did_you_mean(word, candidates)) {
    message += fmt::format("; did you mean '{}{}'?", prefix, *near);
  }
  return Error(ErrorCode::NotFound, message);
}

}  // namespace

Status check_known(const reconcile::Snapshot& snapshot, const std::string& service,
                   const std::string& instance) {
  const Names names = all_names(snapshot);
  const auto found = names.find(service);
  if (found == names.end()) {
    std::vector<std::string> services;
    for (const auto& [name, instances] : names) services.push_back(name);
    return not_found(fmt::format("there is no service '{}'", printable(service)), service, services);
  }
  if (instance.empty() || found->second.contains(instance)) return {};
  if (snapshot.desired->has_broken_files(service)) {
    return Error(ErrorCode::NotFound,
                 fmt::format("nothing is known of '{}.{}': the files of '{}' have problems", service,
                             printable(instance), service));
  }
  return not_found(fmt::format("service '{}' has no instance '{}'", service, printable(instance)), instance,
                   std::vector<std::string>(found->second.begin(), found->second.end()), service + ".");
}

Status check_node(const reconcile::Snapshot& snapshot, const std::string& node) {
  std::vector<std::string> names;
  for (const model::Node& one : *snapshot.nodes) names.push_back(one.id.str());
  if (std::find(names.begin(), names.end(), node) != names.end()) return {};
  if (names.size() == 1)
    return Error(ErrorCode::NotFound,
                 fmt::format("there is no node '{}'; the only one is '{}'", printable(node), names.front()));
  return not_found(fmt::format("there is no node '{}'", printable(node)), node, names);
}

const model::InstanceStatus* find_status(const reconcile::Snapshot& snapshot, const model::InstanceId& id) {
  const auto it =
      std::lower_bound(snapshot.instances.begin(), snapshot.instances.end(), id,
                       [](const auto& status, const auto& wanted) { return status->id < wanted; });
  return it != snapshot.instances.end() && (*it)->id == id ? &**it : nullptr;
}

Result<const model::Task*> find_task(const reconcile::Snapshot& snapshot, const std::string& name) {
  std::vector<const model::Task*> found;
  const model::Task* exact = nullptr;
  const auto look = [&](const std::vector<model::Task>& tasks) {
    for (const model::Task& task : tasks) {
      if (task.id.str() == name) exact = &task;
      if (task.id.str().starts_with(name)) found.push_back(&task);
    }
  };
  for (const model::InstanceStatus& status : snapshot.instances) look(status.seen->tasks);
  look(snapshot.one_off);
  if (exact != nullptr) return exact;
  if (found.size() == 1 && !name.empty()) return found.front();
  if (found.empty() || name.empty()) {
    std::vector<std::string> known;
    for (const model::InstanceStatus& status : snapshot.instances) {
      known.push_back(status.id.text());
      known.push_back(status.id.service);
      for (const model::Task& task : status.seen->tasks) known.push_back(task.id.str());
    }
    return not_found(fmt::format("there is no task '{}'", printable(name)), name, known);
  }
  return Error(ErrorCode::Invalid,
               fmt::format("'{}' begins the names of {} tasks, such as {} and {}", printable(name),
                           found.size(), found[0]->id.str(), found[1]->id.str()));
}

}  // namespace slipway::api
