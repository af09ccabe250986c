// One thread that owns its state and runs what is posted to it; and a bounded pool for slow work.
//
// Boost.Asio is behind it and does not show. Never block on the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::io {

class EventLoop {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;

  // Runs until stop(). The calling thread becomes the loop's thread.
  void run();
  // Any thread. What is posted already still runs; timers do not.
  void stop();

  // Any thread: run soon, in order of posting, on the loop's thread.
  void post(Task task);
  // Loop's thread: once after `wait`. cancel() of a timer that has fired is fine.
  TimerId after(Duration wait, Task task);
  void cancel(TimerId timer);
  // Loop's thread: whenever the descriptor is readable (level-triggered), until unwatched. The descriptor is
  // borrowed. Exhausted when there is no descriptor left for a copy of it: then nothing is watched.
  Status on_readable(int fd, Task task);
  void unwatch(int fd);
  // Loop's thread: SIGTERM, SIGINT, SIGHUP and the like, as a task. The process's default action is replaced.
  void on_signal(int signal, std::function<void(int)> task);

  // For wrappers in this folder: the boost::asio::io_context.
  void* native();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `threads` threads, at most `queue_limit` tasks waiting. Destroying it waits for running tasks and drops the
// others.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  // Any thread. Exhausted when the queue is full.
  Status submit(std::function<void()> task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway::io
