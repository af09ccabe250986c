#include "config/paasta_task.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "config/forms.h"
#include "config/paasta_fields.h"
#include "config/placement.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

double number_or(const Json& value, double least, double most, double otherwise) {
  const bool right = value.is_number() && value.as_double() >= least && value.as_double() <= most;
  return right ? value.as_double() : otherwise;
}

Duration seconds_or(const Json& value, double otherwise) {
  return Duration(static_cast<int64_t>(std::llround(number_or(value, 0, 86400, otherwise) * 1000)));
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list.as_array()) texts.push_back(item.is_string() ? item.as_string() : item.dump());
  return texts;
}

model::Resources resources_of(const Json& shown) {
  constexpr double kMostMb = 16'777'216;
  model::Resources resources;
  resources.cpus = number_or(shown.at("cpus"), 0.001, 1024, 1);
  resources.cpu_burst_add = number_or(shown.at("cpu_burst_add"), 0, 1024, 1);
  resources.mem_mb = std::llround(number_or(shown.at("mem"), 4, kMostMb, 4096));
  resources.disk_mb = std::llround(number_or(shown.at("disk"), 1, kMostMb, 1024));
  resources.gpus = std::llround(number_or(shown.at("gpus"), 0, 64, 0));
  return resources;
}

model::HealthCheck health_of(const Json& shown) {
  model::HealthCheck health;
  const std::string& mode = shown.at("mode").as_string();
  health.mode = model::health_mode_from(mode == "http2" ? "http" : mode).value_or(model::HealthMode::None);
  if (const std::string& uri = shown.at("uri").as_string(); is_uri_path(uri)) health.uri = uri;
  if (const Json& cmd = shown.at("cmd"); !cmd.is_null())
    health.cmd = cmd.is_array() ? texts_of(cmd) : std::vector<std::string>{"sh", "-c", cmd.as_string()};
  health.grace_period = seconds_or(shown.at("grace_period_seconds"), 60);
  health.interval = std::max(seconds_or(shown.at("interval_seconds"), 10), Duration(100));
  health.timeout = std::max(seconds_or(shown.at("timeout_seconds"), 10), Duration(100));
  health.max_consecutive_failures =
      static_cast<int>(number_or(shown.at("max_consecutive_failures"), 1, 1000, 30));
  return health;
}

std::vector<model::Volume> volumes_of(const Json& shown) {
  std::vector<model::Volume> volumes;
  std::set<std::string> paths;
  for (const Json& volume : shown.as_array()) {
    const std::string& container = volume.at("container_path").as_string();
    const std::string& host = volume.at("host_path").as_string();
    if (!is_absolute_path(container) || !is_absolute_path(host) || !paths.insert(container).second) continue;
    volumes.push_back({container, host, volume.at("mode").as_string() != "RW"});
  }
  std::sort(volumes.begin(), volumes.end());
  return volumes;
}

model::Placement placement_of(const Layers& settings, const Json& shown) {
  std::vector<const YamlNode*> maps(settings.begin(), settings.end());
  model::Placement placement = read_placement(Reader(std::move(maps), schema("instance").keys));
  placement.pool = shown.at("pool").as_string();
  return placement;
}

// What PaaSTA tells its tasks about themselves. The version's own come with it: see set_version.
void add_paasta_variables(const PaastaContext& context, const Json& shown, model::TaskSpec& spec) {
  const auto add = [&](const char* name, std::string value) { spec.env.emplace(name, std::move(value)); };
  const auto number = [](const Json& value) { return value.is_string() ? value.as_string() : value.dump(); };
  add("PAASTA_SERVICE", context.id.service);
  add("PAASTA_INSTANCE", context.id.instance);
  add("PAASTA_CLUSTER", context.cluster);
  add("PAASTA_INSTANCE_TYPE", std::string(context.type));
  add("PAASTA_DEPLOY_GROUP", shown.at("deploy_group").as_string());
  add("PAASTA_RESOURCE_CPUS", number(shown.at("cpus")));
  add("PAASTA_RESOURCE_MEM", number(shown.at("mem")));
  add("PAASTA_RESOURCE_DISK", number(shown.at("disk")));
  if (!shown.at("gpus").is_null()) add("PAASTA_RESOURCE_GPUS", number(shown.at("gpus")));
  if (const Json& team = shown.at("monitoring").at("team"); team.is_string())
    add("PAASTA_MONITORING_TEAM", team.as_string());
  if (spec.container_port) add("PAASTA_PORT", std::to_string(*spec.container_port));
}

// "http://{host}:{port}/drain?ns={nerve_ns}" with its method as one of our calls; empty where it is none
// such.
std::string drain_call(const PaastaContext& context, const Json& phase) {
  constexpr std::string_view kTask = "http://{host}:{port}";
  std::string path = phase.at("url_format").as_string();
  if (!path.starts_with(kTask)) return {};
  path.erase(0, kTask.size());
  const std::pair<std::string_view, std::string> known[] = {
      {"{service}", context.id.service},
      {"{instance}", context.id.instance},
      {"{nerve_ns}", namespace_of(context.settings, context.id)}};
  for (const auto& [name, value] : known) {
    for (size_t at = path.find(name); at != std::string::npos; at = path.find(name, at + value.size()))
      path.replace(at, name.size(), value);
  }
  const std::string method = phase.at("method").is_string() ? phase.at("method").as_string() : "GET";
  std::string call = method + " " + (path.empty() ? "/" : path);
  return is_drain_call(call) ? call : std::string();
}

}  // namespace

model::TaskSpec paasta_task_spec(const PaastaContext& context, const Json& shown) {
  model::TaskSpec spec;
  const Json& cmd = shown.at("cmd");
  if (cmd.is_array()) spec.cmd = texts_of(cmd);
  if (cmd.is_string()) spec.cmd = std::vector<std::string>{"sh", "-c", cmd.as_string()};
  spec.args = texts_of(shown.at("args"));
  for (const auto& [name, value] : shown.at("env").as_object()) {
    if (is_environment_name(name)) spec.env.emplace(name, value.as_string());
  }
  if (const YamlNode* url = context.settings.find("docker_url"); url != nullptr && !url->text.empty())
    spec.image = {model::ImageKind::Reference, "docker://" + url->text, {}};
  spec.resources = resources_of(shown);
  const auto port = number_or(shown.at("container_port"), 1, 65535, 0);
  if (port > 0) spec.container_port = static_cast<int>(port);
  spec.net = model::net_mode_from(shown.at("net").as_string()).value_or(model::NetMode::Bridge);
  spec.volumes = volumes_of(shown.at("volumes"));
  spec.health = health_of(shown.at("healthcheck"));
  spec.placement = placement_of(context.settings, shown);
  const YamlNode* grace = context.settings.below("lifecycle").find("termination_grace_period_seconds");
  spec.stop_grace = grace == nullptr ? Duration(30s) : seconds_or(json_11(*grace), 30);
  add_paasta_variables(context, shown, spec);
  return spec;
}

model::Drain paasta_drain(const PaastaContext& context, const Json& shown, bool proxied,
                          std::vector<Finding>& findings) {
  model::Drain drain;
  const std::string& method = shown.at("drain_method").as_string();
  const Json& params = shown.at("drain_method_params");
  if (method == "hacheck") {
    drain.method = proxied ? model::DrainMethod::Proxy : model::DrainMethod::Noop;
    drain.timeout = seconds_or(params.at("delay"), 240);
  } else if (method == "http") {
    const std::string call = drain_call(context, params.at("drain"));
    const std::string safe = drain_call(context, params.at("is_safe_to_kill"));
    const std::string undo = drain_call(context, params.at("stop_draining"));
    if (!call.empty()) {
      drain.method = model::DrainMethod::Http;
      drain.params["drain"] = call;
      if (!safe.empty()) drain.params["safe"] = safe;
      if (!undo.empty()) drain.params["undrain"] = undo;
    } else {
      const YamlNode* node = context.settings.find("drain_method");
      findings.push_back({node == nullptr ? context.at : node->at,
                          "drain_method http calls nothing that can be called here",
                          "drain_method_params.drain.url_format should begin with http://{host}:{port}/",
                          {},
                          model::Severity::Warning});
    }
  }
  return drain;
}

}  // namespace slipway::config
