// What is, as against what anybody believes: every task as the world and the load balancer have it now.
#pragma once

#include <map>

#include "discovery/fake_proxy.h"
#include "engine/fake/cluster.h"

namespace slipway::sim {

struct TaskTruth {
  model::InstanceId instance;
  model::RevisionId revision;
  model::NodeId node;              // empty: it waits for a place
  bool running = false;            // its process is there and has not been asked to stop
  bool stopping = false;           // it has been asked to stop
  bool lost = false;               // with its node
  bool told = false;               // that it is to drain: it takes no more work
  std::optional<Time> started_at;  // its process
  std::optional<Time> healthy_since;
  bool listed = false;  // by the load balancer
  bool in = false;      // the load balancer sends it new requests
  int sessions = 0;     // open at the load balancer
};

// Of all tasks that are no one-off ones, and of all that the load balancer lists.
using Picture = std::map<model::TaskId, TaskTruth>;

Picture take_picture(engine::fake::FakeCluster& cluster, const discovery::ProxyState& proxy);

}  // namespace slipway::sim
