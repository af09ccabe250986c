// A load balancer as a control plane meets it: with connections that linger, servers that take a moment to be
// in, ports that are taken, and times when it cannot be asked.
#pragma once

#include "discovery/fake_proxy.h"
#include "sim/stage.h"

namespace slipway::sim {

class FaultyProxy final : public discovery::Proxy {
 public:
  explicit FaultyProxy(Stage& stage) : stage_(stage) {}

  // How it is, whatever can be asked.
  discovery::ProxyState truth();
  // It ends, and comes back without any configuration.
  void die();
  void refuse(const model::InstanceId& instance) { inner_.refuse[instance] = "the port is taken"; }
  void refuse_none() { inner_.refuse.clear(); }

  Result<discovery::ProxyState> sync(const std::vector<discovery::RoutedInstance>& wanted,
                                     Deadline deadline) override;
  Result<discovery::ProxyState> observe(Deadline deadline) override;
  Status stop(Deadline deadline) override;

 private:
  Status reachable() const;
  void settle();
  void follow(const discovery::ProxyState& before);

  Stage& stage_;
  discovery::FakeProxy inner_;
  std::map<model::TaskId, SteadyTime> hears_at_;  // until then a new server is not in
  std::map<model::TaskId, SteadyTime> ends_at_;   // when the last connection of a draining server ends
  bool empty_ = false;                            // it has died, and nobody has told it anything since
};

}  // namespace slipway::sim
