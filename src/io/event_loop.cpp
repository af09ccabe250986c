#include "io/event_loop.h"

#include <atomic>
#include <deque>
#include <fcntl.h>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/check.h"
#include "base/mutex.h"

namespace slipway::io {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;

struct EventLoop::State {
  struct Watch {
    Watch(asio::io_context& context, int copy) : descriptor(context, copy) {}
    asio::posix::stream_descriptor descriptor;
    Task task;
  };
  struct Signals {
    Signals(asio::io_context& context, int number) : set(context, number) {}
    asio::signal_set set;
    std::function<void(int)> task;
  };

  // Without the hint that one thread runs it: with it, what the loop posts to itself may be overtaken by what
  // another thread posts later.
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::atomic<bool> stopping = false;
  std::atomic<std::thread::id> runner;  // none: run() is not running
  TimerId last_timer = 0;
  std::unordered_map<TimerId, asio::steady_timer> timers;
  // Shared with the waiting handler, which must find it alive when a task unwatches itself.
  std::unordered_map<int, std::shared_ptr<Watch>> watches;
  std::map<int, std::shared_ptr<Signals>> signals;

  // Before run() any thread may set the loop up; then only the loop's own.
  void check_thread() const {
    const std::thread::id id = runner.load();
    CHECK(id == std::thread::id() || id == std::this_thread::get_id());
  }

  bool watches_still(int fd, const std::shared_ptr<Watch>& watch) const {
    const auto it = watches.find(fd);
    return it != watches.end() && it->second == watch;
  }

  void wait_readable(int fd, const std::shared_ptr<Watch>& watch) {
    watch->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [this, fd, watch](const AsioError& error) {
                                   // The event may have been on its way when the watch ended, perhaps for
                                   // another watch of the same number.
                                   if (error || !watches_still(fd, watch)) return;
                                   watch->task();
                                   if (watches_still(fd, watch)) wait_readable(fd, watch);
                                 });
  }

  void wait_signal(const std::shared_ptr<Signals>& waited) {
    waited->set.async_wait([this, waited](const AsioError& error, int number) {
      if (error) return;
      waited->task(number);
      wait_signal(waited);
    });
  }
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  state_->runner = std::this_thread::get_id();
  state_->context.run();
  state_->context.restart();  // so that a stopped loop may be run again
  state_->stopping = false;
  state_->runner = std::thread::id();
}

void EventLoop::stop() {
  state_->stopping = true;
  asio::post(state_->context, [this] { state_->context.stop(); });
}

void EventLoop::post(Task task) {
  asio::post(state_->context, std::move(task));
}

EventLoop::TimerId EventLoop::after(Duration wait, Task task) {
  state_->check_thread();
  const TimerId id = ++state_->last_timer;
  auto& timer = state_->timers.try_emplace(id, state_->context, wait).first->second;
  timer.async_wait([state = state_.get(), id, task = std::move(task)](const AsioError& error) {
    // Cancelled ones are no longer in the map, even where they had fired before.
    if (error || state->stopping || state->timers.erase(id) == 0) return;
    task();
  });
  return id;
}

void EventLoop::cancel(TimerId timer) {
  state_->check_thread();
  state_->timers.erase(timer);
}

Status EventLoop::on_readable(int fd, Task task) {
  unwatch(fd);
  // A copy, because asio closes what it watches and the caller's descriptor is only borrowed.
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error(errno, "watch a descriptor");
  auto watch = std::make_shared<State::Watch>(state_->context, copy);
  watch->task = std::move(task);
  state_->watches[fd] = watch;
  state_->wait_readable(fd, watch);
  return {};
}

void EventLoop::unwatch(int fd) {
  state_->check_thread();
  const auto it = state_->watches.find(fd);
  if (it == state_->watches.end()) return;
  AsioError ignored;
  it->second->descriptor.close(ignored);
  state_->watches.erase(it);
}

void EventLoop::on_signal(int signal, std::function<void(int)> task) {
  state_->check_thread();
  if (const auto it = state_->signals.find(signal); it != state_->signals.end()) {
    it->second->task = std::move(task);
    return;
  }
  auto waited = std::make_shared<State::Signals>(state_->context, signal);
  waited->task = std::move(task);
  state_->signals[signal] = waited;
  state_->wait_signal(waited);
}

void* EventLoop::native() {
  return &state_->context;
}

struct WorkerPool::State {
  explicit State(size_t limit) : queue_limit(limit) {}

  void work() {
    while (true) {
      std::function<void()> task;
      {
        Lock lock(mutex);
        while (!closing && queue.empty()) wake.wait(mutex);
        if (closing) return;
        task = std::move(queue.front());
        queue.pop_front();
      }
      task();
    }
  }

  const size_t queue_limit;
  Mutex mutex;
  Condition wake;
  bool closing GUARDED_BY(mutex) = false;
  std::deque<std::function<void()>> queue GUARDED_BY(mutex);
  std::vector<std::thread> threads;
};

WorkerPool::WorkerPool(int threads, size_t queue_limit) : state_(std::make_unique<State>(queue_limit)) {
  for (int i = 0; i < threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    Lock lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

Status WorkerPool::submit(std::function<void()> task) {
  {
    Lock lock(state_->mutex);
    if (state_->queue.size() >= state_->queue_limit) {
      return Error(ErrorCode::Exhausted, "too much work is waiting already; try again later");
    }
    state_->queue.push_back(std::move(task));
  }
  state_->wake.notify_one();
  return {};
}

}  // namespace slipway::io
