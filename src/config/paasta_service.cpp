#include "config/paasta_service.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/paasta_fields.h"
#include "config/paasta_instance.h"
#include "config/paasta_keys.h"
#include "config/paasta_version.h"
#include "config/schema_check.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

// Of two files with one instance the earlier counts.
constexpr std::array kOrder = {FileRole::Adhoc, FileRole::Kubernetes, FileRole::Eks, FileRole::Marathon,
                               FileRole::Tron};

YamlNode map_of(const YamlNode& value, std::string key) {
  YamlNode map;
  map.kind = YamlKind::Map;
  map.children.push_back(value);
  map.children.back().key = std::move(key);
  return map;
}

YamlNode empty_map() {
  YamlNode map;
  map.kind = YamlKind::Map;
  return map;
}

std::string text_of(const YamlNode* map, std::string_view key) {
  const YamlNode* node = map == nullptr ? nullptr : map->find(key);
  return node != nullptr && node->kind == YamlKind::Scalar ? node->text : std::string();
}

class PaastaCompilation {
 public:
  PaastaCompilation(const PaastaFiles& files, const std::string& cluster, const std::set<std::string>& taken,
                    CompiledService& compiled)
      : files_(files),
        cluster_(cluster),
        taken_(taken),
        compiled_(compiled),
        deployments_(files.deployments, text_of(files.service, "docker_registry")) {
    // service.yaml as a whole is laid over the other files, so that its monitoring replaces theirs.
    if (files.service == nullptr || files.service->find("monitoring") == nullptr)
      general_ = map_of(files.monitoring == nullptr ? empty_map() : *files.monitoring, "monitoring");
  }

  void run() {
    check_shared();
    for (const FileRole role : kOrder) {
      for (const PaastaFile& file : files_.others) {
        if (file.role == role) take_file(file);
      }
    }
    share_proxies();
    compiled_.versions = deployments_.versions();
  }

 private:
  // Findings from here on are of this instance, where they are of none yet.
  class Scope {
   public:
    Scope(std::vector<Finding>& findings, const std::string& instance)
        : findings_(findings), instance_(instance), first_(findings.size()) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      for (size_t i = first_; i < findings_.size(); ++i) {
        if (findings_[i].instance.empty()) findings_[i].instance = instance_;
      }
    }

   private:
    std::vector<Finding>& findings_;
    const std::string& instance_;
    size_t first_;
  };

  void tell(Position at, std::string message, std::string hint, model::Severity severity) {
    compiled_.findings.push_back({at, std::move(message), std::move(hint), {}, severity});
  }

  void check_shared() {
    if (files_.monitoring != nullptr)
      check_paasta_keys(PaastaMap::Monitoring, *files_.monitoring, compiled_.findings);
    if (files_.smartstack == nullptr) return;
    for (const YamlNode& space : files_.smartstack->children) {
      if (space.kind == YamlKind::Map)
        check_paasta_keys(PaastaMap::Namespace, space, compiled_.findings);
      else if (space.key != "port")
        tell(space.at, fmt::format("the namespace {} {}", quote_for_message(space.key), what_stands(space)),
             "it should be a map of keys", model::Severity::Tolerated);
    }
  }

  void take_file(const PaastaFile& file) {
    if (file.root == nullptr) return;
    for (const YamlNode& body : file.root->children) {
      if (body.key.starts_with('_')) continue;
      const Scope scope(compiled_.findings, body.key);
      if (body.kind != YamlKind::Map) {
        tell(body.kind == YamlKind::Null ? body.key_at : body.at,
             fmt::format("the instance {} {}", quote_for_message(body.key), what_stands(body)),
             "it should be a map of keys", model::Severity::Error);
      } else if (file.role == FileRole::Tron) {
        take_job(file, body);
      } else {
        take_instance(file, body);
      }
    }
  }

  // Whether the name is free; tells where it is not.
  bool take_name(const std::string& name, Position at, const PaastaFile& file) {
    if (taken_.contains(name)) {
      tell(at, fmt::format("{} is also declared in a file of Slipway's own layout", quote_for_message(name)),
           "keep one of them", model::Severity::Error);
      return false;
    }
    const auto [other, added] = declared_.emplace(name, file.path);
    if (!added) {
      tell(at,
           fmt::format("{} is also declared in {}, which counts", quote_for_message(name), *other->second),
           "keep one of them", model::Severity::Tolerated);
    }
    return added;
  }

  const YamlNode* autotuned(const PaastaFile& file, const std::string& instance) const {
    // Those of eks stand in the file of kubernetes where they have none of their own.
    for (const std::string_view stem : {file.stem, std::string_view("kubernetes")}) {
      for (const PaastaFile& other : files_.others) {
        if (other.role == FileRole::Autotuned && other.stem.ends_with(stem) && other.root != nullptr)
          return other.root->find(instance);
      }
    }
    return nullptr;
  }

  PaastaContext context_of(const PaastaFile& file, const YamlNode& node, std::string name) const {
    PaastaContext context;
    context.id = {compiled_.name, std::move(name)};
    context.cluster = cluster_;
    context.type = file.stem;
    context.at = node.key_at;
    context.source = *file.path;
    context.smartstack = files_.smartstack;
    return context;
  }

  void take_instance(const PaastaFile& file, const YamlNode& body) {
    if (!take_name(body.key, body.key_at, file)) return;
    const bool adhoc = file.role == FileRole::Adhoc;
    check_paasta_keys(adhoc ? PaastaMap::Adhoc : PaastaMap::LongRunning, body, compiled_.findings);
    PaastaContext context = context_of(file, body, body.key);
    context.kind = adhoc ? model::InstanceKind::Adhoc : model::InstanceKind::Service;
    context.settings.add(&body);
    if (!adhoc) context.settings.add(autotuned(file, body.key));
    context.settings.add(files_.service);
    context.settings.add(&general_);
    CompiledInstance compiled = read(context);
    const std::string branch = cluster_ + "." + body.key;
    set_version_of_branch(compiled.instance, branch);
    if (compiled.instance.proxy) {
      const Namespace space(files_.smartstack, namespace_of(context.settings, context.id));
      compiled.claims.push_back({ClaimKind::ProxyPort, std::to_string(*compiled.instance.proxy->port),
                                 space.find("proxy_port")->at, true});
    }
    keep(std::move(compiled));
  }

  CompiledInstance read(const PaastaContext& context) {
    CompiledInstance compiled;
    compiled.instance = read_paasta_instance(context, compiled_.findings);
    compiled.instance.origin = {context.source, context.at.line, context.at.column};
    compiled.build_at = context.at;
    return compiled;
  }

  void keep(CompiledInstance compiled) {
    model::Instance& instance = compiled.instance;
    if (instance.kind == model::InstanceKind::Service && !model::is_name(instance.id.instance)) {
      instance.undeployed = "its name is none that could run here: letters, digits, - and _, at most 63";
      compiled_.findings.push_back(
          {compiled.build_at,
           fmt::format("{} is no name that could run", quote_for_message(instance.id.instance)),
           "use letters, digits, - and _, at most 63",
           {},
           model::Severity::Tolerated});
    }
    trim_shown(instance, cluster_);
    compiled_.instances.push_back(std::move(compiled));
  }

  void set_version_of_branch(model::Instance& instance, const std::string& branch) {
    instance.shown["desired_state"] = instance.desired_state;
    if (!deployments_.exists()) {
      set_version(instance, nullptr, "it was never deployed: there is no deployments.json");
      return;
    }
    const auto control = deployments_.control(compiled_.name, branch);
    const auto found = deployments_.versions().find(instance.deploy_group);
    const auto by_branch = deployments_.version_of_branch(compiled_.name, branch);
    const PaastaVersion* version = found != deployments_.versions().end() ? &found->second
                                   : by_branch                            ? &*by_branch
                                                                          : nullptr;
    if (version == nullptr || !control) {
      set_version(
          instance, nullptr,
          version == nullptr
              ? fmt::format("it was never deployed: deployments.json has no version of its deploy group {}",
                            instance.deploy_group)
              : fmt::format("it was never deployed: deployments.json has no desired state of {}", branch));
      return;
    }
    if (control->desired_state == "stop") instance.desired_state = "stop";
    instance.shown["desired_state"] = instance.desired_state;
    instance.spec.restart_nonce = control->force_bounce;
    set_version(instance, version, {});
  }

  // ---- jobs

  Json monitoring_of(const YamlNode& job) const {
    Json::Object all;
    const auto add = [&](const YamlNode* map) {
      if (map == nullptr || map->kind != YamlKind::Map) return;
      for (const YamlNode& child : map->children) {
        if (is_job_monitoring_key(child.key)) all[child.key] = json_11(child);
      }
    };
    add(files_.monitoring);
    add(job.find("monitoring"));
    return all;
  }

  void take_job(const PaastaFile& file, const YamlNode& job) {
    check_paasta_keys(PaastaMap::Job, job, compiled_.findings);
    const YamlNode* actions = job.find("actions");
    if (actions == nullptr || actions->kind == YamlKind::Null) return;
    if (actions->kind != YamlKind::Map) {
      tell(actions->at, fmt::format("actions {}", what_stands(*actions)),
           "it should be a map of actions by name", model::Severity::Error);
      return;
    }
    YamlNode inherited = empty_map();
    for (const std::string_view key : {"service", "deploy_group", "cost_owner"}) {
      if (const YamlNode* node = job.find(key)) inherited.children.push_back(*node);
    }
    const Json monitoring = monitoring_of(job);
    for (const YamlNode& action : actions->children) {
      const std::string name = job.key + "." + action.key;
      const Scope scope(compiled_.findings, name);
      if (action.kind != YamlKind::Map) {
        tell(action.at, fmt::format("the action {} {}", quote_for_message(name), what_stands(action)),
             "it should be a map of keys", model::Severity::Error);
        continue;
      }
      if (!take_name(name, action.key_at, file)) continue;
      check_paasta_keys(PaastaMap::Action, action, compiled_.findings);
      PaastaContext context = context_of(file, action, name);
      context.kind = model::InstanceKind::Job;
      context.monitoring = monitoring;
      context.settings.add(&action);
      context.settings.add(&inherited);
      take_action(context);
    }
  }

  void take_action(const PaastaContext& context) {
    CompiledInstance compiled = read(context);
    model::Instance& instance = compiled.instance;
    instance.shown["desired_state"] = instance.desired_state;
    const YamlNode* service = context.settings.find("service");
    const std::string owner =
        service == nullptr || service->kind == YamlKind::Null ? compiled_.name : service->text;
    const auto found = deployments_.versions().find(instance.deploy_group);
    if (owner != compiled_.name) {
      compiled.version_of = owner;  // see tree.cpp
      set_version(instance, nullptr, fmt::format("{} was never deployed", owner));
    } else {
      const bool known = found != deployments_.versions().end();
      set_version(instance, known ? &found->second : nullptr, "it was never deployed");
    }
    keep(std::move(compiled));
  }

  // Not those of our own layout in the same service.
  static bool has_port_of_namespace(const CompiledInstance& compiled) {
    return !compiled.claims.empty() && compiled.claims.front().yields && compiled.instance.proxy->port;
  }

  // A port is opened for one instance of a namespace: that of its name, else the first.
  void share_proxies() {
    std::map<int, CompiledInstance*> owners;
    for (CompiledInstance& compiled : compiled_.instances) {
      const model::Instance& instance = compiled.instance;
      if (!has_port_of_namespace(compiled)) continue;
      // Who is registered with another service has a health check here, and no port.
      if (instance.registrations.empty() || !instance.registrations.front().starts_with(compiled_.name + "."))
        continue;
      CompiledInstance*& owner = owners[*instance.proxy->port];
      if (owner == nullptr || instance.registrations.front() == instance.id.text()) owner = &compiled;
    }
    for (CompiledInstance& compiled : compiled_.instances) {
      if (has_port_of_namespace(compiled) && owners[*compiled.instance.proxy->port] != &compiled)
        give_up_proxy(compiled);
    }
  }

  const PaastaFiles& files_;
  const std::string& cluster_;
  const std::set<std::string>& taken_;
  CompiledService& compiled_;
  Deployments deployments_;
  YamlNode general_;
  std::map<std::string, const std::string*> declared_;
};

}  // namespace

void compile_paasta(const PaastaFiles& files, const std::string& cluster, const std::set<std::string>& taken,
                    CompiledService& compiled) {
  PaastaCompilation(files, cluster, taken, compiled).run();
}

}  // namespace slipway::config
