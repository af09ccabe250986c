// Configuration read by the command itself, without a control plane.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "config/config.h"
#include "io/file.h"
#include "model/instance.h"

namespace slipway::cli {

// A config tree, compiled for its cluster, and everything that is wrong with it.
struct Tree {
  config::ClusterConfig cluster;                 // `config` is where the files were read
  std::vector<model::Problem> cluster_problems;  // of slipway.yaml: these stop everything
  model::Desired desired;
  std::shared_ptr<const io::TemporaryDirectory> copy;  // of a git repository
};

// `path`: a config tree, or a cluster file. NotFound when it is missing.
Result<config::LoadedCluster> load_cluster(const std::filesystem::path& path);
// The same with the files at hand: of a git repository, a copy that goes with this value.
struct LoadedFiles : config::LoadedCluster {
  std::shared_ptr<const io::TemporaryDirectory> copy;
};
Result<LoadedFiles> load_files(const std::filesystem::path& path, const Clock& clock);
Result<Tree> load_tree(const std::filesystem::path& path, const Clock& clock);

// What is to be said of a cluster that is not among those that the files name (did you mean ...?); empty
// where it is, or where they name none. It may be right all the same: run.yaml is for every cluster.
std::string unknown_cluster(const std::string& cluster, const std::vector<std::string>& known);
// What is to be said where a compiled tree has nothing at all to run.
std::string no_service(const std::filesystem::path& tree, const std::string& cluster);

// Who has which port and domains, by the answer of a control plane to `config`: what it wants, it serves.
config::Holders holders_in(const Json& config);

// Whether any is as grave as this, or graver.
bool has_severity(const std::vector<model::Problem>& problems, model::Severity least);

// One problem a line: "file:line:column: message; hint". Paths below `base` are shown relative to it, as a
// person there would type them.
std::string problem_lines(const std::vector<model::Problem>& problems, const std::filesystem::path& base);

// The same for scripts: file, line, column, service, instance, message, hint, severity.
Json problem_json(const model::Problem& problem);

}  // namespace slipway::cli
