// Whether a fault strikes, drawn from the seed.
//
// Each seed has faults of some kinds only: a fault that is always there hides what another would show alone.
#pragma once

#include <set>

#include "base/random.h"
#include "sim/fault.h"
#include "sim/timeline.h"

namespace slipway::sim {

class Chance {
 public:
  Chance(uint64_t seed, Timeline& timeline) : random_(seed), timeline_(timeline) {
    for (bool& on : enabled_) on = random_.below(2) == 0;
  }

  // One time in `one_in`, where this seed has such faults at all. What it is goes into the timeline by
  // `plane`.
  bool strikes(Fault fault, uint64_t one_in, int plane = 0) {
    if (quiet_ || !enabled(fault) || random_.below(one_in) != 0) return false;
    note(fault, plane);
    return true;
  }
  bool enabled(Fault fault) const { return enabled_[static_cast<size_t>(fault)]; }
  void note(Fault fault, int plane = 0) {
    ++tally_[static_cast<size_t>(fault)];
    timeline_.note(plane, "fault", "{}", to_text(fault));
  }
  // No more faults.
  void be_quiet() { quiet_ = true; }
  bool quiet() const { return quiet_; }

  // Uniform in [low, high], both included.
  Duration between(Duration low, Duration high) {
    return low +
           Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>((high - low).count()) + 1)));
  }
  uint64_t below(uint64_t bound) { return random_.below(bound); }
  const FaultTally& tally() const { return tally_; }

 private:
  SeededRandom random_;
  Timeline& timeline_;
  std::array<bool, kFaults> enabled_{};
  FaultTally tally_{};
  bool quiet_ = false;
};

}  // namespace slipway::sim
