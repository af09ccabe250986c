// The configuration compiler: a config tree in, what is wanted out, every problem at once.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/instance.h"

namespace slipway::config {

// A git repository that holds the config tree.
struct GitSource {
  std::string url;           // a path, or what git takes: https://, ssh://, user@host:path, file://, git://
  std::string ref = "main";  // a branch, a tag, or a whole ref
  std::string path = ".";    // of the tree in the repository
  Duration poll = 30s;       // between two looks at the repository
  bool operator==(const GitSource&) const = default;
};

// The cluster file `slipway.yaml`; every key has a default, so none is needed.
struct ClusterConfig {
  std::string cluster = "local";
  std::string engine = "local";    // local | fake
  std::filesystem::path config;    // the config tree; default: the folder of the cluster file, or DIR of `up`
  std::optional<GitSource> git;    // where the tree comes from; `config` is then its copy in `state`
  std::filesystem::path state;     // one directory for everything; default: default_state_path()
  std::string api;                 // "unix:/PATH"; default "unix:<state>/api.sock"
  std::string isolation = "auto";  // auto | container | none
  std::string runtime = "auto";    // auto | crun | runc
  int rebalance = 0;               // most tasks that move at a time for the sake of balance alone
  struct {
    std::string bind = "127.0.0.1";
    int http_port = 8080;  // shared frontend for domains; 0: none
    std::string haproxy = "haproxy";
  } proxy;
  struct {
    int64_t log_mb = 64;    // of one task, all rotated files together
    int64_t image_gb = 20;  // of the image store; unused images go first
    int tasks = 2000;       // on this machine
    int starts = 4;         // at once
  } limits;
};

// /var/lib/slipway/<name>-<8 hex of the path's hash> for root, below $XDG_STATE_HOME (or ~/.local/state) for
// others.
std::filesystem::path default_state_path(const std::filesystem::path& config_tree);

// The folder in `state` that holds the copy of `git`; the tree is at `git->path` in it.
std::filesystem::path git_copy_path(const ClusterConfig& cluster);

struct LoadedCluster {
  ClusterConfig cluster;
  std::vector<model::Problem> problems;
};

// Reads `DIR/slipway.yaml` if there, else all defaults for DIR. NotFound when DIR is missing.
Result<LoadedCluster> load_cluster_directory(const std::filesystem::path& directory);
// Reads this cluster file (of `serve -c`).
Result<LoadedCluster> load_cluster_file(const std::filesystem::path& file);

// By which port and domains each instance is reached now.
using Holders = std::map<model::InstanceId, model::Proxy>;

// Compiles the tree for one cluster. Services with problems are in `broken`, and none of their instances are
// in `instances`; all others are complete. Of two that want one port or domain, the one that holds it now
// keeps it and the other is broken; where none does, the first by name has it. An error only where the tree
// itself cannot be read.
Result<model::Desired> compile(const std::filesystem::path& tree, const std::string& cluster,
                               const Holders& holders = {});

// The clusters that file names of the tree tell (run-<cluster>.yaml, kubernetes-<cluster>.yaml and so on),
// sorted.
std::vector<std::string> clusters_of(const std::filesystem::path& tree);

}  // namespace slipway::config
