// Ports, volumes, and what stands below `deploy`.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "config/forms.h"
#include "config/yaml_scalar.h"
#include "imports/compose_service.h"
#include "imports/compose_values.h"

namespace fs = std::filesystem;

namespace slipway::imports {

namespace {

struct Port {
  std::string published;  // empty where any will do
  std::string target;
  std::string protocol = "tcp";
};

// "8080:80/udp", "127.0.0.1:8080:80", "[::1]:8080:80", "80", or a map.
Port read_port(const YamlNode& node) {
  if (node.kind == YamlKind::Map) {
    const std::string protocol = text_at(node, "protocol");
    return {text_at(node, "published"), text_at(node, "target"), protocol.empty() ? "tcp" : protocol};
  }
  Port port;
  std::string_view text = node.text;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    port.protocol = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    port.target = text;
    return port;
  }
  port.target = text.substr(colon + 1);
  text = text.substr(0, colon);
  const size_t address = text.rfind(':');
  port.published = address == std::string_view::npos ? text : text.substr(address + 1);
  return port;
}

std::optional<int> port_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 65535)
    return std::nullopt;
  return number;
}

// The one port of the service; the others, and what is no port of ours, are lost.
void take_port(const YamlNode& node, Json& keys, Draft& draft) {
  const Port port = read_port(node);
  const std::string name = fmt::format("the port {}", port.target);
  const auto target = port_number(port.target);
  if (port.protocol != "tcp")
    return draft.lose(node.at, name + " of " + port.protocol, "only tcp is offered");
  if (!target) return draft.lose(node.at, "a range of ports", "a task listens on one container_port");
  if (keys.has("container_port")) return draft.lose(node.at, name, "a task listens on one container_port");
  keys["container_port"] = *target;
  const auto published = port_number(port.published);
  if (!published) return draft.lose(node.at, name + " on any port of the host", "set proxy.port");
  if (!draft.claim(fmt::format("port {}", *published), node.at)) return;
  keys["proxy"]["port"] = *published;
  keys["proxy"]["mode"] = "tcp";
}

bool is_host_path(std::string_view source) {
  return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

void add_volume(const YamlNode& node, const std::string& source, const std::string& target, bool read_only,
                const ComposePaths& paths, Json& keys, Draft& draft) {
  if (!is_host_path(source)) {
    draft.lose(node.at, fmt::format("the volume {}", source.empty() ? target : source),
               "name a folder of the host: see extra_volumes");
    return;
  }
  std::error_code error;
  const fs::path host = fs::absolute(paths.folder / source, error).lexically_normal();
  if (source.starts_with('~') || !config::is_absolute_path(target)) {
    draft.lose(node.at, fmt::format("the volume {}", source), "both paths should begin with /");
    return;
  }
  for (const Json& volume : keys.at("extra_volumes").as_array()) {
    if (volume.at("container_path").as_string() != target) continue;
    draft.lose(node.at, fmt::format("a second volume at {}", target), "keep one");
    return;
  }
  Json volume;
  volume["container_path"] = target;
  volume["host_path"] = host.string();
  volume["mode"] = read_only ? "RO" : "RW";
  keys["extra_volumes"].push_back(std::move(volume));
}

class Deploy {
 public:
  Deploy(Json& keys, Draft& draft) : keys_(keys), draft_(draft) {}
  void read(const YamlNode& deploy) { take_keys(deploy, rules(), *this, "deploy.", draft_); }

 private:
  using Rules = std::vector<KeyRule<Deploy>>;

  static const Rules& rules() {
    static const Rules list = {
        {"replicas", &Deploy::take_replicas},
        {"resources", &Deploy::take_resources},
        {"placement", &Deploy::take_placement},
        {"update_config", &Deploy::take_update},
        {"mode", &Deploy::take_mode},
        {"endpoint_mode"},
        {"labels", nullptr, "host names go to proxy.domains"},
        {"restart_policy", nullptr, "a task that ends is started again, after a growing delay"},
        {"rollback_config", nullptr, "a rollback goes as the update went"},
    };
    return list;
  }

  void take_replicas(const YamlNode& value) {
    if (const auto count = config::integer_of(value))
      keys_["instances"] = std::clamp<int64_t>(*count, 0, 10'000);
  }
  void take_mode(const YamlNode& value) {
    if (value.text != "replicated") draft_.lose(value.at, "deploy.mode " + value.text, "set instances");
  }
  // What is reserved comes first: it says what a task may count on, and the limit how much more it may use.
  void take_resources(const YamlNode& value) {
    if (const YamlNode* reservations = value.find("reservations")) take_reservations(*reservations);
    if (const YamlNode* limits = value.find("limits")) take_limits(*limits);
  }
  void take_limits(const YamlNode& value) {
    static const Rules list = {
        {"cpus", &Deploy::take_limit_cpus}, {"memory", &Deploy::take_memory}, {"pids", &Deploy::take_pids}};
    take_keys(value, list, *this, "deploy.resources.limits.", draft_);
  }
  void take_reservations(const YamlNode& value) {
    static const Rules list = {{"cpus", &Deploy::take_reserved_cpus},
                               {"memory", nullptr, "mem is what a task gets"},
                               {"devices", &Deploy::take_devices},
                               {"generic_resources", nullptr, "set gpus for a GPU"}};
    take_keys(value, list, *this, "deploy.resources.reservations.", draft_);
  }
  void take_limit_cpus(const YamlNode& value) { set_compose_cpus(value, true, keys_, draft_); }
  void take_reserved_cpus(const YamlNode& value) { set_compose_cpus(value, false, keys_, draft_); }
  void take_memory(const YamlNode& value) { set_compose_memory(value, keys_, draft_); }
  void take_pids(const YamlNode& value) {
    const auto most = config::integer_of(value);
    if (most && *most > 0) keys_["pids"] = std::min<int64_t>(*most, 4'194'304);
  }
  void take_devices(const YamlNode& value) {
    for (const YamlNode& device : value.children) {
      const YamlNode* list = device.find("capabilities");
      const std::vector<std::string> capabilities =
          list == nullptr ? std::vector<std::string>() : texts_of(*list);
      const YamlNode* count = device.find("count");
      const auto number = count == nullptr ? std::nullopt : config::integer_of(*count);
      const bool gpu = std::ranges::find(capabilities, "gpu") != capabilities.end();
      if (gpu && number && *number > 0) {
        keys_["gpus"] = std::min<int64_t>(*number, 64);
      } else {
        draft_.lose(device.at, "a device", gpu ? "set gpus to their number" : "");
      }
    }
  }
  void take_placement(const YamlNode& value) {
    static const Rules list = {{"constraints", &Deploy::take_constraints},
                               {"preferences", &Deploy::take_preferences},
                               {"max_replicas_per_node", &Deploy::take_max_per_node}};
    take_keys(value, list, *this, "deploy.placement.", draft_);
  }
  void take_constraints(const YamlNode& value);
  void take_preferences(const YamlNode& value) {
    for (const YamlNode& preference : value.children) {
      const std::string spread = text_at(preference, "spread");
      constexpr std::string_view kLabel = "node.labels.";
      if (spread.starts_with(kLabel)) {
        keys_["placement"]["spread"].push_back(spread.substr(kLabel.size()));
      } else {
        draft_.lose(preference.at, "a preference for " + spread, "");
      }
    }
  }
  void take_max_per_node(const YamlNode& value) {
    const auto most = config::integer_of(value);
    if (most && *most > 0) keys_["placement"]["max_per_node"] = std::min<int64_t>(*most, 100'000);
  }
  void take_update(const YamlNode& value) {
    static const Rules list = {{"order", &Deploy::take_order},
                               {"failure_action", &Deploy::take_failure_action},
                               {"parallelism", nullptr, "bounce_margin_factor says how many stay up"},
                               {"delay", nullptr, "set min_task_uptime_seconds"},
                               {"monitor", nullptr, "set bounce_deadline_seconds"},
                               {"max_failure_ratio", nullptr, "a bounce that stalls has failed"}};
    take_keys(value, list, *this, "deploy.update_config.", draft_);
  }
  void take_order(const YamlNode& value) {
    if (value.text == "start-first") {
      keys_["bounce_method"] = "crossover";
    } else {
      draft_.lose(value.at, "the order stop-first, a few at a time",
                  "new tasks start first; downthenup stops all old ones before");
    }
  }
  void take_failure_action(const YamlNode& value) {
    if (value.text == "rollback") keys_["auto_rollback"] = true;
  }

  Json& keys_;
  Draft& draft_;
};

// "node.labels.disk == ssd".
void Deploy::take_constraints(const YamlNode& value) {
  constexpr std::string_view kLabel = "node.labels.";
  for (const YamlNode& constraint : value.children) {
    const std::string& text = constraint.text;
    const size_t equal = text.find("==");
    const size_t unequal = text.find("!=");
    const size_t at = std::min(equal, unequal);
    if (!text.starts_with(kLabel) || at == std::string::npos) {
      draft_.lose(constraint.at, "the constraint " + text, "place it with node_selectors");
      continue;
    }
    Json rule;
    rule["operator"] = equal < unequal ? "In" : "NotIn";
    rule["values"] = list_of({std::string(trim(std::string_view(text).substr(at + 2)))});
    const std::string label(trim(std::string_view(text).substr(kLabel.size(), at - kLabel.size())));
    keys_["node_selectors"][label].push_back(std::move(rule));
  }
}

}  // namespace

void read_compose_ports(const YamlNode& service, Json& keys, Draft& draft) {
  if (const YamlNode* ports = service.find("ports")) {
    for (const YamlNode& port : ports->children) take_port(port, keys, draft);
  }
  const YamlNode* expose = service.find("expose");
  if (expose == nullptr || keys.has("container_port")) return;
  for (const YamlNode& port : expose->children) {
    const auto number = port_number(std::string_view(port.text).substr(0, port.text.find('/')));
    if (number && !keys.has("container_port")) keys["container_port"] = *number;
  }
}

void read_compose_volumes(const YamlNode& volumes, const ComposePaths& paths, Json& keys, Draft& draft) {
  for (const YamlNode& volume : volumes.children) {
    if (volume.kind == YamlKind::Map) {
      const YamlNode* read_only = volume.find("read_only");
      const bool sealed = read_only != nullptr && config::boolean_of(*read_only).value_or(false);
      const bool bind = text_at(volume, "type") == "bind";
      add_volume(volume, bind ? text_at(volume, "source") : std::string(), text_at(volume, "target"), sealed,
                 paths, keys, draft);
      continue;
    }
    const std::vector<std::string> parts = split(volume.text, ':');
    const std::string mode = parts.size() > 2 ? parts[2] : std::string();
    const std::vector<std::string> options = split(mode, ',');
    const bool sealed = std::ranges::find(options, "ro") != options.end();
    add_volume(volume, parts.size() > 1 ? parts[0] : std::string(), parts.size() > 1 ? parts[1] : parts[0],
               sealed, paths, keys, draft);
  }
}

void read_compose_deploy(const YamlNode& deploy, Json& keys, Draft& draft) {
  Deploy(keys, draft).read(deploy);
}

void set_compose_cpus(const YamlNode& value, bool limit, Json& keys, Draft& draft) {
  double cores = 0;
  const std::string& text = value.text;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), cores, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(cores) || cores <= 0) {
    draft.fail(value.at, fmt::format("cpus is {}", config::quote_for_message(text)),
               "it should be such as 0.5");
    return;
  }
  cores = std::clamp(cores, 0.001, 1024.0);
  if (!limit) {
    keys["cpus"] = cores;
    return;
  }
  // Nothing is reserved by a limit: the task is placed by the default, and may use as much as it could
  // before.
  constexpr double kDefault = 0.1;
  const double counted = keys.at("cpus").as_double(std::min(cores, kDefault));
  keys["cpus"] = counted;
  keys["cpu_burst_add"] = std::round(std::max(cores - counted, 0.0) * 1000) / 1000;
}

void set_compose_memory(const YamlNode& value, Json& keys, Draft& draft) {
  const auto size = size_mb(value.text);
  if (!size) {
    draft.fail(value.at, fmt::format("the limit of memory is {}", config::quote_for_message(value.text)),
               "it should be such as 512m");
    return;
  }
  keys["mem"] = std::max<int64_t>(*size, 4);
}

}  // namespace slipway::imports
