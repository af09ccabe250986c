#include "state/values.h"

#include <fmt/format.h>

#include "base/text.h"
#include "state/limits.h"

namespace slipway::state {

Status check_text(std::string_view what, std::string_view text) {
  if (text.size() <= kTextBytes) return {};
  return Error(ErrorCode::Invalid, fmt::format("{} has {}, more than the {} that are stored", what,
                                               bytes_text(text.size()), bytes_text(kTextBytes)));
}

Status check_claim(int64_t claim, int64_t newest) {
  if (claim == newest) return {};
  return Error(
      ErrorCode::Conflict,
      fmt::format("another control plane has taken over the state (claim {}, ours is {})", newest, claim));
}

}  // namespace slipway::state
