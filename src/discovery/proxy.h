// The load balancer of this machine, kept in step with the plan's routes.
//
// HaproxyProxy runs HAProxy in master-worker mode in a session of its own, so that traffic goes on when the
// control plane dies; a new control plane finds it by its sockets and goes on. Tasks are added, drained and
// removed through the runtime API; only a change of frontends or backends reloads, after the new text has
// passed HAProxy's own check. A frontend that HAProxy refuses (a taken port) is left out and named, the rest
// go on. Where it will not change for any other reason, the one that runs goes on with its last good
// configuration and its open connections, and the change is tried again later and later.
//
// Called from one thread at a time.
#pragma once

#include <memory>

#include "base/clock.h"
#include "discovery/haproxy.h"

namespace slipway::discovery {

struct ServerState {
  bool in = false;
  bool draining = false;
  int sessions = 0;
};

struct ProxyState {
  std::map<model::TaskId, ServerState> servers;
  std::map<model::InstanceId, std::string> refused;  // left out, or in part; as of the last sync
  // Why what is wanted is not what runs, in HAProxy's own words; tasks still come and go on what runs. Empty
  // when all is well. As of the last sync.
  std::string trouble;
  // Why no load balancer runs although there is something to serve; empty otherwise.
  std::string down;
  // False when another sync, of the same, has something to do: the load balancer has died, a port may have
  // become free, a server was not ready to be deleted.
  bool in_step = true;
};

class Proxy {
 public:
  virtual ~Proxy() = default;
  // Make it so, and tell how it is afterwards. Starts HAProxy when there is something to route and none runs;
  // an error when that fails. A failed change of one that runs is the state's trouble and no error.
  virtual Result<ProxyState> sync(const std::vector<RoutedInstance>& wanted, Deadline deadline) = 0;
  // How it is.
  virtual Result<ProxyState> observe(Deadline deadline) = 0;
  // Stop it and delete its files. Fine when none runs.
  virtual Status stop(Deadline deadline) = 0;
};

// `clock` must outlive the proxy. Does not start anything yet.
std::unique_ptr<Proxy> make_haproxy_proxy(ProxySettings settings, const Clock& clock);

}  // namespace slipway::discovery
