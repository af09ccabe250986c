// The schema as JSON Schema (draft 2020-12), for editors: docs/reference/schemas/ is this, and a test says
// so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::config {

// The files that have one: "service.yaml", "run.yaml" ...
const std::vector<std::string>& files_with_json_schema();

// Of a file, named with or without its ending. NotFound with the nearest name.
Result<Json> json_schema(std::string_view file);

}  // namespace slipway::config
