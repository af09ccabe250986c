// Watches how much tasks have written to their own layers, and reports those that hold more than they may.
//
// There is no limit that the kernel would hold on every host (docs/decisions/0014 tells which it would hold
// where), so layers are measured: all of them in a round, a round every few seconds, and never faster than
// lets the measuring take a small part of one core. A task may therefore be over its limit for a while, by
// what it writes meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "model/ids.h"

namespace slipway::engine::local {

struct DiskPace {
  Duration period = 10s;       // from one round to the next, where there is little to look at
  Duration slice = 5ms;        // of work at a time
  int rest = 200;              // then as many times as long without any: half a percent of a core
  Duration longest_rest = 5s;  // where a slow disk and not our own work has made a slice long
};

struct DiskTarget {
  std::filesystem::path layer;  // of the task: what it writes
  uint64_t run = 0;             // of the task's lives, to tell old reports from new ones
  uint64_t limit_bytes = 0;
};

// Bytes on disk of all below `folder`, on that file system: sparse files by what they hold, a file with
// several names once. `go_on` is asked again and again; where it says no, and as soon as there are more than
// `enough`, the sum so far is returned. What goes while it is being looked at is passed over, links are not
// followed, and nothing deeper than a hundred folders is counted. Memory and descriptors do not grow with
// what is found.
uint64_t disk_use(const std::filesystem::path& folder, uint64_t enough, const std::function<bool()>& go_on);

// Thread-safe; has one thread, which calls `report`.
class DiskWatch {
 public:
  // `used` may be less than all that the task holds: it is measured until it is too much.
  using Report = std::function<void(const model::TaskId& task, uint64_t run, uint64_t used)>;

  DiskWatch(const Clock& clock, DiskPace pace, Report report);
  ~DiskWatch();
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

  // Reported after each round in which it holds too much, until it is forgotten.
  void watch(const model::TaskId& task, DiskTarget target);
  void forget(const model::TaskId& task);

 private:
  void work();
  void look_at(const model::TaskId& task, const DiskTarget& target);
  bool is_watched(const model::TaskId& task, uint64_t run) const;
  bool take_a_rest();
  bool wait_until(SteadyTime at);

  const Clock& clock_;
  const DiskPace pace_;
  const Report report_;
  mutable Mutex mutex_;
  Condition wake_;
  std::map<model::TaskId, DiskTarget> targets_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  SteadyTime slice_began_;  // the thread's own
  std::thread thread_;
};

}  // namespace slipway::engine::local
