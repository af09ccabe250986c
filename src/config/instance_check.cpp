#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "config/forms.h"
#include "config/instance_compiler.h"
#include "config/placement.h"
#include "config/schema_check.h"
#include "model/placement_check.h"

namespace slipway::config {

namespace {

// Everything that the checks below share: what was written, what it came to, and where to tell.
struct Checked {
  const Reader& reader;
  const InstanceContext& context;
  const model::Instance& instance;
  std::vector<Finding>& findings;

  void tell(Position at, std::string message, std::string hint) const {
    findings.push_back({at, std::move(message), std::move(hint)});
  }
  Position at(std::string_view key) const { return reader.at(key, context.at); }

  // One text under `key` must have a form.
  void form(std::string_view key, bool (*is_right)(std::string_view), std::string hint) const {
    if (!reader.set(key)) return;
    const YamlNode& node = *reader.find(key);
    if (!is_right(node.text))
      tell(node.at, fmt::format("{} is {}", key, quote_for_message(node.text)), std::move(hint));
  }
};

// Of two keys that exclude each other and stand in the same layer, the second by the schema's order is told.
void check_exclusions(const Checked& checked) {
  std::set<std::string_view> met;
  for (const SchemaKey& key : schema("instance").keys) {
    const YamlNode* node = key.not_with.empty() ? nullptr : checked.reader.find(key.name);
    if (node == nullptr) continue;
    met.insert(key.name);
    for (const std::string& other : key.not_with) {
      if (!met.contains(other)) continue;
      checked.tell(node->key_at, fmt::format("{} and {} exclude each other", key.name, other),
                   "keep one of them");
    }
  }
}

void check_command(const Checked& checked) {
  const Reader& reader = checked.reader;
  if (!reader.has("image") && !reader.has("build") && !reader.has("cmd")) {
    checked.tell(checked.context.at, "there is nothing to run",
                 "set image, or build, or a cmd for the host's own filesystem");
  }
  for (const std::string_view key : {"cmd", "healthcheck_cmd"}) {
    const YamlNode* node = reader.set(key) ? reader.find(key) : nullptr;
    if (node == nullptr) continue;
    const bool empty = node->kind == YamlKind::List ? node->children.empty() || node->children[0].text.empty()
                                                    : node->text.empty();
    if (empty) checked.tell(node->at, fmt::format("{} is empty", key), "name a command, or remove the key");
  }
  checked.form("image", is_image_reference,
               "it should be such as docker://host/name:tag, oci:folder or name:tag");
  checked.form("work_dir", is_absolute_path, "it should begin with /");
  checked.form("user", is_user, "it should be a name, a number, or uid:gid");
  if (!reader.set("env")) return;
  for (const auto& [name, node] : reader.entries("env")) {
    if (is_environment_name(name)) continue;
    checked.tell(node->key_at, fmt::format("{} is no name for a variable", quote_for_message(name)),
                 "use letters, digits and _, and no digit first");
  }
}

void check_network(const Checked& checked) {
  const Reader& reader = checked.reader;
  if (!reader.has("container_port")) {
    if (reader.has("proxy"))
      checked.tell(checked.at("proxy"), "proxy needs container_port",
                   "set the port that the tasks listen on");
    return;
  }
  if (checked.instance.spec.net == model::NetMode::None) {
    checked.tell(checked.at("net"), "net is none, and there is a container_port",
                 "without a network no port can be reached: remove one of them");
  }
}

void check_health(const Checked& checked) {
  checked.form("healthcheck_uri", is_uri_path, "it should begin with / and have no blanks");
  const model::HealthMode mode = checked.instance.spec.health.mode;
  switch (mode) {
    case model::HealthMode::None:
      return;
    case model::HealthMode::Cmd:
      if (checked.reader.has("healthcheck_cmd")) return;
      checked.tell(checked.at("healthcheck_mode"), "healthcheck_mode cmd needs healthcheck_cmd",
                   "set the command that tells whether a task is healthy");
      return;
    case model::HealthMode::Http:
    case model::HealthMode::Https:
    case model::HealthMode::Tcp:
      if (checked.reader.has("container_port")) return;
      if (checked.reader.has("healthcheck_mode")) {
        checked.tell(checked.at("healthcheck_mode"),
                     fmt::format("healthcheck_mode {} needs container_port", model::to_text(mode)),
                     "set the port that the tasks listen on");
      } else {
        checked.tell(checked.at("healthcheck_uri"), "healthcheck_uri needs container_port",
                     "set the port that the tasks listen on, or healthcheck_mode: none");
      }
      return;
  }
}

void check_proxy(const Checked& checked) {
  if (!checked.reader.set("proxy")) return;
  const Reader proxy = checked.reader.map("proxy");
  const Position at = checked.at("proxy");
  if (!proxy.has("port") && !proxy.has("domains")) {
    checked.tell(at, "proxy has neither port nor domains", "set one, or remove the proxy");
  }
  const YamlNode* domains = proxy.set("domains") ? proxy.find("domains") : nullptr;
  if (domains == nullptr) return;
  if (checked.instance.proxy->mode == model::ProxyMode::Tcp && !domains->children.empty()) {
    checked.tell(domains->at, "proxy.domains with mode tcp",
                 "only http says which host it wants: remove one of them");
  }
  for (const YamlNode& domain : domains->children) {
    if (domain.kind != YamlKind::Scalar || is_host_name(domain.text)) continue;
    checked.tell(domain.at, fmt::format("{} is no host name", quote_for_message(domain.text)),
                 "it should be such as shop.example.com");
  }
}

void check_volumes(const Checked& checked) {
  if (!checked.reader.set("extra_volumes")) return;
  std::set<std::string> paths;
  for (const Reader& volume : checked.reader.items("extra_volumes")) {
    for (const std::string_view key : {"container_path", "host_path"}) {
      if (!volume.set(key) || is_absolute_path(volume.text(key))) continue;
      checked.tell(volume.at(key, checked.context.at),
                   fmt::format("{} is {}", key, quote_for_message(volume.text(key))),
                   "it should begin with /");
    }
    const std::string path = volume.text("container_path");
    if (path.empty() || paths.insert(path).second) continue;
    checked.tell(volume.at("container_path", checked.context.at),
                 fmt::format("two volumes have the container_path {}", quote_for_message(path)),
                 "keep one of them");
  }
}

void check_drain_calls(const Checked& checked) {
  const model::Drain& drain = checked.instance.drain;
  const bool http = drain.method == model::DrainMethod::Http;
  if (!drain.params.contains("drain")) {
    checked.tell(checked.at("drain_method"),
                 fmt::format("drain_method {} needs drain_method_params.drain", model::to_text(drain.method)),
                 http ? "say which path is called, such as drain: POST /drain" : "say which command is run");
  }
  if (http && !checked.reader.has("container_port"))
    checked.tell(checked.at("drain_method"), "drain_method http needs container_port",
                 "set the port that the tasks listen on");
  if (!checked.reader.set("drain_method_params")) return;
  for (const auto& [name, node] : checked.reader.entries("drain_method_params")) {
    if (name != "drain" && name != "safe" && name != "undrain") {
      checked.tell(node->key_at, fmt::format("unknown parameter {}", quote_for_message(name)),
                   "there are drain, safe and undrain");
    } else if (http && !is_drain_call(node->text)) {
      checked.tell(node->at, fmt::format("{} is {}", name, quote_for_message(node->text)),
                   "it should be a path, perhaps with GET or POST before it, such as POST /drain");
    }
  }
}

void check_drain(const Checked& checked) {
  switch (checked.instance.drain.method) {
    case model::DrainMethod::Noop:
      return;
    case model::DrainMethod::Proxy:
      if (checked.reader.has("proxy")) return;
      checked.tell(checked.at("drain_method"), "drain_method proxy without a proxy",
                   "set proxy, or another method");
      return;
    case model::DrainMethod::Http:
    case model::DrainMethod::Command:
      check_drain_calls(checked);
      return;
  }
}

void check_names(const Checked& checked) {
  const YamlNode* registrations =
      checked.reader.set("registrations") ? checked.reader.find("registrations") : nullptr;
  if (registrations != nullptr) {
    for (const YamlNode& name : registrations->children) {
      if (name.kind != YamlKind::Scalar || is_registration(name.text)) continue;
      checked.tell(name.at, fmt::format("{} is no registration", quote_for_message(name.text)),
                   "it should be of the form service.namespace");
    }
  }
  if (checked.instance.deploy_group.find_first_of("{}") == std::string::npos) return;
  checked.tell(checked.at("deploy_group"),
               fmt::format("deploy_group is {}", quote_for_message(checked.reader.text("deploy_group"))),
               "only {cluster}, {instance} and {service} are filled in");
}

bool is_pair(const YamlNode& node, YamlKind second) {
  return node.kind == YamlKind::List && node.children.size() == 2 &&
         node.children[0].kind == YamlKind::Scalar && node.children[1].kind == second;
}

void check_placement(const Checked& checked) {
  const YamlNode* whitelist =
      checked.reader.set("deploy_whitelist") ? checked.reader.find("deploy_whitelist") : nullptr;
  if (whitelist != nullptr && !is_pair(*whitelist, YamlKind::List)) {
    checked.tell(whitelist->at, "deploy_whitelist has another form", "it should be [attribute, [values]]");
  }
  const YamlNode* blacklist =
      checked.reader.set("deploy_blacklist") ? checked.reader.find("deploy_blacklist") : nullptr;
  if (blacklist != nullptr) {
    for (const YamlNode& pair : blacklist->children) {
      if (pair.kind != YamlKind::List || is_pair(pair, YamlKind::Scalar)) continue;
      checked.tell(pair.at, "this part of deploy_blacklist has another form",
                   "it should be [attribute, value]");
    }
  }
  for (auto& problem : selector_problems(checked.reader))
    checked.tell(problem.at, std::move(problem.message), std::move(problem.hint));
  const std::string_view key = checked.reader.has("placement")        ? "placement"
                               : checked.reader.has("node_selectors") ? "node_selectors"
                                                                      : "deploy_whitelist";
  for (std::string& contradiction :
       model::contradictions(checked.instance.spec.placement, checked.context.id))
    checked.tell(checked.at(key), std::move(contradiction), "");
}

void check_bounce(const Checked& checked) {
  const model::Bounce& bounce = checked.instance.bounce;
  // Of a count that does not fit nothing follows.
  const bool counted = !checked.reader.has("instances") || checked.reader.set("instances");
  if (bounce.canary == 0) return;
  if (bounce.method == model::BounceMethod::DownThenUp) {
    checked.tell(checked.at("canary"), "canary with bounce_method downthenup",
                 "no old task is left beside the canary: choose another method, or no canary");
  } else if (counted && bounce.canary >= checked.instance.count && checked.instance.count > 0) {
    checked.tell(checked.at("canary"),
                 fmt::format("canary is {}, and instances {}", bounce.canary, checked.instance.count),
                 "a canary goes ahead of others: it should be less than instances");
  }
}

}  // namespace

void check_instance(const Reader& reader, const InstanceContext& context, const model::Instance& instance,
                    std::vector<Finding>& findings) {
  const Checked checked{reader, context, instance, findings};
  check_exclusions(checked);
  check_command(checked);
  check_network(checked);
  check_health(checked);
  check_proxy(checked);
  check_volumes(checked);
  check_drain(checked);
  check_bounce(checked);
  check_names(checked);
  check_placement(checked);
}

}  // namespace slipway::config
