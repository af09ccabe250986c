// Waiting until a change is done: what apply and the overrides have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/client.h"
#include "cli/args.h"
#include "cli/context.h"

namespace slipway::cli {

struct Wait {
  // Whether the status answers to the change: what was seen before the control plane took it in tells
  // nothing.
  std::function<bool(const Json& status)> taken;
  // Only these instances; the rest of the cluster may have troubles of its own. Empty: all, and nothing else
  // may be left to do either.
  std::vector<model::InstanceId> only = {};
};

// --timeout of such a wait.
Option timeout_option(const std::string& when);

// Shows how far it is, until all is as wanted (0), something must change before it can be (kFailed), or
// --timeout has passed (kTimedOut). The change itself goes on in any case.
Result<int> wait_until_done(Context& context, const api::Client& client, const Wait& wait);

}  // namespace slipway::cli
