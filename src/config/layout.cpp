#include "config/layout.h"

#include <algorithm>
#include <array>

namespace slipway::config {

namespace {

enum class Clusters { Shared, One, Either };  // "run.yaml", "kubernetes-<cluster>.yaml", both

struct Name {
  std::string_view stem;
  FileRole role;
  Layout layout;
  Clusters clusters;
};

// A stem stands twice where its forms belong to different layouts.
constexpr std::array kNames = std::to_array<Name>({
    {"service", FileRole::Service, Layout::Both, Clusters::Shared},
    {"monitoring", FileRole::Monitoring, Layout::Both, Clusters::Shared},
    {"deploy", FileRole::Deploy, Layout::Both, Clusters::Shared},
    {"run", FileRole::Run, Layout::Slipway, Clusters::Either},
    {"jobs", FileRole::Jobs, Layout::Slipway, Clusters::Either},
    {"adhoc", FileRole::Adhoc, Layout::Slipway, Clusters::Shared},
    {"adhoc", FileRole::Adhoc, Layout::Both, Clusters::One},
    {"proxy", FileRole::Proxy, Layout::Slipway, Clusters::Shared},
    {"kubernetes", FileRole::Kubernetes, Layout::Paasta, Clusters::One},
    {"eks", FileRole::Eks, Layout::Paasta, Clusters::One},
    {"marathon", FileRole::Marathon, Layout::Paasta, Clusters::One},
    {"tron", FileRole::Tron, Layout::Paasta, Clusters::One},
    {"smartstack", FileRole::Smartstack, Layout::Paasta, Clusters::Shared},
    {"dependencies", FileRole::Dependencies, Layout::Paasta, Clusters::Shared},
    {"rollback", FileRole::Rollback, Layout::Paasta, Clusters::One},
    {"authorization", FileRole::Authorization, Layout::Paasta, Clusters::Shared},
    {"autotuned_defaults/kubernetes", FileRole::Autotuned, Layout::Paasta, Clusters::One},
    {"autotuned_defaults/eks", FileRole::Autotuned, Layout::Paasta, Clusters::One},
    {"autotuned_defaults/marathon", FileRole::Autotuned, Layout::Paasta, Clusters::One},
    {"autotuned_defaults/cassandracluster", FileRole::Unused, Layout::Paasta, Clusters::One},
    {"data", FileRole::Unused, Layout::Paasta, Clusters::Shared},
    {"paasta_native", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"flink", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"flinkeks", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"cassandracluster", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"cassandraclustereks", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"kafkacluster", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"monkrelays", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"nrtsearchservice", FileRole::Custom, Layout::Paasta, Clusters::One},
    {"nrtsearchserviceeks", FileRole::Custom, Layout::Paasta, Clusters::One},
});

constexpr std::string_view kExtension = ".yaml";
constexpr std::string_view kDeployments = "deployments.json";

}  // namespace

std::optional<KnownFile> known_file(std::string_view name) {
  if (name == kDeployments) return KnownFile{FileRole::Deployments, Layout::Both, {}, name};
  if (!name.ends_with(kExtension)) return std::nullopt;
  name.remove_suffix(kExtension.size());
  // No stem contains a dash; a cluster's name may.
  const size_t dash = name.find('-');
  const bool clustered = dash != std::string_view::npos;
  const std::string_view stem = name.substr(0, dash);
  const std::string_view cluster = clustered ? name.substr(dash + 1) : std::string_view();
  if (clustered && cluster.empty()) return std::nullopt;
  const auto fits = [&](const Name& known) {
    return known.stem == stem && known.clusters != (clustered ? Clusters::Shared : Clusters::One);
  };
  const auto* found = std::find_if(kNames.begin(), kNames.end(), fits);
  if (found == kNames.end()) return std::nullopt;
  return KnownFile{found->role, found->layout, cluster, stem};
}

bool holds_instances(FileRole role) {
  switch (role) {
    case FileRole::Run:
    case FileRole::Jobs:
    case FileRole::Adhoc:
    case FileRole::Kubernetes:
    case FileRole::Eks:
    case FileRole::Marathon:
    case FileRole::Tron:
      return true;
    case FileRole::Service:
    case FileRole::Monitoring:
    case FileRole::Deploy:
    case FileRole::Proxy:
    case FileRole::Smartstack:
    case FileRole::Dependencies:
    case FileRole::Rollback:
    case FileRole::Authorization:
    case FileRole::Autotuned:
    case FileRole::Deployments:
    case FileRole::Custom:
    case FileRole::Unused:
      return false;
  }
  return false;
}

}  // namespace slipway::config
