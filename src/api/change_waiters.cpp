#include "api/change_waiters.h"

#include <algorithm>

namespace slipway::api {

namespace {
constexpr size_t kLimit = 1024;
// How long one look lasts: a waiter that comes in the middle, or the end of the server, is noticed after it.
constexpr Duration kLook = 100ms;
}  // namespace

ChangeWaiters::ChangeWaiters(reconcile::Control& control, const Clock& clock)
    : control_(control), clock_(clock), thread_([this] { work(); }) {}

ChangeWaiters::~ChangeWaiters() {
  {
    const Lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status ChangeWaiters::add(uint64_t seen, Deadline deadline, std::function<void()> wake) {
  {
    const Lock lock(mutex_);
    if (waiters_.size() >= kLimit) {
      return Error(ErrorCode::Unavailable, "too many requests wait for news already; try again later");
    }
    waiters_.push_back({seen, deadline, std::move(wake)});
  }
  changed_.notify_all();
  return {};
}

bool ChangeWaiters::take_due(uint64_t sequence, std::vector<Waiter>& due) {
  const SteadyTime now = clock_.steady_now();
  const Lock lock(mutex_);
  while (!closing_ && waiters_.empty()) changed_.wait(mutex_);
  const auto over = [&](const Waiter& waiter) {
    return sequence > waiter.seen || waiter.deadline.passed(now);
  };
  const auto first = std::stable_partition(waiters_.begin(), waiters_.end(), std::not_fn(over));
  due.assign(std::make_move_iterator(first), std::make_move_iterator(waiters_.end()));
  waiters_.erase(first, waiters_.end());
  return !closing_;
}

void ChangeWaiters::work() {
  std::vector<Waiter> due;
  uint64_t sequence = control_.snapshot()->sequence;
  while (take_due(sequence, due)) {
    for (const Waiter& waiter : due) waiter.wake();
    due.clear();
    sequence = control_.wait_for_change(sequence, clock_.deadline_in(kLook))->sequence;
  }
}

}  // namespace slipway::api
