// A cluster in which all is as wanted: 10 tasks an instance, on nodes of 10 tasks each, healthy and in the
// load balancer. The inputs of the planner, as benchmarks hold them.
#pragma once

#include "plan/planner.h"

namespace bench {

struct Settled {
  slipway::Shared<slipway::model::Desired> desired;
  slipway::model::Observed observed;
  slipway::plan::Routing routing;
  slipway::plan::Images images;
  slipway::plan::Memory memory;
  std::vector<slipway::model::Override> overrides;
  slipway::Time now{};

  slipway::plan::Inputs inputs() const { return inputs(memory); }
  slipway::plan::Inputs inputs(const slipway::plan::Memory& remembered) const;
  slipway::plan::Outcome decide() const { return slipway::plan::decide(inputs()); }
};

constexpr size_t kTasksAnInstance = 10;

Settled settled_cluster(int tasks);

}  // namespace bench
