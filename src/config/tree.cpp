// The whole tree: each service compiled by itself, then what only the disk and the other services can tell.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/service_compiler.h"
#include "config/yaml.h"
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

// Who has what only one may have. Services are asked in the order of their names, and of two that want the
// same the first keeps it; a registration belongs to its namesake before all others.
class Claims {
 public:
  void take_namesakes(const CompiledService& service) {
    const std::string prefix = service.name + ".";
    for (const CompiledInstance& compiled : service.instances) {
      for (const Claim& claim : compiled.claims) {
        if (claim.kind == ClaimKind::Registration && claim.name.starts_with(prefix))
          take(service, compiled, claim);
      }
    }
  }

  void take_all(CompiledService& service) {
    const size_t before = service.findings.size();
    for (const CompiledInstance& compiled : service.instances) {
      for (const Claim& claim : compiled.claims) {
        const Owner& owner = take(service, compiled, claim);
        const bool own = owner.service == &service && owner.compiled == &compiled && owner.at == claim.at;
        const bool shared = claim.kind == ClaimKind::Registration && owner.service == &service;
        if (!own && !shared) service.findings.push_back(clash(service, compiled, claim, owner));
      }
    }
    if (service.findings.size() != before) sort_findings(service.findings);
  }

 private:
  struct Owner {
    const CompiledService* service;
    const CompiledInstance* compiled;
    Position at;
  };

  const Owner& take(const CompiledService& service, const CompiledInstance& compiled, const Claim& claim) {
    std::string name = claim.name;
    if (claim.kind == ClaimKind::Domain) std::transform(name.begin(), name.end(), name.begin(), ascii_lower);
    return owners_.emplace(std::pair(claim.kind, std::move(name)), Owner{&service, &compiled, claim.at})
        .first->second;
  }

  static char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

  static std::string_view noun(ClaimKind kind) {
    switch (kind) {
      case ClaimKind::ProxyPort:
        return "proxy port";
      case ClaimKind::Domain:
        return "domain";
      case ClaimKind::Registration:
        return "registration";
    }
    UNREACHABLE();
  }

  static Finding clash(const CompiledService& service, const CompiledInstance& compiled, const Claim& claim,
                       const Owner& owner) {
    const std::string what = fmt::format("the {} {}", noun(claim.kind), quote_for_message(claim.name));
    const std::string where = origin_of(owner.at, owner.service->files).text();
    const std::string whose =
        owner.service == &service && owner.compiled == &compiled
            ? fmt::format("{} is here twice: {}", what, where)
            : fmt::format("{} belongs to {}: {}", what, owner.compiled->instance.id.text(), where);
    return {claim.at, whose, "only one may have it", compiled.instance.id.instance};
  }

  std::map<std::pair<ClaimKind, std::string>, Owner> owners_;
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

void collect(CompiledService& service, model::Desired& desired) {
  for (const Finding& finding : service.findings) {
    desired.problems.push_back(problem_of(finding, service.files, service.name));
  }
  if (!service.findings.empty()) {
    desired.broken.push_back(service.name);
    return;
  }
  for (CompiledInstance& compiled : service.instances)
    desired.instances.push_back(std::move(compiled.instance));
}

}  // namespace

Result<model::Desired> compile(const fs::path& tree, const std::string& cluster) {
  std::vector<CompiledService> services;
  BuildFolders builds;
  for (const ServiceFolder& folder : TRY(list_services(tree))) {
    services.push_back(compile_service(read_service(folder, cluster), cluster));
    std::vector<Finding>& findings = services.back().findings;
    const size_t before = findings.size();
    for (CompiledInstance& compiled : services.back().instances) builds.resolve(compiled, findings);
    if (findings.size() != before) sort_findings(findings);
  }
  Claims claims;
  for (const CompiledService& service : services) claims.take_namesakes(service);
  for (CompiledService& service : services) claims.take_all(service);

  model::Desired desired;
  check_root(tree, desired.problems);
  for (CompiledService& service : services) collect(service, desired);
  return desired;
}

std::vector<std::string> clusters_of(const fs::path& tree, const std::string& fallback) {
  std::set<std::string> clusters;
  const auto services = list_services(tree);
  if (services.has_value()) {
    for (const ServiceFolder& folder : *services) {
      for (const std::string& name : folder.files) {
        if (!cluster_of_file(name).empty()) clusters.emplace(cluster_of_file(name));
      }
    }
  }
  if (clusters.empty()) return {fallback};
  return {clusters.begin(), clusters.end()};
}

}  // namespace slipway::config
