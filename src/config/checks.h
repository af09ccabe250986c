// What `validate` looks at beyond the compilation: every file of a service, of every cluster, and what the
// files say of one another. Each check is a pure function of the parsed documents and adds what it finds.
//
// None of it breaks a service: what cannot be compiled is told by the compiler. A finding here is Tolerated
// (validate refuses it) or a Warning.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/layout.h"
#include "config/yaml.h"

namespace slipway::config {

struct CheckedFile {
  FileRole role = FileRole::Unused;
  bool paasta = false;  // read by the rules of PaaSTA
  std::string name;     // below the service's folder: "kubernetes-prod.yaml"
  std::string cluster;  // empty: of every cluster
  std::string text;
  YamlNode root;   // Null where it could not be read
  int number = 0;  // in positions
};

// A file of `secrets/`, parsed.
struct SecretFile {
  std::string name;        // without its ending
  bool encrypted = false;  // it holds something for at least one environment
};

struct CheckedService {
  std::string name;
  Layout layout = Layout::Slipway;
  std::vector<CheckedFile> files;
  std::vector<SecretFile> secrets;
  std::set<std::string>
      ignored_checks;  // clusters with a template `kubernetes-<cluster>.in`, which is made anew

  const CheckedFile* find(FileRole role) const;  // the first; null when there is none
};

// What one service may say of others: their names, and who has which namespaces and ports.
struct CheckedTree {
  std::vector<CheckedService> services;  // sorted by name
  std::set<std::string> shared_secrets;  // of `_shared/secrets`

  const CheckedService* find(std::string_view name) const;
};

using Findings = std::vector<Finding>;

// deploy.yaml against its schema; groups that nothing is deployed to, and instances of groups that no step
// deploys.
void check_deploy(const CheckedService& service, Findings& findings);
// monitoring.yaml against its schema, and that it is there where PaaSTA wants it.
void check_monitoring(const CheckedService& service, Findings& findings);
// Types and ranges of the values in PaaSTA's files.
void check_paasta_values(const CheckedService& service, Findings& findings);
// Jobs: schedules, actions that require one another, deploy groups, what an executor allows.
void check_jobs(const CheckedService& service, Findings& findings);
// Secrets that env names: SECRET(name) and SHARED_SECRET(name).
void check_secrets(const CheckedTree& tree, const CheckedService& service, Findings& findings);
// The autoscaler's providers, and the limits of instances.
void check_autoscaling(const CheckedService& service, Findings& findings);
// Names that are too long, registrations, bursts, dependencies.
void check_instances(const CheckedService& service, Findings& findings);
// smartstack.yaml and proxy.yaml: ports, names, where they are seen, what they go through.
void check_namespaces(const CheckedTree& tree, const CheckedService& service, Findings& findings);
// rollback-<cluster>.yaml.
void check_rollback(const CheckedService& service, Findings& findings);

// ---- shared by the checks

// The whole file against a schema, read by its own YAML.
void check_document(const CheckedFile& file, std::string_view section, Findings& findings);

inline void tolerate(Findings& findings, Position at, std::string message, std::string hint = {},
                     std::string instance = {}) {
  findings.push_back(
      {at, std::move(message), std::move(hint), std::move(instance), model::Severity::Tolerated});
}
inline void warn(Findings& findings, Position at, std::string message, std::string hint = {},
                 std::string instance = {}) {
  findings.push_back(
      {at, std::move(message), std::move(hint), std::move(instance), model::Severity::Warning});
}

// The instances of a file, templates left out.
std::vector<const YamlNode*> instances_of(const CheckedFile& file);
// The text of a scalar below a map; empty where there is none.
std::string_view text_below(const YamlNode& map, std::string_view key);
// The number below a map, as its file's YAML has it; nullopt where there is none.
std::optional<double> number_below(const YamlNode& map, std::string_view key, bool paasta);

}  // namespace slipway::config
