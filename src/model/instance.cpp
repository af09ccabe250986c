#include "model/instance.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {

constexpr EnumTable<BounceMethod, 4> kBounceMethods = {{{BounceMethod::Crossover, "crossover"},
                                                        {BounceMethod::Brutal, "brutal"},
                                                        {BounceMethod::UpThenDown, "upthendown"},
                                                        {BounceMethod::DownThenUp, "downthenup"}}};
constexpr EnumTable<DrainMethod, 4> kDrainMethods = {{{DrainMethod::Noop, "noop"},
                                                      {DrainMethod::Proxy, "proxy"},
                                                      {DrainMethod::Http, "http"},
                                                      {DrainMethod::Command, "command"}}};

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

// Whole seconds are shown as integers, as people write them.
Json seconds_json(Duration duration) {
  return duration.count() % 1000 == 0 ? Json(duration.count() / 1000) : Json(seconds(duration));
}

// What `sh -c` runs is shown as the text that it was written as.
Json command_json(const std::vector<std::string>& argv) {
  const bool text = argv.size() == 3 && argv[0] == "sh" && argv[1] == "-c";
  return text ? Json(argv[2]) : argv.empty() ? Json() : json_of(argv);
}

Json healthcheck_json(const HealthCheck& health) {
  Json json;
  const bool web = health.mode == HealthMode::Http || health.mode == HealthMode::Https;
  json["mode"] = health.mode == HealthMode::None ? Json() : Json(to_text(health.mode));
  json["uri"] = web ? Json(health.uri) : Json();
  json["cmd"] = command_json(health.cmd);
  json["grace_period_seconds"] = seconds_json(health.grace_period);
  json["interval_seconds"] = seconds_json(health.interval);
  json["timeout_seconds"] = seconds_json(health.timeout);
  json["max_consecutive_failures"] = health.max_consecutive_failures;
  return json;
}

Json version_json(const Instance& instance) {
  const Image& image = instance.spec.image;
  if (instance.git_sha.empty() && image.kind == ImageKind::HostFilesystem) return nullptr;
  Json json;
  json["git_sha"] = instance.git_sha.empty() ? Json() : Json(instance.git_sha);
  json["docker_image"] = image.kind == ImageKind::HostFilesystem ? Json() : Json(describe(image));
  json["image_version"] = nullptr;
  return json;
}

Json instances_json(const Instance& instance) {
  Json json;
  json["count"] = instance.count;
  json["min"] = json_or_null(instance.min_instances);
  json["max"] = json_or_null(instance.max_instances);
  json["autoscaled"] = instance.max_instances.has_value();
  return json;
}

Json proxy_json(const std::optional<Proxy>& proxy) {
  if (!proxy) return nullptr;
  Json json;
  json["port"] = json_or_null(proxy->port);
  json["mode"] = to_text(proxy->mode);
  json["domains"] = json_of(proxy->domains);
  return json;
}

}  // namespace

std::string_view to_text(BounceMethod method) {
  return word_of(kBounceMethods, method);
}
std::string_view to_text(DrainMethod method) {
  return word_of(kDrainMethods, method);
}
std::optional<BounceMethod> bounce_method_from(std::string_view text) {
  return value_of(kBounceMethods, text);
}
std::optional<DrainMethod> drain_method_from(std::string_view text) {
  return value_of(kDrainMethods, text);
}

std::string_view to_text(ProxyMode mode) {
  return mode == ProxyMode::Http ? "http" : "tcp";
}

std::string_view to_text(InstanceKind kind) {
  switch (kind) {
    case InstanceKind::Service:
      return "service";
    case InstanceKind::Job:
      return "job";
    case InstanceKind::Adhoc:
      return "adhoc";
  }
  UNREACHABLE();
}

std::string Origin::text() const {
  return fmt::format("{}:{}:{}", file, line, column);
}

std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Tolerated:
      return "tolerated";
    case Severity::Warning:
      return "warning";
  }
  UNREACHABLE();
}

std::string Problem::text() const {
  const std::string_view mark = severity == Severity::Warning ? "warning: " : "";
  return fmt::format("{}: {}{}{}{}", origin.text(), mark, message, hint.empty() ? "" : "; ", hint);
}

Json config_show_json(const Instance& instance, const std::string& cluster) {
  Json json = resolved_json(instance, cluster);
  for (const auto& [name, value] : instance.shown.as_object()) json[name] = value;
  json["revision"] = make_revision(instance.id, instance.spec).id.str();
  return json;
}

namespace {

// What only an instance that is kept running has.
void hide_long_running(Json& json) {
  for (const std::string_view field : {"registrations", "bounce_method", "bounce_margin_factor",
                                       "drain_method", "drain_method_params", "replication_threshold"})
    json[field] = nullptr;
  for (const std::string_view field : {"instances", "healthcheck"}) {
    Json::Object parts;
    for (const auto& [name, value] : json.at(field).as_object()) parts.emplace(name, nullptr);
    json[field] = std::move(parts);
  }
  json["instances"]["autoscaled"] = false;
}

}  // namespace

Json resolved_json(const Instance& instance, const std::string& cluster) {
  const TaskSpec& spec = instance.spec;
  Json json;
  json["service"] = instance.id.service;
  json["instance"] = instance.id.instance;
  json["cluster"] = cluster;
  json["kind"] = to_text(instance.kind);
  json["source"] = instance.origin.file;
  json["deploy_group"] = instance.deploy_group.empty() ? Json() : Json(instance.deploy_group);
  json["desired_state"] = instance.desired_state;
  json["version"] = version_json(instance);
  json["instances"] = instances_json(instance);
  json["cpus"] = spec.resources.cpus;
  json["cpu_burst_add"] = spec.resources.cpu_burst_add;
  json["mem"] = spec.resources.mem_mb;
  json["disk"] = spec.resources.disk_mb;
  json["gpus"] = spec.resources.gpus == 0 ? Json() : Json(spec.resources.gpus);
  json["cmd"] = spec.cmd ? command_json(*spec.cmd) : Json();
  json["args"] = json_of(spec.args);
  json["env"] = json_of(spec.env);
  json["pool"] = spec.placement.pool;
  json["net"] = to_text(spec.net);
  json["container_port"] = json_or_null(spec.container_port);
  json["registrations"] = json_of(instance.registrations);
  json["bounce_method"] = to_text(instance.bounce.method);
  json["bounce_margin_factor"] = instance.bounce.margin;
  json["drain_method"] = to_text(instance.drain.method);
  json["drain_method_params"] = json_of(instance.drain.params);
  json["healthcheck"] = healthcheck_json(spec.health);
  json["volumes"] = volumes_json(spec.volumes);
  json["deploy_whitelist"] = instance.deploy_whitelist;
  json["deploy_blacklist"] = instance.deploy_blacklist;
  json["node_selectors"] = instance.node_selectors;
  json["monitoring"] = instance.monitoring;
  json["replication_threshold"] = json_or_null(instance.replication_threshold);
  json["proxy"] = proxy_json(instance.proxy);
  json["user"] = spec.user.empty() ? Json() : Json(spec.user);
  json["drain_timeout_seconds"] = seconds_json(instance.drain.timeout);
  json["bounce_deadline_seconds"] = seconds_json(instance.bounce.deadline);
  json["canary"] = instance.bounce.canary;
  json["canary_seconds"] = seconds_json(instance.bounce.canary_time);
  json["auto_rollback"] = instance.bounce.auto_rollback;
  json["placement"] = to_json(spec.placement);
  if (instance.kind != InstanceKind::Service) hide_long_running(json);
  return json;
}

bool Desired::has_broken_files(std::string_view service) const {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::binary_search(names.begin(), names.end(), service);
  };
  return has(broken) || has(last_good);
}

}  // namespace slipway::model
