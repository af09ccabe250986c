#include "config/reader.h"

#include <cmath>

#include "base/check.h"
#include "config/schema_check.h"
#include "config/yaml_scalar.h"

namespace slipway::config {

namespace {

// Maps merged key by key at every level, the earlier layer winning; anything else is replaced whole.
Json merged_json(const std::vector<const YamlNode*>& layers) {
  if (layers.empty()) return nullptr;
  if (layers.front()->kind != YamlKind::Map) return json_of(*layers.front());
  Json::Object object;
  for (size_t i = 0; i < layers.size() && layers[i]->kind == YamlKind::Map; ++i) {
    for (const YamlNode& child : layers[i]->children) {
      if (object.contains(child.key)) continue;
      std::vector<const YamlNode*> below = {&child};
      for (size_t j = i + 1; child.kind == YamlKind::Map && j < layers.size(); ++j) {
        const YamlNode* other = layers[j]->find(child.key);
        if (other != nullptr && other->kind != YamlKind::Map) break;
        if (other != nullptr) below.push_back(other);
      }
      object.emplace(child.key, merged_json(below));
    }
  }
  return object;
}

}  // namespace

const SchemaKey& Reader::key(std::string_view name) const {
  const SchemaKey* found = find_key(*keys_, name);
  CHECK(found != nullptr);
  return *found;
}

std::pair<size_t, const YamlNode*> Reader::nearest(const SchemaKey& key) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (const YamlNode* node = layers_[i]->find(key.name)) return {i, node};
    for (const std::string& name : key.other_names) {
      if (const YamlNode* node = layers_[i]->find(name)) return {i, node};
    }
  }
  return {layers_.size(), nullptr};
}

const YamlNode* Reader::find(std::string_view name) const {
  const SchemaKey& wanted = key(name);
  const auto [layer, node] = nearest(wanted);
  if (node == nullptr) return nullptr;
  for (const std::string& other : wanted.not_with) {
    if (nearest(key(other)).first < layer) return nullptr;
  }
  return node;
}

bool Reader::set(std::string_view name) const {
  const YamlNode* node = find(name);
  return node != nullptr && fits(*node, key(name));
}

Position Reader::at(std::string_view name, Position otherwise) const {
  const YamlNode* node = find(name);
  return node == nullptr ? otherwise : node->at;
}

const YamlNode* Reader::value(std::string_view name) const {
  const SchemaKey& wanted = key(name);
  const YamlNode* node = find(name);
  if (node != nullptr && fits(*node, wanted)) return node;
  return wanted.fallback ? &*wanted.fallback : nullptr;
}

std::string Reader::text(std::string_view name) const {
  const YamlNode* node = value(name);
  return node == nullptr ? std::string() : node->text;
}

int64_t Reader::integer(std::string_view name) const {
  const YamlNode* node = value(name);
  return node == nullptr ? 0 : integer_of(*node).value_or(0);
}

double Reader::number(std::string_view name) const {
  const YamlNode* node = value(name);
  return node == nullptr ? 0 : number_of(*node).value_or(0);
}

bool Reader::boolean(std::string_view name) const {
  const YamlNode* node = value(name);
  return node != nullptr && boolean_of(*node).value_or(false);
}

Duration Reader::seconds(std::string_view name) const {
  return Duration(static_cast<int64_t>(std::llround(number(name) * 1000)));
}

std::vector<std::string> Reader::texts(std::string_view name) const {
  std::vector<std::string> texts;
  const YamlNode* node = value(name);
  if (node == nullptr) return texts;
  if (node->kind == YamlKind::Scalar) texts.push_back(node->text);
  for (const YamlNode& child : node->children) texts.push_back(child.text);
  return texts;
}

std::vector<const YamlNode*> Reader::maps(std::string_view name) const {
  const SchemaKey& wanted = key(name);
  std::vector<const YamlNode*> found;
  for (const YamlNode* layer : layers_) {
    const YamlNode* node = layer->find(wanted.name);
    if (node == nullptr) continue;
    if (node->kind != YamlKind::Map) break;
    found.push_back(node);
  }
  return found;
}

std::map<std::string_view, const YamlNode*> Reader::entries(std::string_view name) const {
  std::map<std::string_view, const YamlNode*> merged;
  for (const YamlNode* map : maps(name)) {
    for (const YamlNode& child : map->children) merged.emplace(child.key, &child);
  }
  return merged;
}

std::map<std::string, std::string> Reader::text_map(std::string_view name) const {
  std::map<std::string, std::string> merged;
  for (const auto& [key_name, node] : entries(name)) merged.emplace_hint(merged.end(), key_name, node->text);
  return merged;
}

Json Reader::json(std::string_view name) const {
  const YamlNode* node = value(name);
  if (node == nullptr) return nullptr;
  return node->kind == YamlKind::Map ? merged_json(maps(name)) : json_of(*node);
}

std::vector<Reader> Reader::items(std::string_view name) const {
  std::vector<Reader> readers;
  const YamlNode* node = value(name);
  if (node == nullptr) return readers;
  for (const YamlNode& child : node->children) {
    if (child.kind == YamlKind::Map) readers.push_back(Reader({&child}, key(name).keys));
  }
  return readers;
}

Reader Reader::map(std::string_view name) const {
  return {maps(name), key(name).keys};
}

}  // namespace slipway::config
