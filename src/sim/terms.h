// What is asked of an instance, worked out from the files and the overrides in the plainest way, and on its
// own: what judges the planner does not share its code.
#pragma once

#include "plan/planner.h"
#include "sim/truth.h"

namespace slipway::sim {

struct Terms {
  const model::Instance* instance = nullptr;  // of the files; null: not there (any more)
  model::TaskSpec spec;                       // wanted, where there is an instance
  int count = 0;
  bool frozen = false;  // nothing may change: paused, or nobody knows what is wanted
  bool skip_health = false;
  bool refused = false;  // by the load balancer

  // ceil(count * margin): so many are to be kept happy.
  int floor() const;
  bool proxied() const { return instance != nullptr && instance->proxy.has_value(); }
  model::Drain drain() const;

  // Runs, was not asked to stop, has been healthy long enough, and gets requests where it should.
  bool happy(const TaskTruth& task, Time now) const;
};

// Of an instance as this planner was told to see it.
Terms terms_of(const plan::Inputs& inputs, const model::InstanceId& id, bool refused);

}  // namespace slipway::sim
