// Findings as people are shown them.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "model/instance.h"

namespace slipway::config {

inline model::Origin origin_of(const Position& at, const std::vector<std::string>& files) {
  return {files[at.file], at.line, at.column};
}

inline model::Problem problem_of(const Finding& finding, const std::vector<std::string>& files,
                                 const std::string& service) {
  return {origin_of(finding.at, files),
          service,
          finding.instance,
          finding.message,
          finding.hint,
          finding.severity};
}

}  // namespace slipway::config
