// Comments by which people say that a value is meant: `cpus: 4  # override-cpu-setting (PROJ-123)`.
#pragma once

#include <string_view>

#include "config/yaml.h"

namespace slipway::config {

// Whether such a comment stands on the value's line, or beside the same key and value elsewhere in the file:
// a template says it once for all that merge it. `name`: "override-cpu-setting".
bool has_override(std::string_view text, const YamlNode& value, std::string_view name);

}  // namespace slipway::config
