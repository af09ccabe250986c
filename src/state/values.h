// What all stores ask of the values handed to them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::state {

// Whether an event of `instance` ("service.instance", or empty for the cluster) is about `subject`: a
// service, an instance, or everything when empty.
inline bool is_about(std::string_view instance, std::string_view subject) {
  if (subject.empty() || instance == subject) return true;
  return instance.size() > subject.size() && instance.starts_with(subject) && instance[subject.size()] == '.';
}

// Invalid when `text` is longer than a store keeps; `what` names it in the message.
Status check_text(std::string_view what, std::string_view text);

// Conflict when `newest` is another claim than `claim`.
Status check_claim(int64_t claim, int64_t newest);

}  // namespace slipway::state
