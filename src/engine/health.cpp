#include "engine/health.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::engine {

namespace {
// The eager probes grow to one a second: a task that takes a minute to start costs some 70 probes.
constexpr Duration kEagerLimit = 1s;
}  // namespace

bool HealthTally::pass() {
  const bool changed = health_ != model::Health::Healthy || !reason_.empty();
  grace_over_ = true;
  failures_ = 0;
  health_ = model::Health::Healthy;
  reason_.clear();
  return changed;
}

bool HealthTally::fail(const std::string& why, Duration age) {
  const model::Health health_before = health_;
  const std::string reason_before = reason_;
  if (in_grace(age)) {
    reason_ = fmt::format("{} (within the first {}, which do not count)", why, to_text(check_.grace_period));
    return reason_ != reason_before;
  }
  ++failures_;
  if (failures_ >= check_.max_consecutive_failures) health_ = model::Health::Unhealthy;
  reason_ = health_ == model::Health::Unhealthy
                ? fmt::format("{} ({} failures, unhealthy since the {}.)", why, failures_,
                              check_.max_consecutive_failures)
                : fmt::format("{} ({} failure{}, unhealthy after {})", why, failures_,
                              failures_ == 1 ? "" : "s", check_.max_consecutive_failures);
  return health_ != health_before || reason_ != reason_before;
}

Duration HealthTally::next_wait(Duration age) {
  if (!in_grace(age)) return check_.interval;
  const Duration wait = std::min({eager_wait_, kEagerLimit, check_.interval});
  eager_wait_ = std::min(eager_wait_ * 3 / 2, kEagerLimit);
  return wait;
}

}  // namespace slipway::engine
