// JSON values as YAML text. Writing only: what people write is read by config.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace slipway {

// Where a key stands among its siblings: lower first, equal ones by name.
using KeyRank = std::function<int(std::string_view key)>;

// Block style, two spaces a level, ending in a newline. Every YAML reader gets the same value back: text that
// could be read as something else is quoted. Keys are sorted by `rank` at every level, or by name without
// one.
std::string yaml_text(const Json& value, const KeyRank& rank = {});

}  // namespace slipway
