// The gate before a new revision's first task: its image must be at hand, so that nothing old stops for it in
// vain.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Sets round.image_wait where the wanted revision has no tasks yet and its image is not ready; asks for the
// image where nobody has, or where the last failure is long enough ago.
void await_image(Round& round);

}  // namespace slipway::plan
