// Which tasks the load balancer is to send requests to.
#pragma once

#include <optional>
#include <vector>

#include "plan/round.h"

namespace slipway::plan {

// The routes of the instance, sorted by task; nullopt where it is not in the load balancer. Of an instance
// that is not in the files (any more, or because they are broken) nobody here knows whether it is: it has
// routes where its tasks declare a port, and the caller leaves out those of instances that it never had
// there.
std::optional<std::vector<model::Route>> routes_of(const Round& round);

// Where the task's declared port is reached; null while it has no address.
const model::Address* address_of(const Round& round, const model::Task& task);

}  // namespace slipway::plan
