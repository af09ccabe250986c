// Which files of a service's folder mean what: those of our layout, and those of PaaSTA's.
#pragma once

#include <optional>
#include <string_view>

namespace slipway::config {

enum class FileRole {
  Service,     // service.yaml: of the service, and defaults of its instances
  Monitoring,  // monitoring.yaml: where alerts go
  Deploy,      // deploy.yaml: the pipeline
  Run,         // run[-<cluster>].yaml: instances that are kept running
  Jobs,        // jobs[-<cluster>].yaml: work that ends, perhaps on a schedule
  Adhoc,       // adhoc[-<cluster>].yaml: run by hand
  Proxy,       // proxy.yaml: how namespaces are reached
  Kubernetes,
  Eks,
  Marathon,
  Tron,
  Smartstack,
  Dependencies,
  Rollback,
  Authorization,
  Autotuned,    // autotuned_defaults/<kubernetes|eks|marathon>-<cluster>.yaml: measured, below what people
                // wrote
  Deployments,  // deployments.json: which version each deploy group has
  Custom,       // instances of kinds that have no counterpart here
  Unused,       // known, and without a meaning here
};

enum class Layout { Slipway, Paasta, Both };

struct KnownFile {
  FileRole role = FileRole::Unused;
  Layout layout = Layout::Both;   // whose name it is
  std::string_view cluster = {};  // that it is for; empty: every cluster
  std::string_view stem = {};     // "kubernetes", "autotuned_defaults/eks"
};

// What the file of this name, relative to the service's folder, means; nullopt: nothing.
std::optional<KnownFile> known_file(std::string_view name);

// Whether instances are declared in it.
bool holds_instances(FileRole role);

}  // namespace slipway::config
