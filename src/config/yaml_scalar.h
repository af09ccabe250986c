// What a YAML scalar means by the core schema of YAML 1.2: `yes` is text, `010` is ten, `0o10` is eight.
#pragma once

#include <cstdint>
#include <optional>

#include "base/json.h"
#include "config/yaml.h"

namespace slipway::config {

// nullopt where the node is no plain scalar of this type. Integers outside 64 bits are none.
std::optional<bool> boolean_of(const YamlNode& node);
std::optional<int64_t> integer_of(const YamlNode& node);
std::optional<double> number_of(const YamlNode& node);  // integers too; may be infinite or not a number

// The whole tree with its scalars resolved.
Json json_of(const YamlNode& node);

}  // namespace slipway::config
