// The files of one service, read from disk as they are: the whole input of its compilation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/layout.h"
#include "config/yaml.h"

namespace slipway::config {

struct SourceFile {
  FileRole role = FileRole::Service;
  Layout layout = Layout::Slipway;  // whose name it is
  bool of_cluster = false;          // "run-<cluster>.yaml" rather than "run.yaml"
  std::string stem = {};            // see KnownFile
  std::string path = {};            // as people named it
  std::string text = {};
  std::string trouble = {};  // why it could not be read; empty when it was
};

struct ServiceSource {
  std::string name;
  std::string path;              // of the folder, as people named it
  std::filesystem::path folder;  // the same, absolute
  Layout layout = Layout::Slipway;
  std::vector<SourceFile> files;
  std::vector<std::string> misnamed;  // paths of "run.yml" and the like, which are not read
  std::string trouble;                // why the folder could not be read
};

struct ServiceFolder {
  std::string name;
  std::filesystem::path path;
  Layout layout = Layout::Slipway;    // by the names of its files; where they do not tell, as the others here
  bool told = true;                   // the names tell
  std::vector<std::string> files;     // those that Slipway knows, of every cluster; sorted
  std::vector<std::string> misnamed;  // those that it would know under another ending
  std::string trouble;                // why it could not be looked into
};

// The service of this name in the tree; nullopt where there is none. `otherwise`: its layout where the names
// of its files do not tell.
std::optional<ServiceFolder> find_service(const std::filesystem::path& tree, const std::string& name,
                                          Layout otherwise);

// The layout of folders that do not tell, in a tree where those that tell are of these.
class TreeLayout {
 public:
  void add(Layout told);
  Layout otherwise() const { return paasta_ && !ours_ ? Layout::Paasta : Layout::Slipway; }

 private:
  bool ours_ = false;
  bool paasta_ = false;
};

// The services of a tree: its folders that hold at least one file of ours (and those that cannot be looked
// into, for nobody knows what they hold). Hidden folders and those that begin with `_` are left out. Sorted
// by name.
Result<std::vector<ServiceFolder>> list_services(const std::filesystem::path& tree);

// Reads what this cluster needs.
ServiceSource read_service(const ServiceFolder& folder, std::string_view cluster);

// The cluster of "run-<cluster>.yaml" and other files of one cluster's instances; empty for any other name.
std::string_view cluster_of_file(std::string_view name);

// One file, at most so long, and a file: a pipe would keep us waiting.
Result<std::string> read_yaml_file(const std::filesystem::path& path, size_t max_bytes = kYamlMaxBytes);

}  // namespace slipway::config
