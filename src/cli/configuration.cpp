#include "cli/configuration.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/source.h"

namespace slipway::cli {

Result<config::LoadedCluster> load_cluster(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return config::load_cluster_file(path);
  return config::load_cluster_directory(path);
}

Result<LoadedFiles> load_files(const std::filesystem::path& path, const Clock& clock) {
  LoadedFiles files{TRY(load_cluster(path)), {}};
  files.copy = TRY_CONTEXT(config::fetch_tree(files.cluster, clock), "fetch the configuration");
  return files;
}

Result<Tree> load_tree(const std::filesystem::path& path, const Clock& clock) {
  LoadedFiles loaded = TRY(load_files(path, clock));
  Tree tree;
  tree.cluster_problems = std::move(loaded.problems);
  tree.desired = TRY(config::compile(loaded.cluster.config, loaded.cluster.cluster));
  tree.cluster = std::move(loaded.cluster);
  tree.copy = std::move(loaded.copy);
  return tree;
}

std::string unknown_cluster(const std::string& cluster, const std::vector<std::string>& known) {
  if (known.empty() || std::ranges::find(known, cluster) != known.end()) return "";
  const auto near = did_you_mean(cluster, known);
  return fmt::format(
      "no file is for the cluster '{}'; {}", cluster,
      near ? fmt::format("did you mean '{}'?", *near) : "the files are for " + join(known, ", "));
}

std::string no_service(const std::filesystem::path& tree, const std::string& cluster) {
  return fmt::format("{} has no service for cluster '{}': a service is a folder with a run.yaml",
                     tree.string(), cluster);
}

config::Holders holders_in(const Json& config) {
  config::Holders holders;
  for (const auto& [name, instance] : config.as_object()) {
    const auto id = model::parse_instance_id(name);
    const Json& proxy = instance.at("proxy");
    if (!id || !proxy.is_object()) continue;
    model::Proxy& door = holders[*id];
    if (proxy.at("port").is_int()) door.port = static_cast<int>(proxy.at("port").as_int());
    for (const Json& domain : proxy.at("domains").as_array()) door.domains.push_back(domain.as_string());
  }
  return holders;
}

bool has_severity(const std::vector<model::Problem>& problems, model::Severity least) {
  return std::ranges::any_of(problems, [&](const auto& problem) { return problem.severity <= least; });
}

std::string problem_lines(const std::vector<model::Problem>& problems, const std::filesystem::path& base) {
  std::string text;
  for (model::Problem problem : problems) {
    const std::filesystem::path relative =
        std::filesystem::path(problem.origin.file).lexically_relative(base);
    if (!relative.empty() && *relative.begin() != "..") problem.origin.file = relative.string();
    text += problem.text() + "\n";
  }
  return text;
}

Json problem_json(const model::Problem& problem) {
  Json json;
  json["file"] = problem.origin.file;
  json["line"] = problem.origin.line;
  json["column"] = problem.origin.column;
  json["service"] = problem.service;
  json["instance"] = problem.instance;
  json["message"] = problem.message;
  json["hint"] = problem.hint;
  json["severity"] = model::to_text(problem.severity);
  return json;
}

}  // namespace slipway::cli
