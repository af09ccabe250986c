// What a series of probes says about one task: pure, so that its rules can be read and tested without a
// socket.
//
//   - a task is Unknown until a probe passes, and Healthy from then on;
//   - before the grace period is over a failure counts for nothing, unless a probe has passed: a success ends
//   the grace;
//   - `max_consecutive_failures` counted failures in a row make it Unhealthy; the next pass makes it Healthy
//   again.
#pragma once

#include <optional>
#include <string>

#include "model/observed.h"
#include "model/spec.h"

namespace slipway::engine {

class HealthTally {
 public:
  // `check` is of a mode other than None. A task that was healthy before its watcher was replaced starts as
  // Healthy.
  HealthTally(model::HealthCheck check, bool healthy)
      : check_(std::move(check)),
        grace_over_(healthy),
        health_(healthy ? model::Health::Healthy : model::Health::Unknown) {}

  // Both return whether health() or reason() changed. `age`: since the task's process started.
  bool pass();
  bool fail(const std::string& why, Duration age);

  model::Health health() const { return health_; }
  // The last failure and what it means: "tcp 10.1.2.3:80: connection refused (12 failures, unhealthy after
  // 30)". Empty after a pass.
  const std::string& reason() const { return reason_; }

  // Until the next probe. Until the first pass, and within the grace period, probes follow each other fast,
  // so that a task is in service as soon as it can be; failures do not count then. Afterwards it is the
  // spec's interval.
  Duration next_wait(Duration age);

 private:
  bool in_grace(Duration age) const { return !grace_over_ && age < check_.grace_period; }

  model::HealthCheck check_;
  bool grace_over_;
  model::Health health_;
  std::string reason_;
  int failures_ = 0;
  Duration eager_wait_ = 10ms;
};

}  // namespace slipway::engine
