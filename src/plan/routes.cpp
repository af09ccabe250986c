#include "plan/routes.h"

#include "plan/view.h"

namespace slipway::plan {
namespace {

std::optional<int> port_of(const Round& round, const model::Task& task) {
  for (const RevisionView& view : round.revisions) {
    if (view.id == task.revision && view.observed != nullptr)
      return view.observed->revision.spec.container_port;
  }
  return std::nullopt;
}

std::optional<model::Traffic> traffic_of(const Round& round, const model::Task& task) {
  if (task.state != model::TaskState::Running) return std::nullopt;
  if (!round.memory.drains.contains(task.id)) {
    return is_healthy(round, task) ? std::optional(model::Traffic::In) : std::nullopt;
  }
  // There is nothing to take out where the load balancer never heard of it.
  const bool listed = !round.in.routing.known || round.seen.routed_task(task.id) != nullptr;
  return listed ? std::optional(model::Traffic::Drain) : std::nullopt;
}

}  // namespace

// The only address there is where the engine does not say which port it is for.
const model::Address* address_of(const Round& round, const model::Task& task) {
  const auto port = port_of(round, task);
  for (const model::Address& address : task.addresses) {
    if (!port || address.container_port == *port) return &address;
  }
  return task.addresses.empty() ? nullptr : &task.addresses.front();
}

std::optional<std::vector<model::Route>> routes_of(const Round& round) {
  if (round.wanted.instance != nullptr && !round.wanted.proxied()) return std::nullopt;
  bool declares_port = round.wanted.proxied();
  std::vector<model::Route> routes;
  for (const model::Task* task : round.tasks) {
    declares_port = declares_port || port_of(round, *task).has_value();
    const auto traffic = traffic_of(round, *task);
    const model::Address* address = address_of(round, *task);
    if (traffic && address != nullptr) routes.push_back(model::Route{task->id, *address, *traffic});
  }
  if (!declares_port) return std::nullopt;
  return routes;
}

}  // namespace slipway::plan
