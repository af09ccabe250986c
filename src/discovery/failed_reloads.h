// What HAProxy would not change to, and when to try it again. While it waits, the worker that runs goes on
// with the last good configuration. Pure; one thread.
#pragma once

#include <optional>
#include <string>

#include "base/backoff.h"

namespace slipway::discovery {

class FailedReloads {
 public:
  // The text with this signature (see haproxy.h) was tried at `now` and did not come to serve.
  void add(std::string signature, Error why, SteadyTime now) {
    signature_ = std::move(signature);
    why_ = std::move(why);
    ++in_a_row_;
    retry_at_ = now + kBackoff.delay(in_a_row_);
  }

  // What is wanted is served.
  void clear() { *this = FailedReloads(); }

  // Why not to try this text yet; nullopt when it is time. Another text than the last is worth a try at once:
  // it may be the mended one.
  std::optional<Error> objection(const std::string& signature, SteadyTime now) const {
    return signature == signature_ && now < retry_at_ ? why_ : std::nullopt;
  }

 private:
  // Not for ever more often: HAProxy counts each try against mworker-max-reloads (see haproxy.cpp).
  static constexpr Backoff kBackoff{.initial = 1s, .maximum = 5min};

  std::string signature_;
  std::optional<Error> why_;
  int in_a_row_ = 0;
  SteadyTime retry_at_{};
};

}  // namespace slipway::discovery
