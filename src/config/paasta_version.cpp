#include "config/paasta_version.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::config {

namespace {

std::string text_at(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.find(key);
  return node != nullptr && node->kind == YamlKind::Scalar ? node->text : std::string();
}

const YamlNode* map_at(const YamlNode* map, std::string_view key) {
  const YamlNode* node = map == nullptr ? nullptr : map->find(key);
  return node != nullptr && node->kind == YamlKind::Map ? node : nullptr;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "...:paasta-<sha>[-<image version>]"; of other images what stands behind the last dash, or behind the
// colon.
void read_image_name(PaastaVersion& version) {
  constexpr std::string_view kMark = ":paasta-";
  const std::string_view image = version.docker_image;
  const size_t mark = image.rfind(kMark);
  if (mark != std::string_view::npos) {
    const std::string_view rest = image.substr(mark + kMark.size());
    const auto* end = std::find_if_not(rest.begin(), rest.end(), is_alphanumeric);
    version.git_sha = std::string(rest.begin(), end);
    if (end != rest.end() && *end == '-') version.image_version = std::string(end + 1, rest.end());
    return;
  }
  const std::string_view name = image.substr(image.rfind('/') + 1);
  const size_t dash = name.rfind('-');
  const size_t at = dash != std::string_view::npos ? dash : name.rfind(':');
  if (at != std::string_view::npos) version.git_sha = name.substr(at + 1);
}

PaastaVersion version_of(const YamlNode& entry, const std::string& registry) {
  PaastaVersion version;
  version.docker_image = text_at(entry, "docker_image");
  version.registry = registry;
  read_image_name(version);
  if (entry.find("git_sha") != nullptr) version.git_sha = text_at(entry, "git_sha");
  if (entry.find("image_version") != nullptr) version.image_version = text_at(entry, "image_version");
  return version;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

Deployments::Deployments(const YamlNode* root, std::string registry)
    : root_(root), registry_(std::move(registry)) {
  const YamlNode* second = map_at(root, "v2");
  controls_ = map_at(second, "controls");
  if (second == nullptr) branches_ = map_at(root, "v1");
  const YamlNode* groups = map_at(second, "deployments");
  if (groups == nullptr) return;
  for (const YamlNode& group : groups->children) {
    if (group.kind == YamlKind::Map) versions_.emplace(group.key, version_of(group, registry_));
  }
}

std::optional<Deployments::Control> Deployments::control(std::string_view service,
                                                         std::string_view branch) const {
  const YamlNode* entry = controls_ != nullptr
                              ? map_at(controls_, fmt::format("{}:{}", service, branch))
                              : map_at(branches_, fmt::format("{}:paasta-{}", service, branch));
  if (entry == nullptr) return std::nullopt;
  return Control{text_at(*entry, "desired_state"), text_at(*entry, "force_bounce")};
}

std::optional<PaastaVersion> Deployments::version_of_branch(std::string_view service,
                                                            std::string_view branch) const {
  const YamlNode* entry = map_at(branches_, fmt::format("{}:paasta-{}", service, branch));
  if (entry == nullptr || text_at(*entry, "docker_image").empty()) return std::nullopt;
  return version_of(*entry, registry_);
}

void set_version(model::Instance& instance, const PaastaVersion* version, std::string why_none) {
  if (version == nullptr) {
    instance.undeployed = std::move(why_none);
    instance.shown["version"] = nullptr;
    return;
  }
  const std::string& image = version->docker_image;
  std::map<std::string, std::string>& env = instance.spec.env;
  instance.git_sha = version->git_sha;
  if (instance.spec.image.name.empty()) {
    const std::string whole = version->registry.empty() ? image : version->registry + "/" + image;
    instance.spec.image = {model::ImageKind::Reference, "docker://" + whole, {}};
  }
  Json shown;
  shown["git_sha"] = text_or_null(version->git_sha);
  shown["docker_image"] = image;
  shown["image_version"] = text_or_null(version->image_version);
  instance.shown["version"] = std::move(shown);
  // What people wrote counts more than what is known anyway.
  env.emplace("PAASTA_DOCKER_IMAGE", image);
  if (!version->git_sha.empty()) env.emplace("PAASTA_GIT_SHA", version->git_sha.substr(0, 8));
  if (!version->image_version.empty()) env.emplace("PAASTA_IMAGE_VERSION", version->image_version);
}

}  // namespace slipway::config
