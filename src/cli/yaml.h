// JSON values as YAML, for `-o yaml`. Writing only: what people write is read by config.
#pragma once

#include <string>

#include "base/json.h"

namespace slipway::cli {

// Block style, two spaces a level, ending in a newline. Every YAML reader gets the same value back: text that
// could be read as something else is quoted.
std::string yaml_text(const Json& value);

}  // namespace slipway::cli
