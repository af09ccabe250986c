// A load balancer in memory, for tests and simulations: does at once what it is told, unless its knobs say
// otherwise. One thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "discovery/proxy.h"

namespace slipway::discovery {

class FakeProxy final : public Proxy {
 public:
  // Knobs.
  // While set, every call fails with this.
  std::optional<Error> outage;
  // Requests in progress at a task. They stay when it is drained, until the test ends them.
  std::map<model::TaskId, int> sessions;
  // Tasks that do not accept connections: routed to, but not in.
  std::set<model::TaskId> deaf;
  // Instances refused, as for a taken port.
  std::map<model::InstanceId, std::string> refuse;

  // What was seen.
  std::vector<RoutedInstance> wanted;  // of the last sync that succeeded
  int syncs = 0;
  bool running = false;

  Result<ProxyState> sync(const std::vector<RoutedInstance>& instances, Deadline deadline) override {
    ++syncs;
    if (outage) return *outage;
    Admission admission = admit(settings_, instances);
    refused_ = std::move(admission.refused);
    for (const auto& [id, why] : refuse) refused_[id] = why;
    wanted = std::move(admission.admitted);
    std::erase_if(wanted, [&](const RoutedInstance& instance) { return refuse.contains(instance.id); });
    running = has_frontend(settings_, wanted);
    return observe(deadline);
  }

  Result<ProxyState> observe(Deadline) override {
    if (outage) return *outage;
    ProxyState state;
    state.refused = refused_;
    state.in_step = refused_.empty();
    for (const RoutedInstance& instance : wanted) {
      for (const model::Route& route : instance.routes) {
        const auto busy = sessions.find(route.task);
        const bool draining = route.traffic == model::Traffic::Drain;
        state.servers[route.task] = {.in = !draining && !deaf.contains(route.task),
                                     .draining = draining,
                                     .sessions = busy == sessions.end() ? 0 : busy->second};
      }
    }
    return state;
  }

  Status stop(Deadline) override {
    if (outage) return *outage;
    wanted.clear();
    refused_.clear();
    running = false;
    return {};
  }

 private:
  ProxySettings settings_;
  std::map<model::InstanceId, std::string> refused_;
};

}  // namespace slipway::discovery
