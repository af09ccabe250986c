// Healthy tasks -> HAProxy configuration text. Pure: the same routes give the same text.
//
// One backend an instance; a frontend for each declared port, and one shared http frontend that picks the
// backend by host name. Servers are in the text only for a warm start: while HAProxy runs they come and go
// through its runtime interface (see worker.h and proxy.h).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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
  std::string bind = "127.0.0.1";   // address of all frontends; "*" for every interface
  int http_port = 8080;             // the shared frontend; 0: none
  std::string directory = "";       // sockets, configuration, pid file; created when missing
  std::string haproxy = "haproxy";  // the binary
  std::string cgroup = "";          // that HAProxy runs in; empty: ours
  int max_connections = 4096;
  // Whom the workers become, once they have bound their ports; then they see no file either. Empty: they stay
  // who the control plane is.
  std::string user = "";
  std::string group = "";
  // Told at each sync which ports other machines and tasks may reach; empty: nobody is.
  std::function<void(const std::set<int>&)> listens = {};
};

// The sockets' names within `directory`. They are relative, and HAProxy runs in that folder, because the path
// of a unix socket may not be longer than some 100 bytes and the folder's may.
constexpr std::string_view kMasterSocket = "master.sock";
constexpr std::string_view kWorkerSocket = "worker.sock";
// The folder there that is the whole world of workers that have become another user; always empty.
constexpr std::string_view kEmptyFolder = "empty";

// What each server is checked by, in the text and when it is added at run time (a server that is added does
// not inherit from default-server). Connecting is the test: a task that died is out after one failed request
// or two failed checks, whichever is first, long before a control plane has to do anything; and back 250 ms
// after it listens.
constexpr std::string_view kServerOptions =
    "check inter 1s fastinter 250ms downinter 250ms fall 2 rise 1 observe layer4 error-limit 1 on-error "
    "mark-down";

// The configuration of these instances. Tasks that are being drained are left out of it: whoever reads this
// text from the start has no sessions with them.
std::string haproxy_text(const ProxySettings& settings, const std::vector<RoutedInstance>& instances);

// Names everything in the text but the servers, and stands in it as HAProxy's description of itself: two
// texts of one signature differ by nothing that the runtime interface cannot change.
std::string signature(const ProxySettings& settings, const std::vector<RoutedInstance>& instances);

// The ports of the text's frontends; none where they are bound to the loopback alone.
std::set<int> open_ports(const ProxySettings& settings, const std::vector<RoutedInstance>& instances);

// True when the text has no frontend, so that there is nothing to run HAProxy for (nor would it start).
bool has_frontend(const ProxySettings& settings, const std::vector<RoutedInstance>& instances);

// Names in the text and in the runtime interface. Bytes that HAProxy does not take in a name stand as ':' and
// two hexadecimal digits, so every name can be read back.
std::string backend_name(const model::InstanceId& id);
std::string server_name(const model::TaskId& id);
model::TaskId task_of_server(std::string_view server);
std::string port_frontend_name(int port);
constexpr std::string_view kSharedFrontend = "shared";

// Instances that cannot stand beside the others: a port or domain that one given earlier has already, or the
// shared port. The rest are kept.
struct Admission {
  std::vector<RoutedInstance> admitted;              // sorted by id
  std::map<model::InstanceId, std::string> refused;  // why, naming the other
};
Admission admit(const ProxySettings& settings, std::vector<RoutedInstance> wanted);

}  // namespace slipway::discovery
