// The whole tree: each service compiled by itself, then what only the disk and the other services can tell.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/claims.h"
#include "config/config.h"
#include "config/paasta_instance.h"
#include "config/problems.h"
#include "config/service_compiler.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

// The content of each folder that images are built from; many instances share one.
class BuildFolders {
 public:
  // Fills in what the instance's image is made of, or says what is wrong with it.
  void resolve(CompiledInstance& compiled, std::vector<Finding>& findings) {
    model::Image& image = compiled.instance.spec.image;
    if (image.kind != model::ImageKind::Build) return;
    auto found = hashes_.find(image.name);
    if (found == hashes_.end()) found = hashes_.emplace(image.name, look(image.name)).first;
    if (found->second.has_value()) {
      image.digest = *found->second;
      return;
    }
    findings.push_back({compiled.build_at, found->second.error().text(),
                        "build names a folder with a Dockerfile", compiled.instance.id.instance});
  }

 private:
  static Result<std::string> look(const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", folder));
    }
    if (!fs::is_regular_file(fs::path(folder) / "Dockerfile", error)) {
      return Error(ErrorCode::NotFound, fmt::format("there is no Dockerfile in {}", folder));
    }
    return io::hash_tree(folder);
  }

  std::map<std::string, Result<std::string>> hashes_;
};

// Files that would be read one level down.
void check_root(const fs::path& tree, std::vector<model::Problem>& problems) {
  const auto names = io::list_directory(tree);
  if (!names.has_value()) return;
  for (const std::string& name : *names) {
    if (name != "service.yaml" && name != "run.yaml" && cluster_of_file(name).empty()) continue;
    problems.push_back({{(tree / name).string(), 1, 1},
                        {},
                        {},
                        "the file belongs to no service",
                        "put it into a folder that is named after the service"});
  }
}

// The version of another service, where an instance runs that one's code.
void borrow_versions(std::vector<CompiledService>& services, const std::string& cluster) {
  for (CompiledService& service : services) {
    for (CompiledInstance& compiled : service.instances) {
      if (compiled.version_of.empty()) continue;
      const auto owner = std::ranges::lower_bound(services, compiled.version_of, {}, &CompiledService::name);
      if (owner == services.end() || owner->name != compiled.version_of) continue;
      const auto found = owner->versions.find(compiled.instance.deploy_group);
      if (found == owner->versions.end()) continue;
      compiled.instance.undeployed.clear();
      set_version(compiled.instance, &found->second, {});
      trim_shown(compiled.instance, cluster);
    }
  }
}

// Those of a broken service that have no error themselves.
void put_aside(CompiledService& service, model::Desired& desired) {
  if (!service.whole) return;
  for (CompiledInstance& compiled : service.instances) {
    const bool sound = compiled.sound && !has_error_of(service.findings, compiled.instance.id.instance);
    if (sound) desired.aside.push_back(std::move(compiled.instance));
  }
}

void collect(CompiledService& service, model::Desired& desired) {
  for (const Finding& finding : service.findings) {
    desired.problems.push_back(problem_of(finding, service.files, service.name));
  }
  if (has_error(service.findings)) {
    desired.broken.push_back(service.name);
    put_aside(service, desired);
    return;
  }
  for (CompiledInstance& compiled : service.instances)
    desired.instances.push_back(std::move(compiled.instance));
}

}  // namespace

Result<model::Desired> compile(const fs::path& tree, const std::string& cluster, const Holders& holders) {
  std::vector<CompiledService> services;
  BuildFolders builds;
  for (const ServiceFolder& folder : TRY(list_services(tree))) {
    services.push_back(compile_service(read_service(folder, cluster), cluster));
    std::vector<Finding>& findings = services.back().findings;
    const size_t before = findings.size();
    for (CompiledInstance& compiled : services.back().instances) builds.resolve(compiled, findings);
    if (findings.size() != before) sort_findings(findings);
  }
  borrow_versions(services, cluster);
  settle_claims(services, holders);

  model::Desired desired;
  check_root(tree, desired.problems);
  for (CompiledService& service : services) collect(service, desired);
  return desired;
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
