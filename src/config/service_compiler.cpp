#include "config/service_compiler.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "config/instance_compiler.h"
#include "config/schema_check.h"

namespace slipway::config {

namespace {

// The part of a service's compilation that lives while it lasts.
class Compilation {
 public:
  Compilation(const ServiceSource& source, const std::string& cluster) : source_(source), cluster_(cluster) {
    compiled_.name = source.name;
  }

  CompiledService run() {
    if (!source_.trouble.empty()) {
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
      tell({add_path(path), 1, 1}, "the file is not read under this name", "name it .yaml, with the a");
    }
    // What an unreadable file says is not known, and guessing it would bring up problems that are none.
    if (complete_) compile_instances();
    sort_findings(compiled_.findings);
    return std::move(compiled_);
  }

 private:
  struct Layers {
    const YamlNode* cluster = nullptr;
    const YamlNode* run = nullptr;
  };

  void tell(Position at, std::string message, std::string hint, std::string instance = {}) {
    compiled_.findings.push_back({at, std::move(message), std::move(hint), std::move(instance)});
  }

  // The number of this file in positions.
  int add_path(const std::string& path) {
    compiled_.files.push_back(path);
    return static_cast<int>(compiled_.files.size()) - 1;
  }

  void read_file(const SourceFile& file) {
    const int number = add_path(file.path);
    if (!file.trouble.empty()) {
      complete_ = false;
      tell({number, 1, 1}, "the file cannot be read: " + file.trouble, {});
      return;
    }
    YamlDocument document = parse_yaml(file.text, number);
    std::move(document.problems.begin(), document.problems.end(), std::back_inserter(compiled_.findings));
    complete_ = complete_ && document.complete;
    documents_.push_back(std::move(document));
    take_document(file.role, documents_.back());
  }

  void take_document(FileRole role, const YamlDocument& document) {
    const YamlNode& root = document.root;
    if (root.kind == YamlKind::Null) return;
    if (root.kind != YamlKind::Map) {
      tell(root.at, fmt::format("the file {}", what_stands(root)),
           role == FileRole::Service ? "it should be a map of keys" : "it should be a map of instances");
      return;
    }
    switch (role) {
      case FileRole::Service:
        take_service(root);
        return;
      case FileRole::Run:
      case FileRole::ClusterRun:
        take_instances(role, root);
        return;
    }
  }

  void take_service(const YamlNode& root) {
    static const std::vector<SchemaKey> keys = [] {
      std::vector<SchemaKey> all = schema("service").keys;
      const std::vector<SchemaKey>& instance = schema("instance").keys;
      all.insert(all.end(), instance.begin(), instance.end());
      return all;
    }();
    check_map(root, keys, "", "service", compiled_.findings);
    service_ = &root;
  }

  void take_instances(FileRole role, const YamlNode& root) {
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
      (role == FileRole::Run ? instances_[child.key].run : instances_[child.key].cluster) = &child;
      const size_t first = compiled_.findings.size();
      check_map(child, schema("instance").keys, "", "instance", compiled_.findings);
      for (size_t i = first; i < compiled_.findings.size(); ++i) compiled_.findings[i].instance = child.key;
    }
  }

  void compile_instances() {
    for (const auto& [name, layers] : instances_) {
      std::vector<const YamlNode*> maps;
      for (const YamlNode* map : {layers.cluster, layers.run, service_}) {
        if (map != nullptr) maps.push_back(map);
      }
      const YamlNode& declared = layers.run != nullptr ? *layers.run : *layers.cluster;
      compile_instance(Reader(std::move(maps), schema("instance").keys),
                       {{source_.name, std::string(name)}, cluster_, source_.folder, declared.key_at});
    }
  }

  void compile_instance(const Reader& reader, const InstanceContext& context) {
    CompiledInstance compiled;
    compiled.instance = read_instance(reader, context);
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
  std::map<std::string_view, Layers> instances_;
  bool complete_ = true;
};

}  // namespace

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

CompiledService compile_service(const ServiceSource& source, const std::string& cluster) {
  return Compilation(source, cluster).run();
}

}  // namespace slipway::config
