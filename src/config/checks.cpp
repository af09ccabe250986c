#include "config/checks.h"

#include <algorithm>

#include "config/yaml11.h"
#include "config/yaml_scalar.h"

namespace slipway::config {

const CheckedFile* CheckedService::find(FileRole role) const {
  const auto found = std::ranges::find(files, role, &CheckedFile::role);
  return found == files.end() ? nullptr : &*found;
}

const CheckedService* CheckedTree::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(services, name, {}, &CheckedService::name);
  return found == services.end() || found->name != name ? nullptr : &*found;
}

std::vector<const YamlNode*> instances_of(const CheckedFile& file) {
  std::vector<const YamlNode*> all;
  if (!holds_instances(file.role) || file.root.kind != YamlKind::Map) return all;
  for (const YamlNode& child : file.root.children) {
    if (!child.key.starts_with('_') && child.kind == YamlKind::Map) all.push_back(&child);
  }
  return all;
}

std::string_view text_below(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.find(key);
  return node != nullptr && node->kind == YamlKind::Scalar ? std::string_view(node->text)
                                                           : std::string_view();
}

std::optional<double> number_below(const YamlNode& map, std::string_view key, bool paasta) {
  const YamlNode* node = map.find(key);
  if (node == nullptr) return std::nullopt;
  return paasta ? number_11(*node) : number_of(*node);
}

}  // namespace slipway::config
