// The question that `plan` and `simulate` put to the planner and a cluster that exists only in memory.
// Answered by what main wires in, so that this folder links no planner.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"

namespace slipway::cli {

struct RehearsalRequest {
  model::Observed start;  // nodes, and what runs on them
  model::Desired desired;
  std::vector<model::Override> overrides = {};
  bool limited_room = true;  // the nodes take no more than they have
  int rebalance = 0;
  uint64_t seed = 1;
  Duration start_time = 2s;  // about how long a task takes until it is healthy
  int lost_nodes = 0;        // that fail in the first minute
  Duration away = 5min;      // for so long
  bool steps = true;         // false: figures alone, for speed
};

struct RehearsalAnswer {
  Json report;           // see docs/reference/cli.md, plan and simulate
  std::string timeline;  // JSON lines
  model::Observed end;   // to go on from
};

using Rehearse = std::function<RehearsalAnswer(const RehearsalRequest&)>;

// "+12.0s".
std::string moment_text(double seconds);
// The report's instances with their steps, for people.
std::string plan_text(const Json& report);

}  // namespace slipway::cli
