// What tells two sources of a service apart.
#pragma once

#include <string>

#include "config/service_source.h"

namespace slipway::config {

// Equal where compiling the one gives what compiling the other gave, by this program: over all that is read
// of the service, the cluster, and the program itself, since another one may compile otherwise.
std::string source_key(const ServiceSource& source, const std::string& cluster);

}  // namespace slipway::config
