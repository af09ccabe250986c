// Holds what people wrote against the schema: unknown keys, missing ones, wrong types, values out of range.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/schema.h"
#include "config/yaml.h"

namespace slipway::config {

// Whether the value is of one of the key's types, keys below it left aside.
bool fits(const YamlNode& value, const SchemaKey& key);

// Adds a finding for everything in `map` that `keys` do not allow. `path` leads to the map ("proxy.", or
// empty) and `section` names the schema that people can look up.
void check_map(const YamlNode& map, const std::vector<SchemaKey>& keys, const std::string& path,
               std::string_view section, std::vector<Finding>& findings);

// "is a list", "is \"lots\"": what stands there, for messages.
std::string what_stands(const YamlNode& value);

}  // namespace slipway::config
