// How long to wait before the next try: doubling from `initial` to `maximum`. Pure, so that engines and the
// planner answer alike.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace slipway {

struct Backoff {
  Duration initial = 1s;
  Duration maximum = 300s;

  // The wait after the `failures`-th failure in a row (1 or more).
  Duration delay(int failures) const {
    Duration wait = initial;
    for (int i = 1; i < failures && wait < maximum; ++i) wait *= 2;
    return std::min(wait, maximum);
  }
};

// A task that stayed healthy this long starts again from the first delay.
constexpr Duration kBackoffReset = 10min;

}  // namespace slipway
