// Threads for work that other parties do and may never end: a builder, a registry.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"

namespace slipway::io {

struct PatientLimits {
  int places = 2;            // tasks at once that are younger than `patience`
  Duration patience = 2min;  // then a task goes on without its place, and another begins
  int threads = 16;          // tasks at once, whatever their age
  size_t queue = 1024;       // tasks that wait
};

// A WorkerPool in which a task that hangs keeps the others waiting for `patience` at most, as long as fewer
// than `threads` hang. Threads are started as they are needed, and stay. Thread-safe.
class PatientPool {
 public:
  // `clock` outlives the pool.
  PatientPool(PatientLimits limits, const Clock& clock);
  // Waits for running tasks and drops the others.
  ~PatientPool();
  PatientPool(const PatientPool&) = delete;
  PatientPool& operator=(const PatientPool&) = delete;

  // Any thread. Exhausted when the queue is full.
  Status submit(std::function<void()> task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway::io
