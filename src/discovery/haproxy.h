// Healthy tasks -> HAProxy configuration text. Pure: the same routes give the same text.
//
// One backend an instance; a frontend for each declared port, and one shared http frontend that picks the backend by
// host name. Servers are not in the text but for a warm start: they come and go through the runtime API (see proxy.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/instance.h"
#include "model/plan.h"

namespace slipway::discovery {

struct RoutedInstance {
  model::InstanceId id;
  model::Proxy proxy;
  std::vector<model::Route> routes;  // sorted by task
  bool operator==(const RoutedInstance&) const = default;
};

struct ProxySettings {
  std::string bind = "127.0.0.1";     // address of all frontends; "*" for every interface
  int http_port = 8080;               // the shared frontend; 0: none
  std::string directory;              // sockets, configuration, pid file; created when missing
  std::string haproxy = "haproxy";    // the binary
  int max_connections = 4096;
};

// The configuration of these instances. `directory` names the sockets.
std::string haproxy_text(const ProxySettings& settings, const std::vector<RoutedInstance>& instances);

// Names in the text and in the runtime API.
std::string backend_name(const model::InstanceId& id);
std::string server_name(const model::TaskId& id);

// Instances that cannot stand beside the others: a port or domain that an earlier one (by id) has already, or the
// shared port. The rest are kept.
struct Admission {
  std::vector<RoutedInstance> admitted;
  std::map<model::InstanceId, std::string> refused;  // why, naming the other
};
Admission admit(const ProxySettings& settings, std::vector<RoutedInstance> wanted);

}  // namespace slipway::discovery
