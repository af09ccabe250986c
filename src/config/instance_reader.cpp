#include <algorithm>

#include <fmt/format.h>

#include "config/instance_compiler.h"
#include "config/placement.h"

namespace slipway::config {

namespace {

// Forms of an image that name a place on disk: "oci:PATH[:TAG]".
constexpr std::string_view kFileImages[] = {"oci-archive:", "docker-archive:", "oci:"};
constexpr std::string_view kRegistryImage = "docker://";

std::vector<std::string> shell_or_list(const Reader& reader, std::string_view name) {
  const YamlNode* node = reader.set(name) ? reader.find(name) : nullptr;
  if (node == nullptr) return {};
  if (node->kind == YamlKind::Scalar) return {"sh", "-c", node->text};
  return reader.texts(name);
}

std::string image_reference(const std::string& text, const std::filesystem::path& folder) {
  if (text.starts_with(kRegistryImage)) return text;
  for (const std::string_view kind : kFileImages) {
    if (!text.starts_with(kind)) continue;
    return std::string(kind) + (folder / text.substr(kind.size())).lexically_normal().string();
  }
  return std::string(kRegistryImage) + text;
}

model::Image read_image(const Reader& reader, const std::filesystem::path& folder) {
  if (reader.set("build")) {
    std::string path = (folder / reader.text("build")).lexically_normal().string();
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return {model::ImageKind::Build, std::move(path), {}};
  }
  if (!reader.set("image")) return {};
  return {model::ImageKind::Reference, image_reference(reader.text("image"), folder), {}};
}

model::HealthMode health_mode(const Reader& reader, const std::optional<model::Proxy>& proxy) {
  if (reader.set("healthcheck_mode")) {
    return model::health_mode_from(reader.text("healthcheck_mode")).value_or(model::HealthMode::None);
  }
  if (reader.has("healthcheck_cmd")) return model::HealthMode::Cmd;
  // Also without a port: a check that was asked for is refused where it cannot be made, never left out.
  if (reader.has("healthcheck_uri")) return model::HealthMode::Http;
  if (!reader.has("container_port")) return model::HealthMode::None;
  return proxy && proxy->mode == model::ProxyMode::Http ? model::HealthMode::Http : model::HealthMode::Tcp;
}

model::HealthCheck read_health(const Reader& reader, const std::optional<model::Proxy>& proxy) {
  model::HealthCheck health;
  health.mode = health_mode(reader, proxy);
  health.uri = reader.text("healthcheck_uri");
  health.cmd = shell_or_list(reader, "healthcheck_cmd");
  health.grace_period = reader.seconds("healthcheck_grace_period_seconds");
  health.interval = reader.seconds("healthcheck_interval_seconds");
  health.timeout = reader.seconds("healthcheck_timeout_seconds");
  health.max_consecutive_failures = static_cast<int>(reader.integer("healthcheck_max_consecutive_failures"));
  return health;
}

std::vector<model::Volume> read_volumes(const Reader& reader) {
  std::vector<model::Volume> volumes;
  for (const Reader& item : reader.items("extra_volumes")) {
    volumes.push_back({item.text("container_path"), item.text("host_path"), item.text("mode") == "RO"});
  }
  std::sort(volumes.begin(), volumes.end());
  return volumes;
}

model::TaskSpec read_spec(const Reader& reader, const std::filesystem::path& folder,
                          const std::optional<model::Proxy>& proxy) {
  model::TaskSpec spec;
  spec.image = read_image(reader, folder);
  if (reader.set("cmd")) spec.cmd = shell_or_list(reader, "cmd");
  spec.args = reader.texts("args");
  spec.env = reader.text_map("env");
  spec.work_dir = reader.text("work_dir");
  spec.user = reader.text("user");
  spec.resources.cpus = reader.number("cpus");
  spec.resources.cpu_burst_add = reader.number("cpu_burst_add");
  spec.resources.mem_mb = reader.integer("mem");
  spec.resources.disk_mb = reader.integer("disk");
  spec.resources.gpus = reader.integer("gpus");
  spec.resources.pids = reader.integer("pids");
  if (reader.set("container_port")) spec.container_port = static_cast<int>(reader.integer("container_port"));
  spec.net = model::net_mode_from(reader.text("net")).value_or(model::NetMode::Bridge);
  spec.volumes = read_volumes(reader);
  spec.read_only_root = reader.boolean("read_only_root");
  spec.health = read_health(reader, proxy);
  spec.stop_signal = reader.text("stop_signal");
  spec.stop_grace = reader.seconds("stop_timeout_seconds");
  spec.max_launch_delay = reader.seconds("max_launch_delay_seconds");
  return spec;
}

std::optional<model::Proxy> read_proxy(const Reader& reader) {
  if (!reader.set("proxy")) return std::nullopt;
  const Reader written = reader.map("proxy");
  model::Proxy proxy;
  if (written.set("port")) proxy.port = static_cast<int>(written.integer("port"));
  proxy.mode = written.text("mode") == model::to_text(model::ProxyMode::Tcp) ? model::ProxyMode::Tcp
                                                                             : model::ProxyMode::Http;
  proxy.domains = written.texts("domains");
  return proxy;
}

model::Bounce read_bounce(const Reader& reader) {
  model::Bounce bounce;
  bounce.method = model::bounce_method_from(reader.text("bounce_method")).value_or(bounce.method);
  bounce.margin = reader.number("bounce_margin_factor");
  bounce.deadline = reader.seconds("bounce_deadline_seconds");
  bounce.canary = static_cast<int>(reader.integer("canary"));
  bounce.canary_time = reader.seconds("canary_seconds");
  bounce.auto_rollback = reader.boolean("auto_rollback");
  bounce.min_task_uptime = reader.has("min_task_uptime_seconds")
                               ? reader.seconds("min_task_uptime_seconds")
                               : reader.map("bounce_health_params").seconds("min_task_uptime");
  return bounce;
}

model::Drain read_drain(const Reader& reader, bool proxied) {
  model::Drain drain;
  drain.method = proxied ? model::DrainMethod::Proxy : model::DrainMethod::Noop;
  if (reader.set("drain_method")) {
    drain.method = model::drain_method_from(reader.text("drain_method")).value_or(drain.method);
  }
  drain.timeout = reader.seconds("drain_timeout_seconds");
  drain.params = reader.text_map("drain_method_params");
  return drain;
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string deploy_group(const Reader& reader, const InstanceContext& context) {
  std::string group = reader.text("deploy_group");
  replace_all(group, "{cluster}", context.cluster);
  replace_all(group, "{instance}", context.id.instance);
  replace_all(group, "{service}", context.id.service);
  return group;
}

}  // namespace

model::Instance read_instance(const Reader& reader, const InstanceContext& context) {
  model::Instance instance;
  instance.id = context.id;
  instance.proxy = read_proxy(reader);
  instance.spec = read_spec(reader, context.folder, instance.proxy);
  instance.count = static_cast<int>(reader.integer("instances"));
  instance.bounce = read_bounce(reader);
  instance.drain = read_drain(reader, instance.proxy.has_value());
  instance.deploy_group = deploy_group(reader, context);
  instance.spec.placement = read_placement(reader);
  instance.registrations = reader.texts("registrations");
  if (instance.registrations.empty()) instance.registrations.push_back(context.id.text());
  instance.deploy_whitelist = reader.json("deploy_whitelist");
  instance.deploy_blacklist = reader.json("deploy_blacklist");
  instance.node_selectors = reader.json("node_selectors");
  instance.monitoring = reader.json("monitoring");
  instance.replication_threshold = static_cast<int>(reader.integer("replication_threshold"));
  return instance;
}

}  // namespace slipway::config
