// Rules of placement that no cluster could keep, found without looking at one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/placement.h"

namespace slipway::model {

// What Gt and Lt compare: all of the text is a whole number.
std::optional<int64_t> whole_number(std::string_view text);

// One sentence a contradiction, with what would be right; empty where there is none. Each rule is judged by
// itself and against the others of the same attribute. Whether today's nodes can keep the rules is another
// question.
std::vector<std::string> contradictions(const Placement& placement, const InstanceId& self);

}  // namespace slipway::model
