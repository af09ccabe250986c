// What every handler of the API works with.
#pragma once

#include <string>

#include "api/status_text.h"
#include "base/clock.h"
#include "reconcile/control.h"

namespace slipway::api {

// What GET /v1/version answers.
struct ServerFacts {
  std::string version;
  std::string cluster;
  std::string engine;
  std::string config;  // path of the config tree
  std::string state;   // path of the state directory
  int64_t pid = 0;
};

// Borrowed from the ApiServer, which outlives every handler and stream.
struct Context {
  reconcile::Control& control;
  const Clock& clock;
  const ServerFacts facts;
  StatusText status;
};

}  // namespace slipway::api
