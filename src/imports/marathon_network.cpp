#include "imports/marathon_network.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/forms.h"
#include "config/yaml_scalar.h"

namespace slipway::imports {

namespace {

constexpr int kOwnPort = 8080;  // for a task that Marathon would have given any free port

int port_of(const YamlNode* node) {
  if (node == nullptr) return 0;
  const auto port = config::integer_of(*node);
  return port && *port > 0 && *port <= 65535 ? static_cast<int>(*port) : 0;
}

// The first non-empty list on one of these paths.
const YamlNode* list_at(const YamlNode& app, std::initializer_list<std::string_view> path) {
  const YamlNode* node = &app;
  for (const std::string_view key : path) node = node == nullptr ? nullptr : node->find(key);
  return node == nullptr || node->children.empty() ? nullptr : node;
}

class Network {
 public:
  Network(const YamlNode& app, Json& keys, Draft& draft) : app_(app), keys_(keys), draft_(draft) {}

  void read() {
    host_ = is_host();
    const YamlNode* mappings = list_at(app_, {"container", "portMappings"});
    if (mappings == nullptr) mappings = list_at(app_, {"container", "docker", "portMappings"});
    const YamlNode* definitions = list_at(app_, {"portDefinitions"});
    const YamlNode* ports = list_at(app_, {"ports"});
    if (!host_ && mappings != nullptr) {
      from_mappings(*mappings);
    } else if (definitions != nullptr) {
      lose_further(*definitions);
      from_service_port(definitions->children[0].find("port"));
    } else if (ports != nullptr) {
      lose_further(*ports);
      from_service_port(&ports->children[0]);
    } else if (needs_port()) {
      from_service_port(nullptr);
    }
    if (host_ && pinned_) keys_["net"] = "host";
    add_proxy();
    tell_other_labels();
    tell_other_check_port();
    if (port_ > 0 && !keys_.has("healthcheck_mode")) keys_["healthcheck_mode"] = "none";
  }

 private:
  bool is_host() {
    if (const YamlNode* networks = list_at(app_, {"networks"})) {
      const YamlNode& first = networks->children[0];
      if (first.find("name") != nullptr) draft_.lose(first.at, "the network " + text_at(first, "name"));
      for (size_t i = 1; i < networks->children.size(); ++i) {
        draft_.lose(networks->children[i].at, "a second network");
      }
      return text_at(first, "mode") == "host";
    }
    const YamlNode* container = app_.find("container");
    const YamlNode* docker = container == nullptr ? nullptr : container->find("docker");
    const std::string network = docker == nullptr ? std::string() : text_at(*docker, "network");
    if (network == "USER") draft_.lose(docker->find("network")->at, "a network of the user's");
    return network.empty() ? app_.find("ipAddress") == nullptr : network == "HOST";
  }

  bool mentions(std::string_view word) const {
    for (const char* key : {"cmd", "healthcheck_cmd"}) {
      if (keys_.at(key).as_string().find(word) != std::string::npos) return true;
    }
    return std::ranges::any_of(keys_.at("args").as_array(), [&](const Json& argument) {
      return argument.as_string().find(word) != std::string::npos;
    });
  }

  bool needs_port() const {
    const std::string& mode = keys_.at("healthcheck_mode").as_string();
    return mode == "http" || mode == "https" || mode == "tcp" || mentions("PORT");
  }

  void lose_further(const YamlNode& list) {
    for (size_t i = 1; i < list.children.size(); ++i) {
      draft_.lose(list.children[i].at, "a second port", "a task listens on one container_port");
    }
  }

  void from_mappings(const YamlNode& mappings) {
    lose_further(mappings);
    const YamlNode& first = mappings.children[0];
    if (text_at(first, "protocol").starts_with("udp")) {
      draft_.lose(first.at, "a udp port");
      return;
    }
    service_port_ = port_of(first.find("servicePort"));
    host_port_ = port_of(first.find("hostPort"));
    listen(port_of(first.find("containerPort")), first.at);
  }

  // Without requirePorts this is a port for the load balancer, and the task gets any that is free.
  void from_service_port(const YamlNode* port) {
    const YamlNode* require = app_.find("requirePorts");
    pinned_ = port_of(port) > 0 && require != nullptr && config::boolean_of(*require).value_or(false);
    service_port_ = port_of(port);
    listen(port_of(port), port == nullptr ? app_.at : port->at);
  }

  void listen(int port, Position at) {
    port_ = port > 0 ? port : kOwnPort;
    if (port == 0) {
      draft_.lose(at, "a port that is chosen when the task starts",
                  fmt::format("the task finds {} in PORT, and has it to itself", port_));
    }
    keys_["container_port"] = port_;
    if (mentions("PORT0")) keys_["env"]["PORT0"] = std::to_string(port_);
    if (mentions("PORT1")) draft_.lose(at, "PORT1", "a task listens on one container_port");
  }

  const YamlNode* label(std::string_view name) const {
    const YamlNode* labels = app_.find("labels");
    return labels == nullptr ? nullptr : labels->find(name);
  }

  // The labels of marathon-lb, else a fixed port of the host.
  void add_proxy() {
    if (port_ == 0) return;
    Json proxy = Json::Object();
    const YamlNode* hosts = label("HAPROXY_0_VHOST");
    const YamlNode* mode = label("HAPROXY_0_MODE");
    const bool balanced = hosts != nullptr || label("HAPROXY_GROUP") != nullptr;
    if (hosts != nullptr) add_domains(*hosts, proxy);
    const YamlNode* own = label("HAPROXY_0_PORT");
    const int port = own != nullptr ? port_of(own) : service_port_;
    // A port of a load balancer that nobody runs would only stand in somebody's way.
    const int wanted = balanced && (hosts == nullptr || own != nullptr) ? port : host_port_;
    if (wanted > 0 && draft_.claim(fmt::format("port {}", wanted), app_.at)) proxy["port"] = wanted;
    if (proxy.as_object().empty()) return;
    const bool http = proxy.has("domains") || (mode != nullptr && mode->text == "http");
    proxy["mode"] = http ? "http" : "tcp";
    keys_["proxy"] = std::move(proxy);
  }

  void add_domains(const YamlNode& hosts, Json& proxy) {
    for (const std::string& part : split(hosts.text, ',')) {
      const std::string host(trim(part));
      if (!config::is_host_name(host)) {
        draft_.lose(hosts.at, "the host name " + config::quote_for_message(host));
      } else if (draft_.claim("host name " + host, hosts.at)) {
        proxy["domains"].push_back(host);
      }
    }
  }

  void tell_other_labels() {
    const YamlNode* labels = list_at(app_, {"labels"});
    if (labels == nullptr) return;
    for (const YamlNode& one : labels->children) {
      const bool read = one.key == "HAPROXY_GROUP" || one.key == "HAPROXY_0_VHOST" ||
                        one.key == "HAPROXY_0_MODE" || one.key == "HAPROXY_0_PORT";
      if (one.key.starts_with("HAPROXY_") && !read) draft_.lose(one.key_at, "the label " + one.key);
    }
  }

  // A check may name its port; ours is of the one port.
  void tell_other_check_port() {
    const YamlNode* checks = list_at(app_, {"healthChecks"});
    const YamlNode* port = checks == nullptr ? nullptr : checks->children[0].find("port");
    if (port == nullptr || port->kind == YamlKind::Null || port_of(port) == port_) return;
    draft_.lose(port->at, "a health check of port " + port->text, "the one container_port is checked");
  }

  const YamlNode& app_;
  Json& keys_;
  Draft& draft_;
  bool host_ = false;
  bool pinned_ = false;
  int port_ = 0;
  int service_port_ = 0;
  int host_port_ = 0;
};

}  // namespace

void read_marathon_network(const YamlNode& app, Json& keys, Draft& draft) {
  Network(app, keys, draft).read();
}

}  // namespace slipway::imports
