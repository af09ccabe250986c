#include "config/paasta_fields.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

// A field that is a key's value, or this default where no layer has the key.
struct Plain {
  std::string_view field;
  std::string_view key;
  Json fallback;
};

const std::vector<Plain>& of_every_kind() {
  static const std::vector<Plain> fields = {
      {"cpus", "cpus", 1},
      {"mem", "mem", 4096},
      {"gpus", "gpus", nullptr},
      {"net", "net", "bridge"},
      {"pool", "pool", "default"},
      {"deploy_whitelist", "deploy_whitelist", nullptr},
      {"deploy_blacklist", "deploy_blacklist", Json::Array()},
      {"node_selectors", "node_selectors", Json::Object()},
  };
  return fields;
}

const std::vector<Plain>& of_services() {
  static const std::vector<Plain> fields = {
      {"container_port", "container_port", 8888},
      {"bounce_method", "bounce_method", "crossover"},
      {"bounce_margin_factor", "bounce_margin_factor", 0.95},
      {"replication_threshold", "replication_threshold", 50},
  };
  return fields;
}

const std::vector<Plain>& of_health_checks() {
  static const std::vector<Plain> fields = {
      {"cmd", "healthcheck_cmd", nullptr},
      {"grace_period_seconds", "healthcheck_grace_period_seconds", 60},
      {"interval_seconds", "healthcheck_interval_seconds", 10},
      {"timeout_seconds", "healthcheck_timeout_seconds", 10},
      {"max_consecutive_failures", "healthcheck_max_consecutive_failures", 30},
  };
  return fields;
}

Json value_or(const Layers& settings, std::string_view key, Json fallback) {
  return settings.find(key) == nullptr ? std::move(fallback) : settings.json(key, json_11);
}

void add_plain(const Layers& settings, const std::vector<Plain>& fields, Json::Object& out) {
  for (const Plain& plain : fields) out.emplace(plain.field, value_or(settings, plain.key, plain.fallback));
}

bool is_set(const YamlNode* node) {
  return node != nullptr && node->kind != YamlKind::Null;
}

std::string_view without_end_slashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// What one compilation of one instance shares.
struct Fields {
  const PaastaContext& context;
  const Layers& settings;
  std::vector<Finding>& findings;

  void refuse(std::string_view key, std::string message, std::string hint) {
    const YamlNode* node = settings.find(key);
    findings.push_back({node == nullptr ? context.at : node->at, std::move(message), std::move(hint)});
  }

  // Python's str.format with cluster, instance and service: "{{" is a brace.
  Json deploy_group();
  void command(Json::Object& out);
  Json env();
  Json volumes();
  Json registrations();
  Json instances();
  Json healthcheck(const Namespace& space);
  void of_service(Json::Object& out);
};

Json Fields::deploy_group() {
  const YamlNode* node = settings.find("deploy_group");
  const bool job = context.kind == model::InstanceKind::Job;
  if (node == nullptr) return job ? Json() : Json(context.cluster + "." + context.id.instance);
  if (node->kind != YamlKind::Scalar) return json_11(*node);
  const Json value = json_11(*node);
  if (!value.is_string()) return value;
  const std::pair<std::string_view, const std::string*> known[] = {
      {"cluster", &context.cluster}, {"instance", &context.id.instance}, {"service", &context.id.service}};
  std::string out;
  std::string_view rest = value.as_string();
  while (!rest.empty()) {
    const char c = rest.front();
    if ((c == '{' || c == '}') && rest.substr(1).starts_with(c)) {
      out += c;
      rest.remove_prefix(2);
      continue;
    }
    if (c != '{' && c != '}') {
      out += c;
      rest.remove_prefix(1);
      continue;
    }
    const size_t end = rest.find('}');
    const std::string_view name = c == '{' && end != std::string_view::npos ? rest.substr(1, end - 1) : "";
    const auto* found = std::find_if(std::begin(known), std::end(known),
                                     [&](const auto& entry) { return entry.first == name; });
    if (found == std::end(known)) {
      refuse("deploy_group", fmt::format("deploy_group is {}", quote_for_message(node->text)),
             "only {cluster}, {instance} and {service} are filled in; a brace is written twice");
      return value;
    }
    out += *found->second;
    rest.remove_prefix(end + 1);
  }
  return out;
}

void Fields::command(Json::Object& out) {
  const bool job = context.kind == model::InstanceKind::Job;
  const std::string_view key = job ? "command" : "cmd";
  Json cmd = value_or(settings, key, nullptr);
  Json args = value_or(settings, "args", cmd.is_null() ? Json(Json::Array()) : Json());
  if (!cmd.is_null() && !args.is_null()) {
    refuse("args", fmt::format("{} and args exclude each other", key),
           "keep one of them; service.yaml may have the other as a default");
  }
  out.emplace("cmd", std::move(cmd));
  out.emplace("args", std::move(args));
}

Json Fields::env() {
  Json::Object env;
  for (const auto& [name, node] : settings.below("env").entries()) env.emplace(name, text_11(*node));
  return env;
}

Json Fields::volumes() {
  std::map<std::string, Json> by_path;  // of two for one pair of paths the last counts
  const auto add = [&](const Json& container, const Json& host, const Json& mode) {
    Json volume;
    volume["container_path"] = container;
    volume["host_path"] = host;
    volume["mode"] = mode;
    const std::string key = std::string(without_end_slashes(container.as_string())) +
                            std::string(without_end_slashes(host.as_string()));
    by_path[key] = std::move(volume);
  };
  if (const YamlNode* list = settings.find("extra_volumes");
      list != nullptr && list->kind == YamlKind::List) {
    for (const YamlNode& item : list->children) {
      const Json written = json_11(item);
      add(written.at("containerPath"), written.at("hostPath"), written.at("mode"));
    }
  }
  const YamlNode* bulk = settings.find("uses_bulkdata");
  if (bulk != nullptr && truth_11(*bulk)) add("/nail/bulkdata", "/nail/bulkdata", "RO");
  std::multimap<std::array<std::string, 3>, Json> sorted;
  for (auto& [key, volume] : by_path) {
    const std::array<std::string, 3> order = {volume.at("container_path").as_string(),
                                              volume.at("host_path").as_string(),
                                              volume.at("mode").as_string()};
    sorted.emplace(order, std::move(volume));
  }
  Json::Array volumes;
  for (auto& [order, volume] : sorted) volumes.push_back(std::move(volume));
  return volumes;
}

Json Fields::registrations() {
  const YamlNode* written = settings.find("registrations");
  if (written != nullptr && truth_11(*written)) return json_11(*written);
  const YamlNode* legacy = settings.find("nerve_ns");
  const std::string name = legacy == nullptr ? context.id.instance : text_11(*legacy);
  return Json::Array{context.id.service + "." + name};
}

Json Fields::instances() {
  Json instances;
  const Json max = value_or(settings, "max_instances", nullptr);
  // How many an autoscaler wants is only known while it runs; without it PaaSTA takes the most.
  instances["count"] = max.is_null() ? value_or(settings, "instances", 1) : max;
  instances["min"] = value_or(settings, "min_instances", 1);
  instances["max"] = max;
  instances["autoscaled"] = !max.is_null();
  return instances;
}

Json Fields::healthcheck(const Namespace& space) {
  Json::Object out;
  Json mode = value_or(settings, "healthcheck_mode", nullptr);
  if (mode.is_null()) {
    mode = space.healthcheck_mode();
  } else {
    const std::vector<std::string> modes = {"http", "https", "tcp", "cmd"};
    if (std::ranges::find(modes, mode.as_string()) == modes.end()) {
      refuse("healthcheck_mode", fmt::format("healthcheck_mode is {}", mode.dump()),
             "it should be one of http, https, tcp, cmd");
    }
  }
  out.emplace("mode", mode);
  out.emplace("uri", value_or(settings, "healthcheck_uri", space.healthcheck_uri()));
  add_plain(settings, of_health_checks(), out);
  if (mode.as_string() == "cmd" && !is_set(settings.find("healthcheck_cmd"))) {
    refuse("healthcheck_mode", "healthcheck_mode cmd needs healthcheck_cmd",
           "set the command that tells whether a task is healthy");
  }
  return out;
}

void Fields::of_service(Json::Object& out) {
  const Namespace space(context.smartstack, namespace_of(settings, context.id));
  if (const YamlNode* mode = space.find("mode"); is_set(mode)) {
    const std::vector<std::string> modes = {"http", "https", "http2", "tcp"};
    if (std::ranges::find(modes, mode->text) == modes.end())
      findings.push_back({mode->at, fmt::format("mode is {}", quote_for_message(mode->text)),
                          "it should be one of http, https, http2, tcp"});
  }
  add_plain(settings, of_services(), out);
  out.emplace("instances", instances());
  out.emplace("registrations", registrations());
  out.emplace("drain_method",
              value_or(settings, "drain_method", space.proxied() ? Json("hacheck") : Json("noop")));
  Json::Object params;
  if (space.proxied()) params.emplace("delay", 60);
  out.emplace("drain_method_params", value_or(settings, "drain_method_params", std::move(params)));
  out.emplace("healthcheck", healthcheck(space));
}

// What only long-running instances have.
void add_nothing(const Layers& settings, model::InstanceKind kind, Json::Object& out) {
  for (const Plain& plain : of_services()) out.emplace(plain.field, nullptr);
  for (const std::string_view field : {"registrations", "drain_method", "drain_method_params"})
    out.emplace(field, nullptr);
  if (kind == model::InstanceKind::Adhoc)
    out["container_port"] = value_or(settings, "container_port", nullptr);
  Json health;
  health["mode"] = nullptr;
  health["uri"] = nullptr;
  for (const Plain& plain : of_health_checks()) health[plain.field] = nullptr;
  out.emplace("healthcheck", std::move(health));
  Json instances;
  for (const std::string_view part : {"count", "min", "max"}) instances[part] = nullptr;
  instances["autoscaled"] = false;
  out.emplace("instances", std::move(instances));
}

}  // namespace

Namespace::Namespace(const YamlNode* smartstack, std::string_view name) {
  const YamlNode* body = smartstack == nullptr ? nullptr : smartstack->find(name);
  if (body != nullptr && body->kind == YamlKind::Map) body_ = body;
}

std::string Namespace::mode() const {
  const YamlNode* mode = find("mode");
  if (is_set(mode)) return text_11(*mode);
  return proxied() ? "http" : "";
}

Json Namespace::healthcheck_mode() const {
  const YamlNode* own = find("healthcheck_mode");
  if (own != nullptr && truth_11(*own)) return json_11(*own);
  const std::string inherited = mode();
  if (inherited.empty()) return nullptr;
  return inherited == "http2" ? "http" : inherited;
}

Json Namespace::healthcheck_uri() const {
  const YamlNode* own = find("healthcheck_uri");
  return own == nullptr ? Json("/status") : json_11(*own);
}

std::string namespace_of(const Layers& settings, const model::InstanceId& id) {
  const YamlNode* written = settings.find("registrations");
  if (written != nullptr && written->kind == YamlKind::List && !written->children.empty()) {
    const std::string first = text_11(written->children.front());
    const size_t dot = first.find('.');
    return dot == std::string::npos ? std::string() : first.substr(dot + 1);
  }
  const YamlNode* legacy = settings.find("nerve_ns");
  return legacy == nullptr ? id.instance : text_11(*legacy);
}

Json::Object paasta_fields(const PaastaContext& context, std::vector<Finding>& findings) {
  const bool job = context.kind == model::InstanceKind::Job;
  const Layers& settings = context.settings;
  Json::Object out;
  const YamlNode* executor = settings.find("executor");
  const bool spark = job && executor != nullptr && executor->text == "spark";
  if (spark) out.emplace("pool", "stable");
  add_plain(settings, of_every_kind(), out);
  out.emplace("disk", value_or(settings, "disk", spark ? 5120 : job ? 4096 : 1024));
  out.emplace("cpu_burst_add", job ? Json(0) : value_or(settings, "cpu_burst_add", 1));
  Fields fields{context, settings, findings};
  out.emplace("deploy_group", fields.deploy_group());
  fields.command(out);
  out.emplace("env", fields.env());
  out.emplace("volumes", fields.volumes());
  out.emplace("monitoring", job ? context.monitoring : value_or(settings, "monitoring", Json::Object()));
  if (context.kind == model::InstanceKind::Service) {
    fields.of_service(out);
  } else {
    add_nothing(settings, context.kind, out);
  }
  return out;
}

}  // namespace slipway::config
