// Three questions about ports of this machine.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/clock.h"

namespace slipway::discovery {

// Whether `address`:`port` can be listened on now. `address` is numeric, or "*" for all of IPv4. Conflict
// when somebody listens there, Forbidden when we may not; Invalid for an address that is none.
Status try_listen(const std::string& address, int port);

// Who listens on this TCP port, as "nginx (pid 123)". Nullopt when that cannot be told, as for a process of
// another user. Reads all of /proc: for messages.
std::optional<std::string> listener_of(int port);

// Those of `addresses` ("ip:port") that accept a connection before `deadline`. One by one they are asked at
// once, so the slowest decides; one that is refused costs nothing.
std::set<std::string> accepting(const std::set<std::string>& addresses, const Clock& clock,
                                Deadline deadline);

}  // namespace slipway::discovery
