// One service: its files in, its instances out. A pure function of the files' text, so that it can be kept by
// content, run on any thread, and tested without a disk. What only the disk or the rest of the tree can tell
// (does the Dockerfile exist, is the port taken) is left as places and claims for tree.cpp.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "config/paasta_version.h"
#include "config/service_source.h"
#include "model/instance.h"

namespace slipway::config {

enum class ClaimKind { ProxyPort, Domain, Registration };

// Something that only one may have in the whole tree.
struct Claim {
  ClaimKind kind = ClaimKind::ProxyPort;
  std::string name;
  Position at;
  bool yields = false;  // where another has it, the instance goes on without: see give_up_proxy
};

struct CompiledInstance {
  model::Instance instance;  // its image is not hashed yet
  Position build_at;         // of `build`, where that is set
  std::vector<Claim> claims;
  bool sound = true;            // it has no error of its own
  std::string version_of = {};  // another service whose version it runs; looked up in the tree
};

struct CompiledService {
  std::string name;
  std::vector<std::string> files;           // as Position::file counts them
  std::vector<CompiledInstance> instances;  // sorted by name; those that could be read at all
  std::vector<Finding> findings;            // sorted by place, each once; an error breaks the service
  PaastaVersions versions;                  // by deploy group, of deployments.json
  bool whole = true;                        // false: of what all instances share something could not be read
};

// Whether an error is told of this instance.
bool has_error_of(const std::vector<Finding>& findings, std::string_view instance);

// By place, each once, kMaxFindings at most (the gravest) and then one that counts the rest: a template's
// mistake is found for every instance that names it, and is one mistake.
void sort_findings(std::vector<Finding>& findings);

// The instance as it is without the load balancer.
void give_up_proxy(CompiledInstance& compiled);

CompiledService compile_service(const ServiceSource& source, const std::string& cluster);

}  // namespace slipway::config
