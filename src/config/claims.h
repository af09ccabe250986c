// Who has what only one may have in the whole tree: proxy ports, domains, registrations.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/service_compiler.h"

namespace slipway::config {

// Two claims are for the same thing where these are equal.
using ClaimKey = std::pair<ClaimKind, std::string>;
ClaimKey key_of(const Claim& claim);
std::vector<ClaimKey> keys_of(const model::Proxy& door);

struct Claimant {
  const CompiledService* service = nullptr;
  bool broken = false;  // for a reason of its own
};

// What each service wants and another has, by service; none is empty. Whoever has a port or a domain now
// keeps it: what it still wants of these, and all of them where its own files are broken, because it goes on
// with them. Then a registration belongs to its namesake, and of two that want the same the first by name has
// it. Services that share no key have nothing to do with each other, so these may be settled one by one.
using Clashes = std::map<std::string, std::vector<Finding>>;
Clashes settle_claims(const std::vector<Claimant>& claimants, const Holders& holders);

}  // namespace slipway::config
