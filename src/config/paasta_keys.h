// The keys that PaaSTA knows in its files, used here or not.
#pragma once

#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/layout.h"
#include "config/yaml.h"

namespace slipway::config {

// Which table a map is held against.
enum class PaastaMap { LongRunning, Adhoc, Job, Action, Namespace, Monitoring };

// Warns of every key that PaaSTA does not know there: it is read by nobody, and perhaps a slip.
void check_paasta_keys(PaastaMap kind, const YamlNode& map, std::vector<Finding>& findings);

// Whether monitoring of a job takes this key from monitoring.yaml.
bool is_job_monitoring_key(std::string_view key);

// Warns of every scalar below that YAML 1.2 reads as something else.
void warn_of_differences(const YamlNode& node, std::vector<Finding>& findings);

}  // namespace slipway::config
