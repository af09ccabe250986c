// A World that several threads may use: the machine room that outlives any control plane. Fake engines come
// and go in front of it, as real ones do in front of real clusters.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "engine/fake/world.h"

namespace slipway::engine::fake {

// Thread-safe. The clock and the random numbers are borrowed and must outlive it.
class FakeCluster {
 public:
  FakeCluster(const Clock& clock, Random& random, Options options = {});
  ~FakeCluster();
  FakeCluster(const FakeCluster&) = delete;

  // The world as it is now, for one look or one change under the lock. Watchers hear of changes afterwards.
  template <class Look>
  auto with(Look look) EXCLUDES(mutex_) {
    const Note note(*this);  // last out: tells watchers after the lock is dropped
    const Lock lock(mutex_);
    catch_up();
    if constexpr (std::is_void_v<decltype(look(world_))>) {
      look(world_);
      catch_up();
    } else {
      auto found = look(world_);
      catch_up();
      return found;
    }
  }

  // Looks again after each change until `look` is satisfied, `wait` is over, or at once where time does not
  // pass by itself. `look` gets the world and returns whether it is satisfied.
  void wait_until(Duration wait, const std::function<bool(World&)>& look) EXCLUDES(mutex_);

  // One watcher per `owner`; an empty function ends its watch, after a call that may be under way.
  void watch(const void* owner, std::function<void()> changed) EXCLUDES(hint_mutex_);

  void set_knobs(const TaskKnobs& knobs);
  void set_knobs(const model::RevisionId& revision, const TaskKnobs& knobs);
  void set_api(const ApiKnobs& knobs);
  ApiKnobs api();

  const Clock& clock() const { return clock_; }
  bool live() const { return live_; }

 private:
  struct Note {
    explicit Note(FakeCluster& owner) : cluster(owner) {}
    ~Note() { cluster.tell_watchers(); }
    FakeCluster& cluster;
  };

  void catch_up() REQUIRES(mutex_);
  void tell_watchers() EXCLUDES(mutex_, hint_mutex_);
  void live_loop() EXCLUDES(mutex_);

  const Clock& clock_;
  const bool live_;
  Mutex mutex_;
  Condition moved_;  // the world has changed, or the cluster is closing
  World world_ GUARDED_BY(mutex_);
  ApiKnobs api_ GUARDED_BY(mutex_);
  uint64_t told_version_ GUARDED_BY(mutex_) = 0;
  bool closing_ GUARDED_BY(mutex_) = false;
  Mutex hint_mutex_;  // held while watchers are called, so that none is called after its watch ended
  std::map<const void*, std::function<void()>> watchers_ GUARDED_BY(hint_mutex_);
  std::thread live_thread_;
};

}  // namespace slipway::engine::fake
