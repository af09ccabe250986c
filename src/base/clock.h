// Time as an argument. Decisions take `Time now`; whoever must read a clock is handed one.
//
// Two readings that must not be mixed: wall time (Time), which survives restarts, is stored and shown, and
// may jump; and steady time (SteadyTime), for deadlines inside one process, which never goes back.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Duration>;
using SteadyTime = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

// The instant after which a call must have given up with ErrorCode::Timeout.
struct Deadline {
  SteadyTime at;

  // Time left; zero when it has passed.
  Duration left(SteadyTime now) const {
    return now >= at ? Duration::zero() : std::chrono::ceil<Duration>(at - now);
  }
  bool passed(SteadyTime now) const { return now >= at; }
};

// Thread-safe: every implementation may be read from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual SteadyTime steady_now() const = 0;

  Deadline deadline_in(Duration wait) const { return Deadline{steady_now() + wait}; }
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  SteadyTime steady_now() const override;
};

// A clock that moves only when told to. One thread.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = Time(Duration(1'700'000'000'000))) : now_(start) {}
  Time now() const override { return now_; }
  SteadyTime steady_now() const override { return steady_; }
  void advance(Duration by) {
    now_ += by;
    steady_ += by;
  }
  // A jump of wall time that steady time does not see.
  void jump_wall(Duration by) { now_ += by; }

 private:
  Time now_;
  SteadyTime steady_{};
};

// "2026-01-31T09:15:00.250Z", always UTC with milliseconds.
std::string to_text(Time time);
Result<Time> parse_time(std::string_view text);

// "250ms", "1.5s", "2m5s", "3h", "4d": for people. At most two units.
std::string to_text(Duration duration);
// Reads "90", "90s", "1.5m", "2h30m", "7d"; a bare number is seconds. Negative or empty is Invalid.
Result<Duration> parse_duration(std::string_view text);

}  // namespace slipway
