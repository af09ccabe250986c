#include "model/spec.h"

#include <fmt/format.h>

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {

constexpr EnumTable<NetMode, 3> kNetModes = {
    {{NetMode::Bridge, "bridge"}, {NetMode::Host, "host"}, {NetMode::None, "none"}}};
constexpr EnumTable<HealthMode, 5> kHealthModes = {{{HealthMode::None, "none"},
                                                    {HealthMode::Http, "http"},
                                                    {HealthMode::Https, "https"},
                                                    {HealthMode::Tcp, "tcp"},
                                                    {HealthMode::Cmd, "cmd"}}};
constexpr EnumTable<ImageKind, 3> kImageKinds = {
    {{ImageKind::HostFilesystem, "host"}, {ImageKind::Reference, "reference"}, {ImageKind::Build, "build"}}};

// Writes the field only where it differs from the default: this is what keeps hashes stable when keys are
// added.
template <class T>
void put(Json& json, std::string_view key, const T& value, const T& fallback) {
  if (value != fallback) json[key] = value;
}
void put(Json& json, std::string_view key, Duration value, Duration fallback) {
  if (value != fallback) json[key] = value.count();
}

Json image_json(const Image& image) {
  Json json;
  json["kind"] = word_of(kImageKinds, image.kind);
  put(json, "name", image.name, {});
  put(json, "digest", image.digest, {});
  return json;
}

Json resources_json(const Resources& resources) {
  const Resources fallback;
  Json json;
  put(json, "cpus", resources.cpus, fallback.cpus);
  put(json, "cpu_burst_add", resources.cpu_burst_add, fallback.cpu_burst_add);
  put(json, "mem_mb", resources.mem_mb, fallback.mem_mb);
  put(json, "disk_mb", resources.disk_mb, fallback.disk_mb);
  put(json, "gpus", resources.gpus, fallback.gpus);
  put(json, "pids", resources.pids, fallback.pids);
  return json;
}

Json health_json(const HealthCheck& health) {
  const HealthCheck fallback;
  Json json;
  json["mode"] = to_text(health.mode);
  put(json, "uri", health.uri, fallback.uri);
  if (!health.cmd.empty()) json["cmd"] = json_of(health.cmd);
  put(json, "grace_period_ms", health.grace_period, fallback.grace_period);
  put(json, "interval_ms", health.interval, fallback.interval);
  put(json, "timeout_ms", health.timeout, fallback.timeout);
  put(json, "max_consecutive_failures", health.max_consecutive_failures, fallback.max_consecutive_failures);
  return json;
}

Resources resources_from(const Json& json) {
  Resources resources;
  resources.cpus = json.at("cpus").as_double(resources.cpus);
  resources.cpu_burst_add = json.at("cpu_burst_add").as_double(resources.cpu_burst_add);
  resources.mem_mb = json.at("mem_mb").as_int(resources.mem_mb);
  resources.disk_mb = json.at("disk_mb").as_int(resources.disk_mb);
  resources.gpus = json.at("gpus").as_int(resources.gpus);
  resources.pids = json.at("pids").as_int(resources.pids);
  return resources;
}

Duration millis(const Json& json, Duration fallback) {
  return Duration(json.as_int(fallback.count()));
}

Result<HealthCheck> health_from(const Json& json) {
  HealthCheck health;
  if (json.is_null()) return health;
  const auto mode = health_mode_from(json.at("mode").as_string());
  if (!mode) return Error(ErrorCode::Invalid, "unknown health mode '" + json.at("mode").as_string() + "'");
  health.mode = *mode;
  if (json.has("uri")) health.uri = json.at("uri").as_string();
  health.cmd = strings_from(json.at("cmd"));
  health.grace_period = millis(json.at("grace_period_ms"), health.grace_period);
  health.interval = millis(json.at("interval_ms"), health.interval);
  health.timeout = millis(json.at("timeout_ms"), health.timeout);
  health.max_consecutive_failures =
      static_cast<int>(json.at("max_consecutive_failures").as_int(health.max_consecutive_failures));
  return health;
}

}  // namespace

std::string_view to_text(NetMode mode) {
  return word_of(kNetModes, mode);
}
std::string_view to_text(HealthMode mode) {
  return word_of(kHealthModes, mode);
}
std::optional<NetMode> net_mode_from(std::string_view text) {
  return value_of(kNetModes, text);
}
std::optional<HealthMode> health_mode_from(std::string_view text) {
  return value_of(kHealthModes, text);
}

Json to_json(const TaskSpec& spec) {
  const TaskSpec fallback;
  Json json = Json::Object();
  if (spec.image != fallback.image) json["image"] = image_json(spec.image);
  if (spec.cmd) json["cmd"] = json_of(*spec.cmd);
  if (!spec.args.empty()) json["args"] = json_of(spec.args);
  if (!spec.env.empty()) json["env"] = json_of(spec.env);
  put(json, "work_dir", spec.work_dir, fallback.work_dir);
  put(json, "user", spec.user, fallback.user);
  if (spec.resources != fallback.resources) json["resources"] = resources_json(spec.resources);
  if (spec.container_port) json["container_port"] = *spec.container_port;
  if (spec.net != fallback.net) json["net"] = to_text(spec.net);
  if (!spec.volumes.empty()) json["volumes"] = volumes_json(spec.volumes);
  put(json, "read_only_root", spec.read_only_root, fallback.read_only_root);
  if (spec.health != fallback.health) json["health"] = health_json(spec.health);
  if (spec.placement != fallback.placement) json["placement"] = to_json(spec.placement);
  put(json, "stop_signal", spec.stop_signal, fallback.stop_signal);
  put(json, "stop_grace_ms", spec.stop_grace, fallback.stop_grace);
  put(json, "max_launch_delay_ms", spec.max_launch_delay, fallback.max_launch_delay);
  put(json, "restart_nonce", spec.restart_nonce, fallback.restart_nonce);
  return json;
}

Result<TaskSpec> task_spec_from_json(const Json& json) {
  if (!json.is_object()) return Error(ErrorCode::Invalid, "a task spec is an object");
  TaskSpec spec;
  if (json.has("image")) {
    const Json& image = json.at("image");
    const auto kind = value_of(kImageKinds, image.at("kind").as_string());
    if (!kind) return Error(ErrorCode::Invalid, "unknown image kind '" + image.at("kind").as_string() + "'");
    spec.image = Image{*kind, image.at("name").as_string(), image.at("digest").as_string()};
  }
  if (json.has("cmd")) spec.cmd = strings_from(json.at("cmd"));
  spec.args = strings_from(json.at("args"));
  spec.env = string_map_from(json.at("env"));
  spec.work_dir = json.at("work_dir").as_string();
  spec.user = json.at("user").as_string();
  spec.resources = resources_from(json.at("resources"));
  if (json.has("container_port")) spec.container_port = static_cast<int>(json.at("container_port").as_int());
  if (json.has("net")) {
    const auto net = net_mode_from(json.at("net").as_string());
    if (!net) return Error(ErrorCode::Invalid, "unknown net '" + json.at("net").as_string() + "'");
    spec.net = *net;
  }
  for (const Json& volume : json.at("volumes").as_array()) {
    spec.volumes.push_back(Volume{volume.at("container_path").as_string(), volume.at("host_path").as_string(),
                                  volume.at("mode").as_string() != "RW"});
  }
  spec.read_only_root = json.at("read_only_root").as_bool();
  spec.health = TRY(health_from(json.at("health")));
  spec.placement = TRY(placement_from_json(json.at("placement")));
  if (json.has("stop_signal")) spec.stop_signal = json.at("stop_signal").as_string();
  spec.stop_grace = millis(json.at("stop_grace_ms"), spec.stop_grace);
  spec.max_launch_delay = millis(json.at("max_launch_delay_ms"), spec.max_launch_delay);
  spec.restart_nonce = json.at("restart_nonce").as_string();
  return spec;
}

std::string describe(const Image& image) {
  switch (image.kind) {
    case ImageKind::HostFilesystem:
      return "the host's filesystem";
    case ImageKind::Reference:
      return image.digest.empty() ? image.name : image.name + "@" + image.digest;
    case ImageKind::Build:
      return fmt::format("built from {} (content {})", image.name, image.digest.substr(0, 12));
  }
  UNREACHABLE();
}

}  // namespace slipway::model
