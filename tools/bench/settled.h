// A cluster in which all is as wanted: 10 tasks an instance, on nodes of 10 tasks each, healthy and in the
// load balancer. The inputs of the planner, as benchmarks hold them.
#pragma once

#include "plan/planner.h"

namespace bench {

struct Settled {
  slipway::model::Desired desired;
  slipway::model::Observed observed;
  slipway::plan::Routing routing;
  slipway::plan::Images images;
  slipway::plan::Memory memory;
  std::vector<slipway::model::Override> overrides;
  slipway::Time now{};

  slipway::plan::Outcome decide() const;
};

Settled settled_cluster(int tasks);

}  // namespace bench
