// Whom HAProxy's workers, which read what strangers send, become.
#pragma once

#include <optional>
#include <string>

namespace slipway::discovery {

struct WorkerUser {
  std::string user;
  std::string group;
};

// The user of Debian's package, or nobody; nothing where this process may not change users and the root
// folder, as without root.
std::optional<WorkerUser> worker_user();

}  // namespace slipway::discovery
