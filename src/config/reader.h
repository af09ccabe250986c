// Typed access to settings that stand in several files, the nearest of which wins.
//
// A value that does not fit the schema reads as if it were missing: schema_check has told of it, and nobody
// should hear of the same mistake twice. A Reader borrows the trees and the schema.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "config/schema.h"
#include "config/yaml.h"

namespace slipway::config {

class Reader {
 public:
  // `layers`: maps, the nearest first.
  Reader(std::vector<const YamlNode*> layers, const std::vector<SchemaKey>& keys)
      : layers_(std::move(layers)), keys_(&keys) {}

  // The value in force, fitting or not; null when no layer has it. Of two keys that exclude each other, the
  // one in the nearer layer hides the other.
  const YamlNode* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // In force and fitting.
  bool set(std::string_view name) const;
  // Where the value in force stands; `otherwise` when there is none.
  Position at(std::string_view name, Position otherwise) const;

  // The value, or the schema's default, or the empty value of the type.
  std::string text(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  Duration seconds(std::string_view name) const;
  std::vector<std::string> texts(
      std::string_view name) const;  // of a list; a single text makes a list of one
  // Maps of all layers merged, key by key.
  std::map<std::string, std::string> text_map(std::string_view name) const;
  // The same, with where each entry stands; borrowed from the trees.
  std::map<std::string_view, const YamlNode*> entries(std::string_view name) const;
  Json json(std::string_view name) const;  // null when missing
  Reader map(std::string_view name) const;
  std::vector<Reader> items(std::string_view name) const;  // the maps in a list

 private:
  const SchemaKey& key(std::string_view name) const;
  // The layer of the nearest value and the value.
  std::pair<size_t, const YamlNode*> nearest(const SchemaKey& key) const;
  // The value if it fits, else the default, else null.
  const YamlNode* value(std::string_view name) const;
  // The maps under this name, nearest first, up to the first layer that holds something else.
  std::vector<const YamlNode*> maps(std::string_view name) const;

  std::vector<const YamlNode*> layers_;
  const std::vector<SchemaKey>* keys_;
};

}  // namespace slipway::config
