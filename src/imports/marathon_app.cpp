#include "imports/marathon_app.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "config/forms.h"
#include "config/yaml_scalar.h"
#include "imports/marathon_network.h"

namespace slipway::imports {

namespace {

using config::boolean_of;
using config::number_of;

bool truth(const YamlNode* node) {
  return node != nullptr && boolean_of(*node).value_or(false);
}

// Their numbers may be fractions where ours are whole.
int64_t rounded_up(double value, int64_t least, int64_t most) {
  return std::clamp(static_cast<int64_t>(std::ceil(std::min(value, 1e15))), least, most);
}

class App {
 public:
  App(const YamlNode& app, Json& keys, Draft& draft) : app_(app), keys_(keys), draft_(draft) {}

  void read();

 private:
  static const std::vector<KeyRule<App>>& rules();
  static const std::vector<KeyRule<App>>& container_rules();
  static const std::vector<KeyRule<App>>& docker_rules();
  static const std::vector<KeyRule<App>>& check_rules();
  static const std::vector<KeyRule<App>>& upgrade_rules();

  void lose(const YamlNode& at, std::string what, std::string instead) {
    draft_.lose(at.key.empty() ? at.at : at.key_at, std::move(what), std::move(instead));
  }
  std::optional<double> number(const YamlNode& value) {
    const auto read = number_of(value);
    if (!read || !std::isfinite(*read) || *read < 0) {
      draft_.fail(value.at, fmt::format("{} should be a number", value.key));
      return std::nullopt;
    }
    return read;
  }
  void whole(const YamlNode& value, const char* key, int64_t least, int64_t most) {
    if (const auto read = number(value)) keys_[key] = rounded_up(*read, least, most);
  }

  void take_text(const YamlNode& value) {
    if (value.kind != YamlKind::Scalar) {
      draft_.fail(value.at, fmt::format("{} should be text", value.key));
    } else if (!value.text.empty()) {
      keys_[value.key] = value.text;
    }
  }
  void take_user(const YamlNode& value) {
    if (config::is_user(value.text)) keys_["user"] = value.text;
  }
  void take_args(const YamlNode& value) {
    if (!value.children.empty()) keys_["args"] = list_of(texts_of(value));
  }
  void take_cpus(const YamlNode& value) {
    if (const auto read = number(value)) keys_["cpus"] = std::clamp(*read, 0.001, 1024.0);
  }
  void take_mem(const YamlNode& value) { whole(value, "mem", 4, 16'777'216); }
  void take_disk(const YamlNode& value) {
    if (const auto read = number(value); read && *read > 0) keys_["disk"] = rounded_up(*read, 1, 16'777'216);
  }
  void take_gpus(const YamlNode& value) {
    if (const auto read = number(value); read && *read > 0) keys_["gpus"] = rounded_up(*read, 1, 64);
  }
  void take_instances(const YamlNode& value) { whole(value, "instances", 0, 10'000); }
  void take_launch_delay(const YamlNode& value) { whole(value, "max_launch_delay_seconds", 1, 86'400); }
  void take_kill_grace(const YamlNode& value) { whole(value, "stop_timeout_seconds", 0, 86'400); }
  void take_constraints(const YamlNode& value) { read_marathon_constraints(value, keys_, draft_); }
  void take_env(const YamlNode& value);
  void take_labels(const YamlNode& value);
  void take_container(const YamlNode& value) {
    take_keys(value, container_rules(), *this, "container.", draft_);
  }
  void take_docker(const YamlNode& value) { take_keys(value, docker_rules(), *this, "docker.", draft_); }
  void take_volumes(const YamlNode& value);
  void take_parameters(const YamlNode& value);
  void take_if_true(const YamlNode& value) {
    if (truth(&value)) lose(value, value.key, "it stays off");
  }
  void take_if_filled(const YamlNode& value) {
    const bool empty = value.children.empty() && (value.kind != YamlKind::Scalar || value.text.empty());
    if (!empty) lose(value, value.key, "");
  }
  void take_checks(const YamlNode& value);
  void take_protocol(const YamlNode& value);
  void take_check_command(const YamlNode& value) { keys_["healthcheck_cmd"] = text_at(value, "value"); }
  void take_check_path(const YamlNode& value) {
    if (config::is_uri_path(value.text)) keys_["healthcheck_uri"] = value.text;
  }
  void take_check_grace(const YamlNode& value) {
    seconds(value, "healthcheck_grace_period_seconds", 0, 86'400);
  }
  void take_check_interval(const YamlNode& value) {
    seconds(value, "healthcheck_interval_seconds", 0.1, 3600);
  }
  void take_check_timeout(const YamlNode& value) { seconds(value, "healthcheck_timeout_seconds", 0.1, 3600); }
  void take_check_failures(const YamlNode& value);
  void take_other_port(const YamlNode& value) {
    if (value.text != "0")
      lose(value, "a health check of port " + value.text, "the one container_port is checked");
  }
  void seconds(const YamlNode& value, const char* key, double least, double most) {
    if (const auto read = number(value)) keys_[key] = std::clamp(*read, least, most);
  }
  void take_upgrade(const YamlNode& value);
  void take_nothing(const YamlNode&) {}

  void add_defaults();

  const YamlNode& app_;
  Json& keys_;
  Draft& draft_;
};

const std::vector<KeyRule<App>>& App::rules() {
  static const std::vector<KeyRule<App>> list = {
      {"id"},
      {"cmd", &App::take_text},
      {"args", &App::take_args},
      {"user", &App::take_user},
      {"env", &App::take_env},
      {"instances", &App::take_instances},
      {"cpus", &App::take_cpus},
      {"mem", &App::take_mem},
      {"disk", &App::take_disk},
      {"gpus", &App::take_gpus},
      {"container", &App::take_container},
      {"constraints", &App::take_constraints},
      {"healthChecks", &App::take_checks},
      {"upgradeStrategy", &App::take_upgrade},
      {"maxLaunchDelaySeconds", &App::take_launch_delay},
      {"taskKillGracePeriodSeconds", &App::take_kill_grace},
      {"labels", &App::take_labels},
      // Read by read_marathon_network.
      {"networks"},
      {"ports"},
      {"portDefinitions"},
      {"requirePorts"},
      {"ipAddress", nullptr, "a task has an address on the machine's bridge"},
      // Without a counterpart.
      {"acceptedResourceRoles", &App::take_if_filled},
      {"backoffFactor"},  // the delay doubles, which is near enough
      {"backoffSeconds"},
      {"check", nullptr, "use the healthcheck keys"},
      {"dependencies", &App::take_if_filled},
      {"executor", &App::take_if_filled},
      {"executorResources", nullptr, "tasks need no executor"},
      {"fetch", &App::take_if_filled},
      {"killSelection", nullptr, "the oldest tasks and the unhealthy ones go first"},
      {"readinessChecks", nullptr, "use the healthcheck keys and min_task_uptime_seconds"},
      {"residency", nullptr, "data stays in a volume of the host: see extra_volumes"},
      {"resourceLimits", nullptr, "use cpu_burst_add"},
      {"role", nullptr, "use node_selectors"},
      {"secrets", &App::take_if_filled},
      {"storeUrls", &App::take_if_filled},
      {"tty", &App::take_if_true},
      {"unreachableStrategy", nullptr, "tasks of a lost node are replaced"},
      {"uris", &App::take_if_filled},
      // What the API adds to its answers.
      {"version"},
      {"versionInfo"},
      {"deployments"},
      {"tasks"},
      {"tasksStaged"},
      {"tasksRunning"},
      {"tasksHealthy"},
      {"tasksUnhealthy"},
      {"taskStats"},
      {"lastTaskFailure"},
      {"readinessCheckResults"},
  };
  return list;
}

const std::vector<KeyRule<App>>& App::container_rules() {
  static const std::vector<KeyRule<App>> list = {
      {"type"},
      {"docker", &App::take_docker},
      {"volumes", &App::take_volumes},
      {"portMappings"},
      {"linuxInfo", nullptr, "all tasks are isolated in the same way"},
  };
  return list;
}

const std::vector<KeyRule<App>>& App::docker_rules() {
  static const std::vector<KeyRule<App>> list = {
      {"image", &App::take_text},
      {"network"},
      {"portMappings"},
      {"privileged", &App::take_if_true},
      {"forcePullImage", &App::take_if_true},
      {"parameters", &App::take_parameters},
      {"credential", nullptr, "log in to the registry on the nodes"},
      {"pullConfig", nullptr, "log in to the registry on the nodes"},
  };
  return list;
}

const std::vector<KeyRule<App>>& App::check_rules() {
  static const std::vector<KeyRule<App>> list = {
      {"protocol", &App::take_protocol},
      {"command", &App::take_check_command},
      {"path", &App::take_check_path},
      {"gracePeriodSeconds", &App::take_check_grace},
      {"intervalSeconds", &App::take_check_interval},
      {"timeoutSeconds", &App::take_check_timeout},
      {"maxConsecutiveFailures", &App::take_check_failures},
      {"delaySeconds"},
      {"portIndex", &App::take_other_port},
      {"port"},  // told by read_marathon_network, which knows the ports
      {"ignoreHttp1xx", &App::take_if_true},
      {"ipProtocol"},
  };
  return list;
}

const std::vector<KeyRule<App>>& App::upgrade_rules() {
  static const std::vector<KeyRule<App>> list = {{"minimumHealthCapacity"}, {"maximumOverCapacity"}};
  return list;
}

void App::take_env(const YamlNode& value) {
  for (const YamlNode& variable : value.children) {
    if (variable.kind == YamlKind::Map) {
      lose(variable, fmt::format("the secret in {}", variable.key),
           "add it with slipway secret, and refer to it");
    } else if (!config::is_environment_name(variable.key)) {
      lose(variable, fmt::format("the variable {}", variable.key), "rename it");
    } else {
      keys_["env"][variable.key] = variable.text;
    }
  }
}

// Those of the load balancer are read with the network.
void App::take_labels(const YamlNode& value) {
  for (const YamlNode& label : value.children) {
    if (!label.key.starts_with("HAPROXY_")) lose(label, fmt::format("the label {}", label.key), "");
  }
}

void App::take_volumes(const YamlNode& value) {
  for (const YamlNode& volume : value.children) {
    const std::string inside = text_at(volume, "containerPath");
    const std::string outside = text_at(volume, "hostPath");
    if (outside.empty()) {
      lose(volume, fmt::format("the volume {}", inside), "name a folder of the host: see extra_volumes");
    } else if (!config::is_absolute_path(inside) || !config::is_absolute_path(outside)) {
      lose(volume, fmt::format("the volume {}", inside), "paths should begin with /");
    } else {
      Json one;
      one["container_path"] = inside;
      one["host_path"] = outside;
      one["mode"] = text_at(volume, "mode") == "RW" ? "RW" : "RO";
      keys_["extra_volumes"].push_back(std::move(one));
    }
  }
}

void App::take_parameters(const YamlNode& value) {
  for (const YamlNode& parameter : value.children) {
    const std::string key = text_at(parameter, "key");
    const std::string text = text_at(parameter, "value");
    if (key == "user" && config::is_user(text)) {
      keys_["user"] = text;
    } else if (key == "workdir" && config::is_absolute_path(text)) {
      keys_["work_dir"] = text;
    } else {
      lose(parameter, fmt::format("the docker parameter {} {}", key, text), "");
    }
  }
}

void App::take_checks(const YamlNode& value) {
  if (value.children.empty()) return;
  // What Marathon takes where a check says nothing.
  keys_["healthcheck_grace_period_seconds"] = 300;
  keys_["healthcheck_interval_seconds"] = 60;
  keys_["healthcheck_timeout_seconds"] = 20;
  keys_["healthcheck_max_consecutive_failures"] = 3;
  keys_["healthcheck_mode"] = "http";
  take_keys(value.children[0], check_rules(), *this, "healthChecks.", draft_);
  if (keys_.at("healthcheck_mode").as_string() == "cmd" && keys_.at("healthcheck_cmd").as_string().empty()) {
    draft_.fail(value.children[0].at, "a health check COMMAND has no command");
  }
  for (size_t i = 1; i < value.children.size(); ++i) {
    lose(value.children[i], "a second health check", "join them in one command");
  }
}

void App::take_protocol(const YamlNode& value) {
  std::string_view protocol = value.text;
  if (protocol.starts_with("MESOS_")) protocol.remove_prefix(6);
  const std::string_view mode = protocol == "HTTP"      ? "http"
                                : protocol == "HTTPS"   ? "https"
                                : protocol == "TCP"     ? "tcp"
                                : protocol == "COMMAND" ? "cmd"
                                                        : "";
  if (mode.empty()) {
    draft_.fail(value.at, fmt::format("the protocol {} is not known", config::quote_for_message(value.text)),
                "it should be one of HTTP, HTTPS, TCP, COMMAND, perhaps behind MESOS_");
    return;
  }
  keys_["healthcheck_mode"] = mode;
}

void App::take_check_failures(const YamlNode& value) {
  const auto read = number(value);
  if (!read) return;
  if (*read == 0) lose(value, "a health check that replaces nothing", "1000 failures in a row are allowed");
  keys_["healthcheck_max_consecutive_failures"] = *read == 0 ? 1000 : rounded_up(*read, 1, 1000);
}

void App::take_upgrade(const YamlNode& value) {
  take_keys(value, upgrade_rules(), *this, "upgradeStrategy.", draft_);
  const YamlNode* least = value.find("minimumHealthCapacity");
  const YamlNode* over = value.find("maximumOverCapacity");
  const double margin = least == nullptr ? 1 : number(*least).value_or(1);
  const double surplus = over == nullptr ? 1 : number(*over).value_or(1);
  if (margin > 0) {
    keys_["bounce_method"] = "crossover";
    keys_["bounce_margin_factor"] = std::min(margin, 1.0);
    if (surplus < 1 && over != nullptr)
      lose(*over, "maximumOverCapacity", "new tasks may be as many as the old");
  } else {
    keys_["bounce_method"] = surplus > 0 ? "brutal" : "downthenup";
  }
}

// Where an app says nothing, Marathon's defaults hold, not ours.
void App::add_defaults() {
  if (!keys_.has("cpus")) keys_["cpus"] = 1;
  if (!keys_.has("mem")) keys_["mem"] = 128;
  if (keys_.has("cmd") && keys_.has("args")) {
    lose(*app_.find("args"), "args beside cmd", "");
    Json::Object rest = keys_.as_object();
    rest.erase("args");
    keys_ = std::move(rest);
  }
  if (!keys_.has("cmd") && !keys_.has("image")) {
    draft_.fail(app_.at, "the app has neither cmd nor an image", "there is nothing to run");
  }
}

void App::read() {
  take_keys(app_, rules(), *this, "", draft_);
  add_defaults();
  read_marathon_network(app_, keys_, draft_);
}

}  // namespace

void read_marathon_app(const YamlNode& app, Json& keys, Draft& draft) {
  App(app, keys, draft).read();
}

}  // namespace slipway::imports
