// Requests that wait for a newer snapshot: one thread waits for all of them, so that a hundred `status
// --watch` hold no thread each.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "reconcile/control.h"

namespace slipway::api {

class ChangeWaiters {
 public:
  ChangeWaiters(reconcile::Control& control, const Clock& clock);
  // Those that still wait are dropped.
  ~ChangeWaiters();
  ChangeWaiters(const ChangeWaiters&) = delete;

  // Calls `wake` once, on the waiters' thread, when the snapshot's sequence is above `seen` or the deadline
  // has passed. It must not block. Exhausted when too many wait.
  Status add(uint64_t seen, Deadline deadline, std::function<void()> wake);

 private:
  struct Waiter {
    uint64_t seen = 0;
    Deadline deadline;
    std::function<void()> wake;
  };

  void work();
  // Takes out those whose wait is over; false: the end has come.
  bool take_due(uint64_t sequence, std::vector<Waiter>& due);

  reconcile::Control& control_;
  const Clock& clock_;
  Mutex mutex_;
  Condition changed_;
  bool closing_ GUARDED_BY(mutex_) = false;
  std::vector<Waiter> waiters_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace slipway::api
