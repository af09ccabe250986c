// The status of a cluster as a person reads it. Pure: JSON of the API in, text out.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "cli/text.h"

namespace slipway::cli {

// One line per instance. Warnings about the whole cluster stand apart: see cluster_notes().
std::string status_table(const Json& status, Time now, const Paint& paint);

// All about each instance: endpoints, bounce, overrides, tasks.
std::string status_details(const Json& status, Time now, const Paint& paint);

// What is wrong with the cluster as a whole, a line each: a freeze, no isolation, a stale picture, broken
// files. Empty when nothing is.
std::string cluster_notes(const Json& status, Time now, const Paint& paint);

// "scale to 5 by alice 3m ago, ends in 1h57m: Black Friday".
std::string override_text(const Json& value, Time now);

}  // namespace slipway::cli
