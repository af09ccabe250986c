// Problems as the log of a static analysis, SARIF 2.1.0: what code review shows beside the lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/validate.h"

namespace slipway::cli {

// Files below `base` are named relative to it, as code review knows them.
Json sarif_log(const std::vector<config::Violation>& violations, const std::filesystem::path& base,
               const std::string& version);

}  // namespace slipway::cli
