#include "engine/fake/cluster.h"

#include <algorithm>
#include <utility>

namespace slipway::engine::fake {

namespace {
// How long the live thread and waiting readers sleep when nothing is due: bounds what a missed wake-up could
// cost.
constexpr Duration kLongestNap = 1s;
}  // namespace

FakeCluster::FakeCluster(const Clock& clock, Random& random, Options options)
    : clock_(clock), live_(options.live), world_(std::move(options), random) {
  const Lock lock(mutex_);
  catch_up();
  if (live_) live_thread_ = std::thread([this] { live_loop(); });
}

FakeCluster::~FakeCluster() {
  {
    const Lock lock(mutex_);
    closing_ = true;
  }
  moved_.notify_all();
  if (live_thread_.joinable()) live_thread_.join();
}

void FakeCluster::catch_up() {
  world_.advance(clock_.steady_now(), clock_.now());
}

void FakeCluster::live_loop() {
  while (true) {
    {
      const Lock lock(mutex_);
      if (closing_) return;
      catch_up();
      // A change is told first, outside the lock.
      if (world_.version() == told_version_) {
        const auto due = world_.next_due();
        const Duration nap = due ? Deadline{*due}.left(clock_.steady_now()) : kLongestNap;
        moved_.wait_for(mutex_, std::min(nap, kLongestNap));
      }
    }
    tell_watchers();
  }
}

void FakeCluster::tell_watchers() {
  {
    const Lock lock(mutex_);
    // Also where nothing observable has changed: a reader may wait for a line, the live thread for a nearer
    // due time.
    moved_.notify_all();
    if (world_.version() == told_version_) return;
    told_version_ = world_.version();
    if (api_.lose_hints) return;
  }
  const Lock lock(hint_mutex_);
  for (const auto& [owner, changed] : watchers_) changed();
}

void FakeCluster::wait_until(Duration wait, const std::function<bool(World&)>& look) {
  const Note note(*this);
  const Deadline deadline = clock_.deadline_in(wait);
  const Lock lock(mutex_);
  while (true) {
    catch_up();
    const SteadyTime now = clock_.steady_now();
    if (look(world_) || !live_ || closing_ || deadline.passed(now)) return;
    moved_.wait_for(mutex_, std::min(deadline.left(now), kLongestNap));
  }
}

void FakeCluster::watch(const void* owner, std::function<void()> changed) {
  const Lock lock(hint_mutex_);
  if (changed) {
    watchers_[owner] = std::move(changed);
  } else {
    watchers_.erase(owner);
  }
}

void FakeCluster::set_knobs(const TaskKnobs& knobs) {
  with([&](World& world) { world.set_knobs(knobs); });
}

void FakeCluster::set_knobs(const model::RevisionId& revision, const TaskKnobs& knobs) {
  with([&](World& world) { world.set_knobs(revision, knobs); });
}

void FakeCluster::set_api(const ApiKnobs& knobs) {
  const Lock lock(mutex_);
  api_ = knobs;
}

ApiKnobs FakeCluster::api() {
  const Lock lock(mutex_);
  return api_;
}

}  // namespace slipway::engine::fake
