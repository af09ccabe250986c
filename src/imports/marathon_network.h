// The ports of a Marathon app, and how it is reached.
#pragma once

#include "imports/draft.h"

namespace slipway::imports {

// Sets net, container_port and proxy from networks, ports and the labels of Marathon's load balancer, once
// the other keys are there. A task of ours listens on one port.
void read_marathon_network(const YamlNode& app, Json& keys, Draft& draft);

}  // namespace slipway::imports
