// The cluster file.
#include <algorithm>
#include <cstdlib>
#include <unistd.h>

#include <fmt/format.h>

#include "base/hash.h"
#include "config/config.h"
#include "config/forms.h"
#include "config/problems.h"
#include "config/reader.h"
#include "config/schema_check.h"
#include "config/service_source.h"
#include "model/ids.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kClusterFile = "slipway.yaml";

fs::path in_folder(const fs::path& folder, const std::string& path) {
  return fs::path(path).is_absolute() ? fs::path(path) : (folder / path).lexically_normal();
}

void read_proxy(const Reader& reader, ClusterConfig& cluster) {
  cluster.proxy.bind = reader.text("bind");
  cluster.proxy.http_port = static_cast<int>(reader.integer("http_port"));
  cluster.proxy.haproxy = reader.text("haproxy");
}

void read_limits(const Reader& reader, ClusterConfig& cluster) {
  cluster.limits.log_mb = reader.integer("log_mb");
  cluster.limits.image_gb = reader.integer("image_gb");
  cluster.limits.tasks = static_cast<int>(reader.integer("tasks"));
  cluster.limits.starts = static_cast<int>(reader.integer("starts"));
}

// A repository on this machine stands relative to the cluster file; any other address is git's.
std::string repository_url(const std::string& url, const fs::path& folder) {
  std::error_code error;
  const bool path = url.starts_with('.') || url.starts_with('/');
  return path ? fs::absolute(in_folder(folder, url), error).lexically_normal().string() : url;
}

GitSource read_git(const Reader& reader, const fs::path& folder) {
  GitSource git;
  git.url = repository_url(reader.text("git"), folder);
  git.ref = reader.text("ref");
  git.path = fs::path(reader.text("path")).lexically_normal().string();
  git.poll = reader.seconds("poll_seconds");
  return git;
}

void read_tree(const Reader& reader, const fs::path& folder, ClusterConfig& cluster) {
  const YamlNode* written = reader.set("config") ? reader.find("config") : nullptr;
  const bool git = written != nullptr && written->kind == YamlKind::Map;
  cluster.config = written != nullptr && !git ? in_folder(folder, written->text) : folder;
  cluster.state =
      reader.set("state") ? in_folder(folder, reader.text("state")) : default_state_path(cluster.config);
  if (!git) return;
  cluster.git = read_git(reader.map("config"), folder);
  cluster.config = (git_copy_path(cluster) / cluster.git->path).lexically_normal();
}

ClusterConfig read_cluster(const Reader& reader, const fs::path& folder) {
  ClusterConfig cluster;
  cluster.cluster = reader.text("cluster");
  cluster.engine = reader.text("engine");
  read_tree(reader, folder, cluster);
  cluster.api = reader.set("api") ? reader.text("api") : "unix:" + (cluster.state / "api.sock").string();
  cluster.isolation = reader.text("isolation");
  cluster.runtime = reader.text("runtime");
  cluster.rebalance = static_cast<int>(reader.integer("rebalance"));
  read_proxy(reader.map("proxy"), cluster);
  read_limits(reader.map("limits"), cluster);
  return cluster;
}

void check_form(const Reader& reader, std::string_view key, bool right, std::string hint,
                std::vector<Finding>& findings) {
  if (right || !reader.set(key)) return;
  const YamlNode& node = *reader.find(key);
  findings.push_back({node.at, fmt::format("{} is {}", key, quote_for_message(node.text)), std::move(hint)});
}

// What git would read as an option, or as more than one thing.
void check_git(const Reader& reader, const GitSource& git, std::vector<Finding>& findings) {
  check_form(reader, "git", !git.url.empty() && !git.url.starts_with('-') && !git.url.starts_with("ext::"),
             "it should be a path or an address such as https://git.example.com/config.git", findings);
  const bool plain = !git.ref.empty() && git.ref.find_first_of(" :^~?*[\\+") == std::string::npos;
  check_form(reader, "ref", plain && !git.ref.starts_with('-'), "it should be a branch or a tag", findings);
  check_form(reader, "path", !git.path.starts_with("..") && !git.path.starts_with('/'),
             "it should be a folder of the repository", findings);
}

void check_cluster(const Reader& reader, const ClusterConfig& cluster, std::vector<Finding>& findings) {
  check_form(reader, "cluster", model::is_name(cluster.cluster), "use letters, digits, - and _, at most 63",
             findings);
  // The socket's mode is all that says who may use the API.
  check_form(reader, "api", cluster.api.starts_with("unix:/"),
             "it should be a unix socket, unix:/PATH: who can connect may do everything", findings);
  if (cluster.git) check_git(reader.map("config"), *cluster.git, findings);
  check_form(reader.map("proxy"), "bind", is_bind_address(cluster.proxy.bind),
             "it should be an address, or \"*\"", findings);
}

LoadedCluster load_text(std::string_view text, const std::string& path, const fs::path& folder) {
  YamlDocument document = parse_yaml(text);
  std::vector<Finding> findings = std::move(document.problems);
  const YamlNode& root = document.root;
  std::vector<const YamlNode*> layers;
  if (root.kind == YamlKind::Map) {
    layers.push_back(&root);
    check_map(root, schema("cluster").keys, "", "cluster", findings);
  } else if (root.kind != YamlKind::Null) {
    findings.push_back(
        {root.at, fmt::format("the file {}", what_stands(root)), "it should be a map of keys"});
  }
  const Reader reader(layers, schema("cluster").keys);
  LoadedCluster loaded;
  loaded.cluster = read_cluster(reader, folder);
  check_cluster(reader, loaded.cluster, findings);
  std::sort(findings.begin(), findings.end());
  for (const Finding& finding : findings) loaded.problems.push_back(problem_of(finding, {path}, {}));
  return loaded;
}

// The name of a folder, as part of a name of ours.
std::string plain_name(const fs::path& folder) {
  std::string name = folder.filename().string();
  std::replace_if(
      name.begin(), name.end(),
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-');
      },
      '_');
  return name.empty() ? "root" : name.substr(0, 40);
}

fs::path state_root() {
  if (::geteuid() == 0) return "/var/lib/slipway";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return fs::path(state) / "slipway";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".local/state/slipway";
  }
  return fmt::format("/var/tmp/slipway-{}", ::geteuid());
}

}  // namespace

fs::path default_state_path(const fs::path& config_tree) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(config_tree, error);
  if (error) whole = fs::absolute(config_tree, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return state_root() / fmt::format("{}-{}", plain_name(whole), sha256_hex(whole.string()).substr(0, 8));
}

fs::path git_copy_path(const ClusterConfig& cluster) {
  return cluster.state / "config";
}

Result<LoadedCluster> load_cluster_directory(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", directory.string()));
  }
  const fs::path file = directory / kClusterFile;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found) {
    return load_text({}, file.string(), directory);
  }
  return load_cluster_file(file);
}

Result<LoadedCluster> load_cluster_file(const fs::path& file) {
  auto text = read_yaml_file(file);
  if (!text.has_value()) return text.error().context(fmt::format("read {}", file.string()));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  return load_text(*text, file.string(), folder);
}

}  // namespace slipway::config
