#include "config/paasta_instance.h"

#include <algorithm>
#include <climits>
#include <cmath>

#include <fmt/format.h>

#include "config/paasta_fields.h"
#include "config/paasta_task.h"
#include "config/placement.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

void tell(std::vector<Finding>& findings, Position at, std::string message, std::string hint) {
  findings.push_back({at, std::move(message), std::move(hint), {}, model::Severity::Tolerated});
}

int whole(const Json& value, int least, int most, int otherwise) {
  if (!value.is_number() || !std::isfinite(value.as_double())) return otherwise;
  return static_cast<int>(std::clamp(value.as_double(), double(least), double(most)));
}

// Of several instances in one namespace the one that is named like it has its port, and of none such the
// first: see take_proxies.
std::optional<model::Proxy> proxy_of(const Namespace& space) {
  const YamlNode* node = space.find("proxy_port");
  const auto port = node == nullptr ? std::nullopt : integer_11(*node);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  const std::string mode = space.mode();
  model::Proxy proxy;
  proxy.port = static_cast<int>(*port);
  proxy.mode = mode == "tcp" || mode == "https" ? model::ProxyMode::Tcp : model::ProxyMode::Http;
  return proxy;
}

model::Bounce bounce_of(const Json& shown, const PaastaContext& context, std::vector<Finding>& findings) {
  model::Bounce bounce;
  const std::string& method = shown.at("bounce_method").as_string();
  if (const auto known = model::bounce_method_from(method)) {
    bounce.method = *known;
  } else {
    const YamlNode* node = context.settings.find("bounce_method");
    tell(findings, node == nullptr ? context.at : node->at,
         fmt::format("bounce_method is {}", shown.at("bounce_method").dump()),
         "it should be one of crossover, brutal, downthenup; crossover is used");
  }
  const double margin = shown.at("bounce_margin_factor").as_double(0.95);
  bounce.margin = margin > 0 && margin <= 1 ? margin : 0.95;
  const YamlNode* uptime = context.settings.below("bounce_health_params").find("min_task_uptime");
  const auto seconds = uptime == nullptr ? std::nullopt : number_11(*uptime);
  if (seconds && *seconds > 0 && *seconds < 86400)
    bounce.min_task_uptime = Duration(static_cast<int64_t>(*seconds * 1000));
  return bounce;
}

}  // namespace

model::Instance read_paasta_instance(const PaastaContext& context, std::vector<Finding>& findings) {
  model::Instance instance;
  instance.id = context.id;
  instance.kind = context.kind;
  Json shown = paasta_fields(context, findings);
  const Layers& settings = context.settings;
  if (context.kind == model::InstanceKind::Service) {
    const Namespace space(context.smartstack, namespace_of(settings, context.id));
    const Json& instances = shown.at("instances");
    instance.proxy = proxy_of(space);
    instance.count = whole(instances.at("count"), 0, 100'000, 1);
    if (instances.at("autoscaled").as_bool()) {
      instance.min_instances = whole(instances.at("min"), 0, 100'000, 1);
      instance.max_instances = whole(instances.at("max"), 0, 100'000, 1);
    }
    instance.bounce = bounce_of(shown, context, findings);
  }
  instance.deploy_group = shown.at("deploy_group").as_string();
  instance.spec = paasta_task_spec(context, shown);
  instance.drain = paasta_drain(context, shown, instance.proxy.has_value(), findings);
  for (const Json& name : shown.at("registrations").as_array())
    instance.registrations.push_back(name.as_string());
  instance.deploy_whitelist = shown.at("deploy_whitelist");
  instance.deploy_blacklist = shown.at("deploy_blacklist");
  instance.node_selectors = shown.at("node_selectors");
  instance.monitoring = shown.at("monitoring");
  if (shown.at("replication_threshold").is_number())
    instance.replication_threshold = whole(shown.at("replication_threshold"), 0, INT_MAX, 50);
  instance.shown = std::move(shown);
  return instance;
}

void trim_shown(model::Instance& instance, const std::string& cluster) {
  const Json own = model::resolved_json(instance, cluster);
  Json::Object kept;
  for (const auto& [name, value] : instance.shown.as_object()) {
    if (own.at(name) != value || !own.has(name)) kept.emplace(name, value);
  }
  instance.shown = kept.empty() ? Json() : Json(std::move(kept));
}

}  // namespace slipway::config
