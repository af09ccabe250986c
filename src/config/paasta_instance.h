// One instance of PaaSTA's layout: what PaaSTA itself resolves it to, and how it runs here.
//
// PaaSTA's loader takes nearly anything; what it takes is taken here, shown as it would have it (also a
// number written as text, or a null), and run by the nearest that our engines can do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/layers.h"
#include "model/instance.h"

namespace slipway::config {

struct PaastaContext {
  model::InstanceId id;
  std::string cluster;
  model::InstanceKind kind = model::InstanceKind::Service;
  std::string_view type;                 // "kubernetes", "eks", "tron", ...: PAASTA_INSTANCE_TYPE
  Position at;                           // where the instance is declared
  std::string source;                    // of which file
  Layers settings;                       // instance, autotuned, service.yaml, monitoring.yaml
  const YamlNode* smartstack = nullptr;  // of the file; null where there is none
  Json monitoring;                       // of a job, which merges it in another way
};

// The instance without its version, its `shown` complete. Findings are of this instance.
model::Instance read_paasta_instance(const PaastaContext& context, std::vector<Finding>& findings);

// Leaves in `shown` only what the model would show otherwise.
void trim_shown(model::Instance& instance, const std::string& cluster);

}  // namespace slipway::config
