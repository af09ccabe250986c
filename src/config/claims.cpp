#include "config/claims.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "config/problems.h"
#include "config/yaml.h"

namespace slipway::config {

namespace {

std::string_view noun(ClaimKind kind) {
  switch (kind) {
    case ClaimKind::ProxyPort:
      return "proxy port";
    case ClaimKind::Domain:
      return "domain";
    case ClaimKind::Registration:
      return "registration";
  }
  UNREACHABLE();
}

char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

ClaimKey key_of(ClaimKind kind, std::string name) {
  if (kind == ClaimKind::Domain) std::transform(name.begin(), name.end(), name.begin(), ascii_lower);
  return {kind, std::move(name)};
}

struct Owner {
  const CompiledService* service;
  std::string instance;
  Position at;             // where it wants it
  bool kept_only = false;  // it has it, and its broken files do not tell whether it still wants it
};

// One try at granting every claim, in the order of the calls: the first has it.
class Claims {
 public:
  void take_namesakes(const CompiledService& service) {
    const std::string prefix = service.name + ".";
    for (const CompiledInstance& compiled : service.instances) {
      for (const Claim& claim : compiled.claims) {
        if (claim.kind == ClaimKind::Registration && claim.name.starts_with(prefix))
          take(service, compiled, claim);
      }
    }
  }

  void take_held(const CompiledService& service, const Holders& holders, bool broken) {
    for (auto it = holders.lower_bound({service.name, ""});
         it != holders.end() && it->first.service == service.name; ++it) {
      for (ClaimKey& key : keys_of(it->second))
        take_held(service, it->first.instance, std::move(key), broken);
    }
  }

  // What the service wants and another has.
  std::vector<Finding> take_all(const CompiledService& service) {
    std::vector<Finding> clashes;
    for (const CompiledInstance& compiled : service.instances) {
      for (const Claim& claim : compiled.claims) {
        const Owner& owner = take(service, compiled, claim);
        const bool same = owner.service == &service && owner.instance == compiled.instance.id.instance;
        const bool own = same && owner.at == claim.at;
        const bool shared = claim.kind == ClaimKind::Registration && owner.service == &service;
        if (!own && !shared) clashes.push_back(clash(compiled, claim, owner, same));
      }
    }
    return clashes;
  }

 private:
  void take_held(const CompiledService& service, const std::string& instance, ClaimKey key, bool broken) {
    const auto compiled = std::ranges::find_if(service.instances, [&](const CompiledInstance& candidate) {
      return candidate.instance.id.instance == instance;
    });
    if (compiled != service.instances.end()) {
      const auto wanted =
          std::ranges::find_if(compiled->claims, [&](const Claim& claim) { return key_of(claim) == key; });
      if (wanted != compiled->claims.end()) {
        take(service, *compiled, *wanted);
        return;
      }
    }
    if (broken) owners_.emplace(std::move(key), Owner{&service, instance, {}, true});
  }

  const Owner& take(const CompiledService& service, const CompiledInstance& compiled, const Claim& claim) {
    return owners_.emplace(config::key_of(claim), Owner{&service, compiled.instance.id.instance, claim.at})
        .first->second;
  }

  static Finding clash(const CompiledInstance& compiled, const Claim& claim, const Owner& owner, bool same) {
    const std::string what = fmt::format("the {} {}", noun(claim.kind), quote_for_message(claim.name));
    const model::InstanceId whose{owner.service->name, owner.instance};
    const std::string where = origin_of(owner.at, owner.service->files).text();
    const std::string message =
        same ? fmt::format("{} is here twice: {}", what, where)
        : owner.kept_only
            ? fmt::format("{} belongs to {}, which goes on with it while its own files are broken: {}", what,
                          whose.text(), owner.service->files.front())
            : fmt::format("{} belongs to {}: {}", what, whose.text(), where);
    return {claim.at, message, "only one may have it", compiled.instance.id.instance,
            claim.yields ? model::Severity::Tolerated : model::Severity::Error};
  }

  std::map<ClaimKey, Owner> owners_;
};

Clashes grant_all(const std::vector<Claimant>& claimants, const Holders& holders,
                  const std::set<std::string>& broken) {
  Claims claims;
  for (const Claimant& claimant : claimants) claims.take_namesakes(*claimant.service);
  for (const Claimant& claimant : claimants)
    claims.take_held(*claimant.service, holders, broken.contains(claimant.service->name));
  Clashes clashes;
  for (const Claimant& claimant : claimants) {
    std::vector<Finding> found = claims.take_all(*claimant.service);
    if (!found.empty()) clashes[claimant.service->name] = std::move(found);
  }
  return clashes;
}

}  // namespace

ClaimKey key_of(const Claim& claim) {
  return key_of(claim.kind, claim.name);
}

std::vector<ClaimKey> keys_of(const model::Proxy& door) {
  std::vector<ClaimKey> keys;
  if (door.port) keys.push_back(key_of(ClaimKind::ProxyPort, std::to_string(*door.port)));
  for (const std::string& domain : door.domains) keys.push_back(key_of(ClaimKind::Domain, domain));
  return keys;
}

// A service with a clash is broken and goes on with what it has, which another may have been granted by then:
// so all is granted anew until no more services break. What clashed once clashes in every later try.
Clashes settle_claims(const std::vector<Claimant>& claimants, const Holders& holders) {
  std::set<std::string> broken;
  for (const Claimant& claimant : claimants) {
    if (claimant.broken) broken.insert(claimant.service->name);
  }
  Clashes clashes;
  for (bool settled = false; !settled;) {
    const size_t before = broken.size();
    clashes = grant_all(claimants, holders, broken);
    for (const auto& [name, found] : clashes) {
      if (has_error(found)) broken.insert(name);
    }
    settled = broken.size() == before;
  }
  return clashes;
}

}  // namespace slipway::config
