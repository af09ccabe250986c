// How an instance of PaaSTA's layout runs on our engines.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/paasta_instance.h"

namespace slipway::config {

// `shown`: the instance's fields as PaaSTA resolves them. A value that no engine could take is the default.
// The image is left to set_version, but for an explicit `docker_url`.
model::TaskSpec paasta_task_spec(const PaastaContext& context, const Json& shown);

model::Drain paasta_drain(const PaastaContext& context, const Json& shown, bool proxied,
                          std::vector<Finding>& findings);

}  // namespace slipway::config
