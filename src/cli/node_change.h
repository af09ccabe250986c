// What drain and undrain share.
#pragma once

#include "api/client.h"
#include "cli/context.h"

namespace slipway::cli {

Argument node_argument();
Option node_reason();

// Orders it for the node of the argument NODE, and says so.
Status change_node(Context& context, const api::Client& client, bool draining);

}  // namespace slipway::cli
