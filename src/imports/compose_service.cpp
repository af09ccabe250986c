#include "imports/compose_service.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/forms.h"
#include "config/yaml_scalar.h"
#include "imports/compose_values.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::imports {

namespace {

constexpr uint64_t kMostVariables = 1 << 20;  // bytes of an environment file

bool truth(const YamlNode& value) {
  return config::boolean_of(value).value_or(value.text == "true");
}

class Service {
 public:
  Service(const YamlNode& service, const ComposePaths& paths, Json& keys, Draft& draft)
      : service_(service), paths_(paths), keys_(keys), draft_(draft) {}

  void read() {
    take_keys(service_, rules(), *this, service_.key + ".", draft_);
    environment();
    command();
    read_compose_ports(service_, keys_, draft_);
    if (!keys_.has("image") && !keys_.has("build")) {
      draft_.fail(service_.key_at, fmt::format("{} has neither image nor build", service_.key));
    }
    if (!keys_.has("mem")) {
      draft_.note(service_.key_at, fmt::format("{} has no limit of memory", service_.key),
                  "it gets 256 MB: set mem to what it needs");
    }
  }

 private:
  static const std::vector<KeyRule<Service>>& rules();
  static const std::vector<KeyRule<Service>>& build_rules();
  static const std::vector<KeyRule<Service>>& check_rules();

  void lose(const YamlNode& value, std::string instead) {
    draft_.lose(value.key_at, fmt::format("{}.{}", service_.key, value.key), std::move(instead));
  }

  void take_image(const YamlNode& value) {
    if (service_.find("build") == nullptr) keys_["image"] = value.text;
  }
  void take_build(const YamlNode& value) {
    if (value.kind == YamlKind::Scalar) return take_context(value);
    if (value.find("context") == nullptr) keys_["build"] = path_from_service(paths_.folder, paths_.into);
    take_keys(value, build_rules(), *this, service_.key + ".build.", draft_);
  }
  void take_context(const YamlNode& value) {
    if (value.text.find("://") != std::string::npos || value.text.starts_with("git@")) {
      draft_.fail(value.at, "the build context is no folder", "clone it, and name the folder");
      return;
    }
    keys_["build"] = path_from_service(paths_.folder / value.text, paths_.into);
  }
  void take_dockerfile(const YamlNode& value) {
    if (value.text != "Dockerfile") lose(value, "rename it to Dockerfile");
  }
  void take_environment(const YamlNode& value);
  void take_env_file(const YamlNode& file);
  void take_working_dir(const YamlNode& value) {
    if (config::is_absolute_path(value.text)) {
      keys_["work_dir"] = value.text;
    } else {
      lose(value, "it should begin with /");
    }
  }
  void take_user(const YamlNode& value) {
    if (config::is_user(value.text)) {
      keys_["user"] = value.text;
    } else {
      lose(value, "it should be a name, a number, or uid:gid");
    }
  }
  void take_read_only(const YamlNode& value) {
    if (truth(value)) keys_["read_only_root"] = true;
  }
  void take_if_true(const YamlNode& value) {
    if (truth(value)) lose(value, "it stays off");
  }
  void take_scale(const YamlNode& value) {
    if (const auto count = config::integer_of(value))
      keys_["instances"] = std::clamp<int64_t>(*count, 0, 10'000);
  }
  void take_cpus(const YamlNode& value) { set_compose_cpus(value, true, keys_, draft_); }
  void take_mem_limit(const YamlNode& value) { set_compose_memory(value, keys_, draft_); }
  void take_pids(const YamlNode& value) {
    const auto most = config::integer_of(value);
    if (most && *most > 0) keys_["pids"] = std::min<int64_t>(*most, 4'194'304);
  }
  void take_stop_signal(const YamlNode& value) {
    const std::string name = value.text.starts_with("SIG") ? value.text : "SIG" + value.text;
    constexpr std::string_view kKnown[] = {"SIGTERM", "SIGINT",  "SIGQUIT",  "SIGHUP",
                                           "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"};
    if (std::ranges::find(kKnown, name) == std::ranges::end(kKnown))
      return lose(value, "SIGTERM asks it to stop");
    keys_["stop_signal"] = name;
  }
  void take_stop_grace(const YamlNode& value) { seconds(value, "stop_timeout_seconds", 0, 86'400); }
  void take_network_mode(const YamlNode& value) {
    if (value.text == "host" || value.text == "none") {
      keys_["net"] = value.text;
    } else if (value.text != "bridge") {
      lose(value, "a task has an address on the machine's bridge");
    }
  }
  void take_restart(const YamlNode& value) {
    if (value.text != "always" && value.text != "unless-stopped") {
      lose(value, "a task that ends is started again; what runs to its end is a job");
    }
  }
  void take_volumes(const YamlNode& value) { read_compose_volumes(value, paths_, keys_, draft_); }
  void take_deploy(const YamlNode& value) { read_compose_deploy(value, keys_, draft_); }
  void take_healthcheck(const YamlNode& value);
  void take_test(const YamlNode& value);
  void take_interval(const YamlNode& value) { seconds(value, "healthcheck_interval_seconds", 0.1, 3600); }
  void take_timeout(const YamlNode& value) { seconds(value, "healthcheck_timeout_seconds", 0.1, 3600); }
  void take_start_period(const YamlNode& value) {
    seconds(value, "healthcheck_grace_period_seconds", 0, 86'400);
  }
  void take_retries(const YamlNode& value) {
    const auto count = config::integer_of(value);
    if (count) keys_["healthcheck_max_consecutive_failures"] = std::clamp<int64_t>(*count, 1, 1000);
  }
  void seconds(const YamlNode& value, const char* key, double least, double most) {
    const auto read = duration_seconds(value.text);
    if (!read) {
      draft_.fail(value.at, fmt::format("{} is {}", value.key, config::quote_for_message(value.text)),
                  "it should be a duration such as 1m30s");
      return;
    }
    keys_[key] = std::clamp(*read, least, most);
  }

  void environment();
  void command();
  std::vector<std::string> words_of(const YamlNode& value);

  const YamlNode& service_;
  const ComposePaths& paths_;
  Json& keys_;
  Draft& draft_;
};

const std::vector<KeyRule<Service>>& Service::rules() {
  static const std::vector<KeyRule<Service>> list = {
      {"image", &Service::take_image},
      {"build", &Service::take_build},
      {"working_dir", &Service::take_working_dir},
      {"user", &Service::take_user},
      {"read_only", &Service::take_read_only},
      {"scale", &Service::take_scale},
      {"cpus", &Service::take_cpus},
      {"mem_limit", &Service::take_mem_limit},
      {"pids_limit", &Service::take_pids},
      {"stop_signal", &Service::take_stop_signal},
      {"stop_grace_period", &Service::take_stop_grace},
      {"network_mode", &Service::take_network_mode},
      {"restart", &Service::take_restart},
      {"volumes", &Service::take_volumes},
      {"deploy", &Service::take_deploy},
      {"healthcheck", &Service::take_healthcheck},
      // Read once the others are there.
      {"environment"},
      {"env_file"},
      {"command"},
      {"entrypoint"},
      {"ports"},
      {"expose"},
      // Nothing is lost without these.
      {"container_name"},
      {"hostname"},
      {"init"},
      {"pull_policy"},
      {"stdin_open", &Service::take_if_true},
      {"tty", &Service::take_if_true},
      {"privileged", &Service::take_if_true},
      {"depends_on", nullptr, "tasks retry until what they need is there"},
      {"links", nullptr, "services find each other through the proxy"},
      {"networks", nullptr, "all tasks share one network; services find each other through the proxy"},
      {"labels", nullptr, "host names go to proxy.domains"},
      {"logging", nullptr, "the log of each task is kept; see slipway logs"},
      {"mem_reservation", nullptr, "mem is what a task gets"},
      {"profiles", nullptr, "set instances: 0 where it should not run"},
      {"secrets", nullptr, "add it with slipway secret, and refer to it in env"},
      {"configs", nullptr, "make the file visible with extra_volumes"},
      {"tmpfs", nullptr, "/tmp can always be written"},
      {"cap_add", nullptr, "all tasks have the same capabilities"},
      {"cap_drop", nullptr, "all tasks have the same capabilities"},
      {"devices", nullptr, "set gpus for a GPU"},
      {"dns", nullptr, "tasks use the machine's"},
      {"extra_hosts", nullptr, "write the address into env"},
      {"gpus", nullptr, "set gpus to their number"},
      {"ipc", nullptr, "each task has its own"},
      {"pid", nullptr, "each task has its own"},
      {"security_opt", nullptr, "all tasks are confined in the same way"},
      {"shm_size", nullptr, "the runtime's default holds"},
      {"sysctls", nullptr, "the machine's hold"},
      {"ulimits", nullptr, "the runtime's default holds"},
      {"platform", nullptr, "place it with node_selectors"},
      {"runtime", nullptr, "the cluster file says which"},
      {"develop"},
  };
  return list;
}

const std::vector<KeyRule<Service>>& Service::build_rules() {
  static const std::vector<KeyRule<Service>> list = {
      {"context", &Service::take_context},
      {"dockerfile", &Service::take_dockerfile},
      {"tags"},
      {"labels"},
      {"args", nullptr, "write them into the Dockerfile"},
      {"target", nullptr, "the last stage of the Dockerfile is built"},
  };
  return list;
}

const std::vector<KeyRule<Service>>& Service::check_rules() {
  static const std::vector<KeyRule<Service>> list = {
      {"test", &Service::take_test},
      {"interval", &Service::take_interval},
      {"timeout", &Service::take_timeout},
      {"retries", &Service::take_retries},
      {"start_period", &Service::take_start_period},
      {"start_interval", nullptr, "interval holds from the start"},
      {"disable"},
  };
  return list;
}

void Service::take_environment(const YamlNode& value) {
  const auto add = [&](const YamlNode& at, const std::string& name, std::optional<std::string> text) {
    if (!text) {
      draft_.note(at.at, fmt::format("{} has no value here", name), "write its value into env");
    } else if (!config::is_environment_name(name)) {
      draft_.lose(at.at, fmt::format("the variable {}", config::quote_for_message(name)), "rename it");
    } else {
      keys_["env"][name] = *text;
    }
  };
  for (const YamlNode& one : value.children) {
    if (value.kind == YamlKind::Map) {
      add(one, one.key, one.kind == YamlKind::Null ? std::nullopt : std::optional(one.text));
      continue;
    }
    const size_t equals = one.text.find('=');
    add(one, one.text.substr(0, equals),
        equals == std::string::npos ? std::nullopt : std::optional(one.text.substr(equals + 1)));
  }
}

void Service::take_env_file(const YamlNode& file) {
  const std::string name = file.kind == YamlKind::Map ? text_at(file, "path") : file.text;
  const YamlNode* required = file.find("required");
  const auto text = io::read_file(paths_.folder / name, kMostVariables);
  if (!text && required != nullptr && !truth(*required)) return;
  if (!text) return draft_.fail(file.at, fmt::format("the env_file {} cannot be read", name));
  for (const auto& [variable, words] : read_variables(*text)) {
    if (config::is_environment_name(variable)) keys_["env"][variable] = words;
  }
}

// What `environment` says wins over the files, and a later file over an earlier.
void Service::environment() {
  if (const YamlNode* files = service_.find("env_file"); files != nullptr && files->kind != YamlKind::Null) {
    if (files->kind != YamlKind::List) take_env_file(*files);
    for (const YamlNode& file : files->children) {
      if (files->kind == YamlKind::List) take_env_file(file);
    }
  }
  if (const YamlNode* variables = service_.find("environment")) take_environment(*variables);
}

void Service::take_healthcheck(const YamlNode& value) {
  const YamlNode* disable = value.find("disable");
  if (disable != nullptr && truth(*disable)) {
    keys_["healthcheck_mode"] = "none";
    return;
  }
  if (value.find("test") != nullptr) {
    // What Compose takes where a check says nothing.
    keys_["healthcheck_interval_seconds"] = 30;
    keys_["healthcheck_timeout_seconds"] = 30;
    keys_["healthcheck_grace_period_seconds"] = 0;
  }
  take_keys(value, check_rules(), *this, service_.key + ".healthcheck.", draft_);
}

void Service::take_test(const YamlNode& value) {
  std::vector<std::string> words = texts_of(value);
  const std::string kind = words.empty() ? std::string() : words.front();
  if (value.kind == YamlKind::Scalar) {
    keys_["healthcheck_cmd"] = value.text;
  } else if (kind == "NONE") {
    keys_["healthcheck_mode"] = "none";
    return;
  } else if (kind == "CMD-SHELL" && words.size() == 2) {
    keys_["healthcheck_cmd"] = words[1];
  } else if (kind == "CMD" && words.size() > 1) {
    words.erase(words.begin());
    keys_["healthcheck_cmd"] = list_of(words);
  } else {
    draft_.fail(value.at, "the healthcheck's test has another form",
                "it should be text, or a list that begins with CMD, CMD-SHELL or NONE");
    return;
  }
  keys_["healthcheck_mode"] = "cmd";
}

std::vector<std::string> Service::words_of(const YamlNode& value) {
  if (value.kind == YamlKind::List) return texts_of(value);
  auto words = shell_words(value.text);
  if (!words) draft_.fail(value.at, fmt::format("a quote in {} is never closed", value.key));
  return words.value_or(std::vector<std::string>());
}

// `command` goes to the image's entrypoint; an entrypoint of the file's own replaces both.
void Service::command() {
  const YamlNode* entrypoint = service_.find("entrypoint");
  const YamlNode* command = service_.find("command");
  std::vector<std::string> words;
  if (command != nullptr && command->kind != YamlKind::Null) words = words_of(*command);
  if (entrypoint != nullptr && entrypoint->kind != YamlKind::Null) {
    std::vector<std::string> all = words_of(*entrypoint);
    all.insert(all.end(), words.begin(), words.end());
    if (!all.empty() && !all.front().empty()) {
      keys_["cmd"] = list_of(all);
      return;
    }
    draft_.lose(entrypoint->key_at, fmt::format("{}.entrypoint that is empty", service_.key), "set cmd");
  }
  if (!words.empty()) keys_["args"] = list_of(words);
}

}  // namespace

void read_compose_service(const YamlNode& service, const ComposePaths& paths, Json& keys, Draft& draft) {
  Service(service, paths, keys, draft).read();
}

}  // namespace slipway::imports
