// Who has what only one may have in the whole tree: proxy ports, domains, registrations.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/service_compiler.h"

namespace slipway::config {

// Adds to each service what it wants and another has. Whoever has a port or a domain now keeps it: what it
// still wants of these, and all of them where its own files are broken, because it goes on with them. Then a
// registration belongs to its namesake, and of two that want the same the first by name has it.
void settle_claims(std::vector<CompiledService>& services, const Holders& holders);

}  // namespace slipway::config
