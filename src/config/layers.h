// Maps laid over one another, the nearest first: where several have a key, maps are merged key by key at
// every level and anything else is replaced whole, lists too. A value that is there and null hides what is
// below.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "config/yaml.h"

namespace slipway::config {

class Layers {
 public:
  static constexpr size_t kMost = 4;

  Layers() = default;
  // Below all others so far. Borrowed; what is null or no map is left out.
  void add(const YamlNode* map) {
    if (map == nullptr || map->kind != YamlKind::Map) return;
    CHECK(size_ < kMost);
    maps_[size_++] = map;
  }

  // The value in force; of a map only its nearest layer. Null when no layer has it.
  const YamlNode* find(std::string_view key) const;
  // The maps under this key, down to the first layer that holds something else.
  Layers below(std::string_view key) const;
  // Every key once, with its value in force.
  std::map<std::string_view, const YamlNode*> entries() const;
  // The value in force with all that is merged into it, scalars as `resolve` has them.
  Json json(std::string_view key, Json (*resolve)(const YamlNode&)) const;

  bool empty() const { return size_ == 0; }
  const YamlNode* const* begin() const { return maps_.data(); }
  const YamlNode* const* end() const { return maps_.data() + size_; }

 private:
  Json merged(Json (*resolve)(const YamlNode&)) const;

  std::array<const YamlNode*, kMost> maps_{};
  size_t size_ = 0;
};

}  // namespace slipway::config
