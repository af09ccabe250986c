#include "config/service_compiler.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "config/instance_compiler.h"
#include "config/json_tree.h"
#include "config/paasta_keys.h"
#include "config/paasta_service.h"
#include "config/schema_check.h"

namespace slipway::config {

namespace {

std::vector<SchemaKey> with_instance_keys(std::string_view name) {
  std::vector<SchemaKey> all = schema(name).keys;
  const std::vector<SchemaKey>& instance = schema("instance").keys;
  all.insert(all.end(), instance.begin(), instance.end());
  return all;
}

const std::vector<SchemaKey>& keys_of_service() {
  static const std::vector<SchemaKey> keys = with_instance_keys("service");
  return keys;
}

const std::vector<SchemaKey>& keys_of_jobs() {
  static const std::vector<SchemaKey> keys = with_instance_keys("job");
  return keys;
}

// The part of a service's compilation that lives while it lasts.
class Compilation {
 public:
  Compilation(const ServiceSource& source, const std::string& cluster) : source_(source), cluster_(cluster) {
    compiled_.name = source.name;
  }

  CompiledService run() {
    if (!source_.trouble.empty()) {
      compiled_.whole = false;
      tell({add_path(source_.path), 1, 1}, "the folder cannot be read: " + source_.trouble, {});
      return std::move(compiled_);
    }
    documents_.reserve(source_.files.size());
    for (const SourceFile& file : source_.files) read_file(file);
    if (!model::is_name(source_.name)) {
      tell({add_path(source_.path), 1, 1}, "the folder's name is no name for a service",
           "use letters, digits, - and _, at most 63");
    }
    for (const std::string& path : source_.misnamed) {
      tell({add_path(path), 1, 1}, "the file is not read under this name", "name it .yaml, with the a", {},
           source_.layout == Layout::Paasta ? model::Severity::Warning : model::Severity::Error);
    }
    // What an unreadable file says is not known, and guessing it would bring up problems that are none.
    if (compiled_.whole) compile_instances();
    // Before what is told of several is told once.
    std::set<std::string_view> faulty;
    for (const Finding& finding : compiled_.findings) {
      if (finding.severity == model::Severity::Error) faulty.insert(finding.instance);
    }
    for (CompiledInstance& compiled : compiled_.instances)
      compiled.sound = !faulty.contains(compiled.instance.id.instance);
    sort_findings(compiled_.findings);
    return std::move(compiled_);
  }

 private:
  struct Declared {
    model::InstanceKind kind = model::InstanceKind::Service;
    const YamlNode* cluster = nullptr;
    const YamlNode* shared = nullptr;
  };

  void tell(Position at, std::string message, std::string hint, std::string instance = {},
            model::Severity severity = model::Severity::Error) {
    compiled_.findings.push_back({at, std::move(message), std::move(hint), std::move(instance), severity});
  }

  // The number of this file in positions.
  int add_path(const std::string& path) {
    compiled_.files.push_back(path);
    return static_cast<int>(compiled_.files.size()) - 1;
  }

  void read_file(const SourceFile& file) {
    const int number = add_path(file.path);
    if (file.role == FileRole::Custom) {
      tell({number, 1, 1}, "instances of this kind have no counterpart here and are left out", {}, {},
           model::Severity::Warning);
      return;
    }
    if (!file.trouble.empty()) {
      lose(file);
      tell({number, 1, 1}, "the file cannot be read: " + file.trouble, {});
      return;
    }
    const bool paasta = source_.layout == Layout::Paasta || file.layout == Layout::Paasta;
    YamlDocument document =
        file.role == FileRole::Deployments
            ? parse_json(file.text, number)
            : parse_yaml(file.text, number, paasta ? YamlVersion::Yaml11 : YamlVersion::Core12);
    if (paasta && document.complete && file.role != FileRole::Deployments)
      warn_of_differences(document.root, document.problems);
    const bool sound = paasta ? !has_error(document.problems) : document.complete;
    std::move(document.problems.begin(), document.problems.end(), std::back_inserter(compiled_.findings));
    if (!sound) lose(file);
    documents_.push_back(std::move(document));
    if (sound || !paasta) take_document(file, documents_.back().root);
  }

  // What this file says is not known.
  void lose(const SourceFile& file) {
    // The files of PaaSTA's instances do not depend on one another.
    if (file.layout == Layout::Paasta && holds_instances(file.role)) return;
    compiled_.whole = false;
  }

  void take_document(const SourceFile& file, const YamlNode& root) {
    if (root.kind == YamlKind::Null) return;
    if (root.kind != YamlKind::Map) {
      tell(root.at, fmt::format("the file {}", what_stands(root)),
           holds_instances(file.role) ? "it should be a map of instances" : "it should be a map of keys");
      if (source_.layout != Layout::Slipway) lose(file);
      return;
    }
    const bool paasta =
        file.layout == Layout::Paasta || (file.layout == Layout::Both && source_.layout == Layout::Paasta);
    switch (file.role) {
      case FileRole::Service:
        take_service(root);
        return;
      case FileRole::Monitoring:
        paasta_.monitoring = &root;
        general_ = wrapped("monitoring", root);
        return;
      case FileRole::Smartstack:
        paasta_.smartstack = &root;
        return;
      case FileRole::Deployments:
        paasta_.deployments = &root;
        return;
      case FileRole::Run:
        take_instances(file, model::InstanceKind::Service, root);
        return;
      case FileRole::Jobs:
        take_instances(file, model::InstanceKind::Job, root);
        return;
      case FileRole::Adhoc:
        if (!paasta) {
          take_instances(file, model::InstanceKind::Adhoc, root);
          return;
        }
        [[fallthrough]];
      case FileRole::Kubernetes:
      case FileRole::Eks:
      case FileRole::Marathon:
      case FileRole::Tron:
      case FileRole::Autotuned:
        paasta_.others.push_back({file.role, file.stem, &file.path, &root});
        return;
      case FileRole::Proxy:
        take_namespaces(root);
        return;
      case FileRole::Deploy:
      case FileRole::Dependencies:
      case FileRole::Rollback:
      case FileRole::Authorization:
      case FileRole::Custom:
      case FileRole::Unused:
        return;
    }
  }

  static YamlNode wrapped(std::string key, const YamlNode& value) {
    YamlNode map;
    map.kind = YamlKind::Map;
    map.children.push_back(value);
    map.children.back().key = std::move(key);
    return map;
  }

  void take_service(const YamlNode& root) {
    service_ = &root;
    paasta_.service = &root;
    // PaaSTA takes any key here, as a default of the instances.
    if (source_.layout == Layout::Paasta) return;
    const size_t first = compiled_.findings.size();
    check_map(root, keys_of_service(), "", "service", compiled_.findings);
    if (source_.layout == Layout::Slipway) return;
    for (size_t i = first; i < compiled_.findings.size(); ++i)
      compiled_.findings[i].severity = model::Severity::Warning;
  }

  void take_namespaces(const YamlNode& root) {
    namespaces_ = &root;
    for (const YamlNode& space : root.children) {
      if (space.kind == YamlKind::Map) {
        check_map(space, find_key(schema("instance").keys, "proxy")->keys, space.key + ".", "instance",
                  compiled_.findings);
      } else {
        tell(space.at, fmt::format("the namespace {} {}", quote_for_message(space.key), what_stands(space)),
             "it should be a map of the keys of proxy");
      }
    }
  }

  // The proxy of the namespace that the instance serves: of those that serve it, the one of its name has it,
  // and where there is none such the first.
  const YamlNode* proxy_for(std::string_view instance, const Reader& reader) {
    if (namespaces_ == nullptr) return nullptr;
    std::string name(instance);
    if (const auto registrations = reader.texts("registrations"); !registrations.empty()) {
      const std::string prefix = source_.name + ".";
      if (!registrations.front().starts_with(prefix)) return nullptr;
      name = registrations.front().substr(prefix.size());
    }
    const YamlNode* space = namespaces_->find(name);
    const bool free = name == instance || (!instances_.contains(name) && served_.insert(name).second);
    if (space == nullptr || space->kind != YamlKind::Map || !free) return nullptr;
    return &proxies_.emplace_back(wrapped("proxy", *space));
  }

  void take_instances(const SourceFile& file, model::InstanceKind kind, const YamlNode& root) {
    const bool job = kind == model::InstanceKind::Job;
    for (const YamlNode& child : root.children) {
      if (child.key.starts_with('_')) continue;
      if (!model::is_name(child.key)) {
        tell(child.key_at, fmt::format("{} is no name for an instance", quote_for_message(child.key)),
             "use letters, digits, - and _, at most 63");
        continue;
      }
      if (child.kind != YamlKind::Map) {
        const std::string hint =
            child.kind == YamlKind::Null
                ? fmt::format("write \"{}: {{}}\" for an instance of nothing but defaults", child.key)
                : "it should be a map of keys; see \"slipway config docs instance\"";
        tell(child.at, fmt::format("the instance {} {}", child.key, what_stands(child)), hint, child.key);
        continue;
      }
      const auto [found, added] = instances_.emplace(child.key, Declared{kind, nullptr, nullptr});
      if (!added && found->second.kind != kind) {
        tell(child.key_at, fmt::format("{} is also the name of another kind of instance", child.key),
             "each name is for one instance of the service", child.key);
        continue;
      }
      (file.of_cluster ? found->second.cluster : found->second.shared) = &child;
      const size_t first = compiled_.findings.size();
      check_map(child, job ? keys_of_jobs() : schema("instance").keys, "", job ? "job" : "instance",
                compiled_.findings);
      for (size_t i = first; i < compiled_.findings.size(); ++i) compiled_.findings[i].instance = child.key;
    }
  }

  void compile_instances() {
    for (const auto& [name, declared] : instances_) {
      std::vector<const YamlNode*> maps;
      for (const YamlNode* map : {declared.cluster, declared.shared, service_}) {
        if (map != nullptr) maps.push_back(map);
      }
      if (general_.kind == YamlKind::Map) maps.push_back(&general_);
      const YamlNode& first = declared.shared != nullptr ? *declared.shared : *declared.cluster;
      const bool job = declared.kind == model::InstanceKind::Job;
      if (declared.kind == model::InstanceKind::Service) {
        const YamlNode* proxy = proxy_for(name, Reader(maps, schema("instance").keys));
        if (proxy != nullptr) maps.push_back(proxy);
      }
      compile_instance(Reader(std::move(maps), job ? keys_of_jobs() : schema("instance").keys), declared.kind,
                       {{source_.name, std::string(name)}, cluster_, source_.folder, first.key_at});
    }
    if (paasta_.others.empty() && paasta_.deployments == nullptr) return;
    std::set<std::string> taken;
    for (const auto& [name, declared] : instances_) taken.emplace(name);
    compile_paasta(paasta_, cluster_, taken, compiled_);
    std::ranges::sort(compiled_.instances, {}, [](const CompiledInstance& one) { return one.instance.id; });
  }

  void compile_instance(const Reader& reader, model::InstanceKind kind, const InstanceContext& context) {
    CompiledInstance compiled;
    compiled.instance = read_instance(reader, context);
    compiled.instance.kind = kind;
    compiled.instance.origin = {compiled_.files[context.at.file], context.at.line, context.at.column};
    compiled.build_at = reader.at("build", context.at);
    const size_t first = compiled_.findings.size();
    check_instance(reader, context, compiled.instance, compiled_.findings);
    for (size_t i = first; i < compiled_.findings.size(); ++i) {
      compiled_.findings[i].instance = context.id.instance;
    }
    compiled.claims = claims_of(reader);
    compiled_.instances.push_back(std::move(compiled));
  }

  static std::vector<Claim> claims_of(const Reader& reader) {
    std::vector<Claim> claims;
    const auto add = [&](ClaimKind kind, const YamlNode& node) {
      if (node.kind == YamlKind::Scalar) claims.push_back({kind, node.text, node.at});
    };
    const Reader proxy = reader.map("proxy");
    if (proxy.set("port")) add(ClaimKind::ProxyPort, *proxy.find("port"));
    if (proxy.set("domains")) {
      for (const YamlNode& domain : proxy.find("domains")->children) add(ClaimKind::Domain, domain);
    }
    if (reader.set("registrations")) {
      for (const YamlNode& name : reader.find("registrations")->children) add(ClaimKind::Registration, name);
    }
    return claims;
  }

  const ServiceSource& source_;
  const std::string& cluster_;
  CompiledService compiled_;
  std::vector<YamlDocument> documents_;  // never grows beyond what was reserved: pointers go into it
  const YamlNode* service_ = nullptr;
  YamlNode general_;                      // monitoring.yaml as the default of a key
  const YamlNode* namespaces_ = nullptr;  // of proxy.yaml
  std::deque<YamlNode> proxies_;          // as the layers of instances; stays where it is as it grows
  std::set<std::string> served_;
  std::map<std::string_view, Declared> instances_;
  PaastaFiles paasta_;
};

}  // namespace

bool has_error_of(const std::vector<Finding>& findings, std::string_view instance) {
  return std::ranges::any_of(findings, [&](const Finding& finding) {
    return finding.severity == model::Severity::Error && finding.instance == instance;
  });
}

void sort_findings(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.at, a.message) < std::tie(b.at, b.message);
  });
  const auto same = [](const Finding& a, const Finding& b) { return a.at == b.at && a.message == b.message; };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  if (findings.size() <= kMaxFindings) return;
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  const size_t more = findings.size() - kMaxFindings;
  const Finding& first_left_out = findings[kMaxFindings];
  Finding rest{first_left_out.at,
               fmt::format("{} more problems from here on", more),
               "they show when those before are mended",
               {},
               first_left_out.severity};
  findings.resize(kMaxFindings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.at < b.at; });
  findings.push_back(std::move(rest));
}

void give_up_proxy(CompiledInstance& compiled) {
  model::Instance& instance = compiled.instance;
  instance.proxy.reset();
  if (instance.drain.method == model::DrainMethod::Proxy) instance.drain.method = model::DrainMethod::Noop;
  std::erase_if(compiled.claims, [](const Claim& claim) { return claim.kind != ClaimKind::Registration; });
}

CompiledService compile_service(const ServiceSource& source, const std::string& cluster) {
  return Compilation(source, cluster).run();
}

}  // namespace slipway::config
