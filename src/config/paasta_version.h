// Which version runs: deployments.json as PaaSTA writes it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "model/instance.h"

namespace slipway::config {

struct PaastaVersion {
  std::string docker_image;  // without the registry: "services-web:paasta-<sha>"
  std::string registry;      // empty: none is told
  std::string git_sha;
  std::string image_version;  // empty: none
  bool operator==(const PaastaVersion&) const = default;
};

// By deploy group.
using PaastaVersions = std::map<std::string, PaastaVersion, std::less<>>;

// One service's deployments.json. Borrows the tree.
class Deployments {
 public:
  Deployments() = default;
  // `root`: of the file; null where there is none.
  Deployments(const YamlNode* root, std::string registry);

  const PaastaVersions& versions() const { return versions_; }

  struct Control {
    std::string desired_state;  // start | stop
    std::string force_bounce;   // changed by a restart; empty: none
  };
  // What is wanted of a branch, "<cluster>.<instance>"; nullopt where nothing is told.
  std::optional<Control> control(std::string_view service, std::string_view branch) const;
  // The version of a file in the older form, which has it by branch.
  std::optional<PaastaVersion> version_of_branch(std::string_view service, std::string_view branch) const;
  bool exists() const { return root_ != nullptr; }

 private:
  const YamlNode* root_ = nullptr;
  const YamlNode* controls_ = nullptr;  // v2
  const YamlNode* branches_ = nullptr;  // v1, where there is no v2
  std::string registry_;
  PaastaVersions versions_;
};

// Makes the instance run this version, or tells why it has none. Writes image, git_sha, undeployed, `shown`,
// and the variables that name the version.
void set_version(model::Instance& instance, const PaastaVersion* version, std::string why_none);

}  // namespace slipway::config
