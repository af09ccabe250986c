// `slipway plan` and `slipway simulate`: the simulator behind the command line's question.
#pragma once

#include "cli/rehearsal.h"

namespace slipway::daemon {

cli::RehearsalAnswer rehearse(const cli::RehearsalRequest& request);

}  // namespace slipway::daemon
