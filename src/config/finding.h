// Something wrong in the files that are being read, before it is known under which names people know them.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include "model/instance.h"

namespace slipway::config {

// A place in one of the files that are read together; `file` is the reader's number for it. Line and column
// count from 1, columns in characters; 0 when unknown.
struct Position {
  int file = 0;
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Finding {
  Position at;
  std::string message;        // what is wrong, with the offending text
  std::string hint = {};      // what would be right; may be empty
  std::string instance = {};  // whose; empty for the whole file
  model::Severity severity = model::Severity::Error;
  auto operator<=>(const Finding&) const = default;
};

// Whether any of them is an error, which breaks the service.
inline bool has_error(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.severity == model::Severity::Error) return true;
  }
  return false;
}

// Of one service; more than anyone reads at once. What lies beyond shows when these are mended.
constexpr size_t kMaxFindings = 100;

}  // namespace slipway::config
