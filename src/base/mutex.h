// std::mutex with Clang's thread-safety attributes, which `./dev lint` checks: every guarded field names its
// mutex.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SLIPWAY_ATTRIBUTE(x) __attribute__((x))
#else
#define SLIPWAY_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) SLIPWAY_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) SLIPWAY_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) SLIPWAY_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace slipway {

class SLIPWAY_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() SLIPWAY_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() SLIPWAY_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SLIPWAY_ATTRIBUTE(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) SLIPWAY_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() SLIPWAY_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex (std::condition_variable_any takes anything that locks).
using Condition = std::condition_variable_any;

}  // namespace slipway
