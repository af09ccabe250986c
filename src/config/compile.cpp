// The whole tree, once.
#include <set>

#include "config/config.h"
#include "config/tree.h"
#include "io/parallel.h"

namespace fs = std::filesystem;

namespace slipway::config {

Result<model::Desired> compile(const fs::path& tree, const std::string& cluster, const Holders& holders) {
  Tree compiler({.folder = tree, .cluster = cluster, .holders = holders, .threads = io::usable_cores()});
  TRY(compiler.look_at_all());
  return compiler.desired();
}

std::vector<std::string> clusters_of(const fs::path& tree) {
  std::set<std::string> clusters;
  const auto services = list_services(tree);
  if (services.has_value()) {
    for (const ServiceFolder& folder : *services) {
      for (const std::string& name : folder.files) {
        if (!cluster_of_file(name).empty()) clusters.emplace(cluster_of_file(name));
      }
    }
  }
  return {clusters.begin(), clusters.end()};
}

}  // namespace slipway::config
