#include "config/validate.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/config.h"
#include "config/json_tree.h"
#include "config/paasta_keys.h"
#include "config/problems.h"
#include "config/service_source.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kCompiler = "configuration";
constexpr std::string_view kSyntax = "syntax";
constexpr std::string_view kSecrets = "secrets";

// The files of the whole tree, parsed. Positions count them all.
class Loader {
 public:
  Loader(const fs::path& tree, const std::vector<std::string>& clusters) : tree_(tree), clusters_(clusters) {}

  Result<CheckedTree> load() {
    CheckedTree all;
    for (const ServiceFolder& folder : TRY(list_services(tree_)))
      all.services.push_back(load_service(folder));
    for (SecretFile& secret : load_secrets(tree_ / "_shared"))
      all.shared_secrets.insert(std::move(secret.name));
    return all;
  }

  const std::vector<std::string>& paths() const { return paths_; }
  Findings& syntax() { return syntax_; }

 private:
  int add_path(const fs::path& path) {
    paths_.push_back(path.string());
    return static_cast<int>(paths_.size()) - 1;
  }

  bool is_read(const KnownFile& known) const {
    const bool here = known.cluster.empty() || std::ranges::find(clusters_, known.cluster) != clusters_.end();
    return here && known.role != FileRole::Deployments && known.role != FileRole::Custom &&
           known.role != FileRole::Unused;
  }

  CheckedService load_service(const ServiceFolder& folder) {
    CheckedService service;
    service.name = folder.name;
    service.layout = folder.layout;
    for (const std::string& name : folder.files) {
      const auto known = known_file(name);
      if (known && is_read(*known)) load_file(folder, name, *known, service);
    }
    service.secrets = load_secrets(folder.path);
    if (const auto names = io::list_directory(folder.path)) {
      for (const std::string& name : *names) {
        for (const std::string_view stem : {"kubernetes-", "eks-"}) {
          if (name.starts_with(stem) && name.ends_with(".in"))
            service.ignored_checks.insert(name.substr(stem.size(), name.size() - stem.size() - 3));
        }
      }
    }
    return service;
  }

  void load_file(const ServiceFolder& folder, const std::string& name, const KnownFile& known,
                 CheckedService& service) {
    CheckedFile file;
    file.role = known.role;
    file.paasta = known.layout == Layout::Paasta || folder.layout == Layout::Paasta;
    file.name = name;
    file.cluster = known.cluster;
    file.number = add_path(folder.path / name);
    auto text = read_yaml_file(folder.path / name);
    if (!text.has_value()) {
      tolerate(syntax_, {file.number, 1, 1}, "the file cannot be read: " + text.error().message());
      return;
    }
    file.text = std::move(*text);
    YamlDocument document =
        parse_yaml(file.text, file.number, file.paasta ? YamlVersion::Yaml11 : YamlVersion::Core12);
    take_problems(document);
    if (file.paasta) warn_of_differences(document.root, syntax_);
    file.root = std::move(document.root);
    service.files.push_back(std::move(file));
  }

  void take_problems(YamlDocument& document) {
    for (Finding& finding : document.problems) {
      // The compiler knows better which of these leave open what is wanted.
      if (finding.severity == model::Severity::Error) finding.severity = model::Severity::Tolerated;
      syntax_.push_back(std::move(finding));
    }
  }

  std::vector<SecretFile> load_secrets(const fs::path& folder) {
    std::vector<SecretFile> secrets;
    const auto names = io::list_directory(folder / "secrets");
    if (!names.has_value()) return secrets;
    constexpr std::string_view kEnding = ".json";
    for (const std::string& name : *names) {
      if (!name.ends_with(kEnding)) continue;
      SecretFile secret{name.substr(0, name.size() - kEnding.size()), false};
      const int number = add_path(folder / "secrets" / name);
      const auto text = read_yaml_file(folder / "secrets" / name);
      if (!text.has_value()) {
        tolerate(syntax_, {number, 1, 1}, "the file cannot be read: " + text.error().message());
      } else {
        YamlDocument document = parse_json(*text, number);
        secret.encrypted = document.complete && holds_ciphertext(document.root, number);
        take_problems(document);
      }
      secrets.push_back(std::move(secret));
    }
    return secrets;
  }

  bool holds_ciphertext(const YamlNode& root, int number) {
    const YamlNode* environments = root.find("environments");
    if (environments == nullptr || environments->kind != YamlKind::Map) {
      tolerate(syntax_, {number, 1, 1}, "the secret has no environments",
               "it should be {\"environments\": {NAME: {\"ciphertext\": ...}}}");
      return true;  // told once is enough
    }
    return std::ranges::any_of(environments->children, [](const YamlNode& environment) {
      return !text_below(environment, "ciphertext").empty();
    });
  }

  const fs::path& tree_;
  const std::vector<std::string>& clusters_;
  std::vector<std::string> paths_;
  Findings syntax_;
};

class TreeValidation {
 public:
  TreeValidation(const fs::path& tree, const std::vector<std::string>& clusters)
      : tree_(tree), clusters_(clusters), loader_(tree, clusters) {}

  Result<Validation> run() {
    for (const std::string& cluster : clusters_) {
      model::Desired desired = TRY(compile(tree_, cluster));
      found_.services = found_.services || !desired.instances.empty() || !desired.broken.empty();
      for (model::Problem& problem : desired.problems) add(kCompiler, std::move(problem));
    }
    const CheckedTree all = TRY(loader_.load());
    take(kSyntax, {}, loader_.syntax());
    for (const CheckedService& service : all.services) check(all, service);
    std::ranges::stable_sort(found_.violations, {}, [](const Violation& one) {
      const model::Origin& at = one.problem.origin;
      return std::tie(at.file, at.line, at.column);
    });
    return std::move(found_);
  }

 private:
  void check(const CheckedTree& all, const CheckedService& service) {
    const auto run = [&](std::string_view rule, const auto& one) {
      Findings findings;
      one(findings);
      take(rule, service.name, findings);
    };
    run("deploy", [&](Findings& out) { check_deploy(service, out); });
    run("monitoring", [&](Findings& out) { check_monitoring(service, out); });
    run("values", [&](Findings& out) { check_paasta_values(service, out); });
    run("jobs", [&](Findings& out) { check_jobs(service, out); });
    run(kSecrets, [&](Findings& out) { check_secrets(all, service, out); });
    run("autoscaling", [&](Findings& out) { check_autoscaling(service, out); });
    run("instances", [&](Findings& out) { check_instances(service, out); });
    run("namespaces", [&](Findings& out) { check_namespaces(all, service, out); });
    run("rollback", [&](Findings& out) { check_rollback(service, out); });
  }

  void take(std::string_view rule, const std::string& service, const Findings& findings) {
    for (const Finding& finding : findings) add(rule, problem_of(finding, loader_.paths(), service));
  }

  // A file that several clusters share has its problems once, and so has what two checks see: the graver
  // stays.
  void add(std::string_view rule, model::Problem problem) {
    const auto [known, added] =
        known_.emplace(std::pair(problem.origin.text(), problem.message), found_.violations.size());
    if (added) {
      found_.violations.push_back({rule, std::move(problem)});
      return;
    }
    model::Problem& first = found_.violations[known->second].problem;
    if (problem.severity < first.severity) first = std::move(problem);
  }

  const fs::path& tree_;
  const std::vector<std::string>& clusters_;
  Loader loader_;
  Validation found_;
  std::map<std::pair<std::string, std::string>, size_t> known_;  // place and message
};

}  // namespace

const std::vector<ValidationRule>& validation_rules() {
  static const std::vector<ValidationRule> rules = {
      {kCompiler, "The files of a service say what should run."},
      {kSyntax, "Every file is text of its format."},
      {"deploy", "The pipeline deploys what the instances want, and nothing else."},
      {"monitoring", "Alerts have somewhere to go."},
      {"values", "Values are of their type and within their range."},
      {"jobs", "Jobs have schedules and actions that can run in some order."},
      {kSecrets, "Every secret that is named is there."},
      {"autoscaling", "The autoscaler gets what it can work with."},
      {"instances", "Instances have names of their own and values that are meant."},
      {"namespaces", "Namespaces can be reached, and found where they are looked for."},
      {"rollback", "Conditions of a rollback have bounds."},
  };
  return rules;
}

Result<Validation> validate(const fs::path& tree, const std::vector<std::string>& clusters) {
  return TreeValidation(tree, clusters).run();
}

}  // namespace slipway::config
