#include "io/patient_pool.h"

#include <algorithm>
#include <deque>
#include <set>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace slipway::io {

struct PatientPool::State {
  State(PatientLimits the_limits, const Clock& the_clock) : limits(the_limits), clock(the_clock) {}

  // The running tasks that hold a place now, oldest first.
  std::multiset<SteadyTime>::const_iterator first_young() const REQUIRES(mutex) {
    return running.upper_bound(clock.steady_now() - limits.patience);
  }

  // False: it closes.
  bool wait_for_task(std::function<void()>& task, SteadyTime& begun) {
    Lock lock(mutex);
    ++idle;
    while (!closing) {
      const auto oldest = first_young();
      const bool place = std::distance(oldest, running.cend()) < limits.places;
      if (queue.empty()) {
        wake.wait(mutex);
      } else if (!place) {
        wake.wait_until(mutex, *oldest + limits.patience);
      } else {
        break;
      }
    }
    --idle;
    if (closing) return false;
    task = std::move(queue.front());
    queue.pop_front();
    begun = clock.steady_now();
    running.insert(begun);
    return true;
  }

  void work() {
    std::function<void()> task;
    SteadyTime begun;
    while (wait_for_task(task, begun)) {
      task();
      task = nullptr;
      {
        const Lock lock(mutex);
        running.erase(running.find(begun));
      }
      wake.notify_all();
    }
  }

  const PatientLimits limits;
  const Clock& clock;
  Mutex mutex;
  Condition wake;
  bool closing GUARDED_BY(mutex) = false;
  std::deque<std::function<void()>> queue GUARDED_BY(mutex);
  std::multiset<SteadyTime> running GUARDED_BY(mutex);  // when each began
  size_t idle GUARDED_BY(mutex) = 0;
  std::vector<std::thread> threads GUARDED_BY(mutex);
};

PatientPool::PatientPool(PatientLimits limits, const Clock& clock)
    : state_(std::make_unique<State>(limits, clock)) {}

PatientPool::~PatientPool() {
  std::vector<std::thread> threads;
  {
    const Lock lock(state_->mutex);
    state_->closing = true;
    threads.swap(state_->threads);
  }
  state_->wake.notify_all();
  for (std::thread& thread : threads) thread.join();
}

Status PatientPool::submit(std::function<void()> task) {
  {
    const Lock lock(state_->mutex);
    if (state_->queue.size() >= state_->limits.queue) {
      return Error(ErrorCode::Exhausted, "too much work is waiting already; try again later");
    }
    state_->queue.push_back(std::move(task));
    const bool room = static_cast<int>(state_->threads.size()) < state_->limits.threads;
    if (room && state_->idle < state_->queue.size()) {
      state_->threads.emplace_back([state = state_.get()] { state->work(); });
    }
  }
  state_->wake.notify_all();
  return {};
}

}  // namespace slipway::io
