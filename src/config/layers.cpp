#include "config/layers.h"

namespace slipway::config {

const YamlNode* Layers::find(std::string_view key) const {
  for (const YamlNode* map : *this) {
    if (const YamlNode* found = map->find(key)) return found;
  }
  return nullptr;
}

Layers Layers::below(std::string_view key) const {
  Layers found;
  for (const YamlNode* map : *this) {
    const YamlNode* value = map->find(key);
    if (value == nullptr) continue;
    if (value->kind != YamlKind::Map) break;
    found.add(value);
  }
  return found;
}

std::map<std::string_view, const YamlNode*> Layers::entries() const {
  std::map<std::string_view, const YamlNode*> all;
  for (const YamlNode* map : *this) {
    for (const YamlNode& child : map->children) all.emplace(child.key, &child);
  }
  return all;
}

Json Layers::merged(Json (*resolve)(const YamlNode&)) const {
  Json::Object object;
  for (const auto& [key, value] : entries()) object.emplace(key, json(key, resolve));
  return object;
}

Json Layers::json(std::string_view key, Json (*resolve)(const YamlNode&)) const {
  const YamlNode* value = find(key);
  if (value == nullptr) return nullptr;
  return value->kind == YamlKind::Map ? below(key).merged(resolve) : resolve(*value);
}

}  // namespace slipway::config
