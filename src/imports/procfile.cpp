// A Procfile, one process type a line, and the app.json beside it.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/json_tree.h"
#include "config/yaml_scalar.h"
#include "imports/draft.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::imports {

namespace {

constexpr int kOwnPort = 8080;  // the task finds it in PORT, as it did before

struct ProcessType {
  std::string name;
  std::string command;
  Position at;
};

// `name: command` a line; what else there is, but comments and empty lines, is a problem.
std::vector<ProcessType> read_lines(std::string_view text, int file, Draft& draft) {
  std::vector<ProcessType> types;
  int line = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++line;
    const std::string_view words = trim(raw);
    if (words.empty() || words.starts_with('#')) continue;
    const size_t colon = words.find(':');
    const int column = static_cast<int>(raw.find_first_not_of(" \t")) + 1;
    const Position at{file, line, column};
    const std::string name(trim(words.substr(0, colon)));
    const bool named = colon != std::string_view::npos && plain_name(name) == name && !name.empty();
    if (!named || trim(words.substr(colon + 1)).empty()) {
      draft.fail(at, fmt::format("{} is no process type", config::quote_for_message(words)),
                 "it should be such as web: bin/server");
      continue;
    }
    types.push_back({name, std::string(trim(words.substr(colon + 1))), at});
  }
  return types;
}

class App {
 public:
  App(const fs::path& folder, const fs::path& into, Draft& draft)
      : folder_(folder), into_(into), draft_(draft) {
    std::error_code error;
    fs::path whole = fs::absolute(folder, error).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    service_ = plain_name(whole.filename().string());
  }

  Status read() {
    const fs::path procfile = folder_ / "Procfile";
    const std::string text = TRY(io::read_file(procfile, config::kYamlMaxBytes));
    const int file = draft_.add_source(procfile.string());
    types_ = read_lines(text, file, draft_);
    const fs::path description = folder_ / "app.json";
    if (io::exists(description)) {
      const std::string json = TRY(io::read_file(description, config::kYamlMaxBytes));
      const config::YamlDocument document = config::parse_json(json, draft_.add_source(description.string()));
      draft_.take_problems(document);
      take_keys(document.root, rules(), *this, "", draft_);
    }
    if (types_.empty() && !draft_.failed()) draft_.fail({file, 1, 1}, "the Procfile names no process type");
    write({file, 1, 1});
    return {};
  }

 private:
  static const std::vector<KeyRule<App>>& rules();

  void take_name(const YamlNode& value) {
    if (!plain_name(value.text).empty()) service_ = plain_name(value.text);
  }
  void take_description(const YamlNode& value) { facts_["description"] = value.text; }
  void take_website(const YamlNode& value) { facts_["external_link"] = value.text; }
  void take_repository(const YamlNode& value) { facts_["git_url"] = value.text; }
  void take_env(const YamlNode& value);
  void take_formation(const YamlNode& value);
  void take_healthchecks(const YamlNode& value);
  void take_cron(const YamlNode& value) {
    for (const YamlNode& one : value.children) {
      draft_.lose(
          one.at, fmt::format("the scheduled command {}", config::quote_for_message(text_at(one, "command"))),
          fmt::format("write a job into jobs.yaml, with the schedule \"cron {}\"", text_at(one, "schedule")));
    }
  }

  void write(Position at);
  void write_type(const ProcessType& type);

  const fs::path& folder_;
  const fs::path& into_;
  Draft& draft_;
  std::string service_;
  std::vector<ProcessType> types_;
  Json facts_ = Json::Object();                     // of service.yaml
  std::map<std::string, Json, std::less<>> sizes_;  // keys by process type
};

const std::vector<KeyRule<App>>& App::rules() {
  static const std::vector<KeyRule<App>> list = {
      {"name", &App::take_name},
      {"description", &App::take_description},
      {"website", &App::take_website},
      {"repository", &App::take_repository},
      {"env", &App::take_env},
      {"formation", &App::take_formation},
      {"healthchecks", &App::take_healthchecks},
      {"cron", &App::take_cron},
      {"keywords"},
      {"logo"},
      {"success_url"},
      {"image"},
      {"stack"},
      {"$schema"},
      {"addons", nullptr, "run it as a service of its own, or name it in env"},
      {"buildpacks", nullptr, "write a Dockerfile"},
      {"environments", nullptr, "run-<cluster>.yaml holds what is different in one cluster"},
      {"scripts", nullptr, "run it by hand with slipway run"},
  };
  return list;
}

void App::take_env(const YamlNode& value) {
  for (const YamlNode& variable : value.children) {
    const YamlNode* text = variable.kind == YamlKind::Map ? variable.find("value") : &variable;
    if (text != nullptr && text->kind == YamlKind::Scalar) {
      facts_["env"][variable.key] = text->text;
    } else {
      draft_.note(variable.key_at, fmt::format("{} has no value here", variable.key),
                  "write it into env, or add it with slipway secret");
    }
  }
}

// Sizes are names of somebody's offers; the numbers are what can be kept.
void App::take_formation(const YamlNode& value) {
  for (const YamlNode& type : value.children) {
    const YamlNode* quantity = type.find("quantity");
    const auto count = quantity == nullptr ? std::nullopt : config::integer_of(*quantity);
    if (count) sizes_[type.key]["instances"] = std::clamp<int64_t>(*count, 0, 10'000);
    if (const YamlNode* size = type.find("size")) {
      draft_.lose(size->key_at, fmt::format("the size {} of {}", size->text, type.key), "set cpus and mem");
    }
  }
}

// Dokku's checks, of which the first of kind startup or liveness that asks a path is ours.
void App::take_healthchecks(const YamlNode& value) {
  for (const YamlNode& type : value.children) {
    for (const YamlNode& check : type.children) {
      const std::string path = text_at(check, "path");
      Json& keys = sizes_[type.key];
      if (path.empty() || keys.has("healthcheck_uri")) {
        draft_.lose(check.at, fmt::format("a further check of {}", type.key), "one path is asked");
        continue;
      }
      keys["healthcheck_mode"] = "http";
      keys["healthcheck_uri"] = path;
      const YamlNode* timeout = check.find("timeout");
      const auto seconds = timeout == nullptr ? std::nullopt : config::number_of(*timeout);
      if (seconds) keys["healthcheck_timeout_seconds"] = std::clamp(*seconds, 0.1, 3600.0);
    }
  }
}

void App::write(Position at) {
  if (io::exists(folder_ / "Dockerfile")) {
    facts_["build"] = path_from_service(folder_, into_);
  } else {
    draft_.lose(at, "a buildpack", "without a Dockerfile the commands run on the host's own filesystem");
  }
  draft_.service_keys(service_) = facts_;
  for (const ProcessType& type : types_) {
    if (type.name == "release") {
      draft_.lose(type.at, "the release phase", "run it by hand with slipway run, before the change");
    } else {
      write_type(type);
    }
  }
  for (const auto& [name, size] : sizes_) {
    if (std::ranges::find(types_, name, &ProcessType::name) != types_.end()) continue;
    draft_.note(at, fmt::format("the Procfile has no process type {}", name));
  }
}

void App::write_type(const ProcessType& type) {
  Json* keys = draft_.add_instance(service_, type.name, type.at);
  if (keys == nullptr) return;
  if (const auto size = sizes_.find(type.name); size != sizes_.end()) *keys = size->second;
  (*keys)["cmd"] = type.command;
  const bool listens = type.name == "web" || keys->has("healthcheck_uri");
  if (listens) (*keys)["container_port"] = kOwnPort;
  if (type.name != "web") return;
  // Of a host name that every machine finds at itself, so that the first try needs nothing more.
  std::string host = service_ + ".localhost";
  for (char& c : host) c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  (*keys)["proxy"]["domains"] = list_of({host});
  draft_.note(type.at, "web needs a host name", fmt::format("{} is taken; set proxy.domains", host));
}

}  // namespace

Result<Import> import_procfile(const fs::path& folder, const fs::path& into) {
  Draft draft;
  auto read = App(folder, into, draft).read();
  if (!read) return read.error();
  return draft.finish("procfile");
}

}  // namespace slipway::imports
