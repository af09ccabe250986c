// JSON text as the same tree that YAML text gives, so that what is read from either is told with its place.
#pragma once

#include <cstddef>
#include <string_view>

#include "config/yaml.h"

namespace slipway::config {

constexpr size_t kJsonMaxBytes = 64 << 20;  // of one text: the answer of a large cluster is some 20 MB

// Reads one document, strictly by RFC 8259; nested at most kYamlMaxDepth levels. Strings come as quoted
// scalars. Reading stops at the first mistake of form; a key that is there twice is told, and the first
// stays. `file` is put into every position.
YamlDocument parse_json(std::string_view text, int file = 0);

}  // namespace slipway::config
