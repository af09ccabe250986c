// The reference of the configuration, made from the schema. docs/reference/config.md is this, and a test says
// so.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::config {

// All sections, as Markdown.
std::string reference_markdown();

// One section ("instance", "service", "cluster", or the file's name) or one key of any section, as Markdown.
// NotFound with the nearest name.
Result<std::string> reference_of(std::string_view topic);

}  // namespace slipway::config
