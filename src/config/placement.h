// Where tasks may run, from the keys pool, deploy_whitelist, deploy_blacklist, node_selectors and placement.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "model/placement.h"

namespace slipway::config {

// What fits its form; what does not is told by check_placement (instance_check.cpp).
model::Placement read_placement(const Reader& reader);

// A rule of node_selectors that is none: where, and what would be right.
struct SelectorProblem {
  Position at;
  std::string message;
  std::string hint;
};
std::vector<SelectorProblem> selector_problems(const Reader& reader);

}  // namespace slipway::config
