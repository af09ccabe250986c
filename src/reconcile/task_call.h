// Calls to running tasks, as the drain methods http and command make them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/engine.h"
#include "io/event_loop.h"
#include "model/plan.h"

namespace slipway::reconcile {

// Blocking; any thread. `call` is a path with GET or POST (the default) before it: "/drain", "GET /drained".
// Ok for an answer from 200 to 299; else Unavailable or Timeout with what was called and what came back.
Status call_by_http(const model::Address& address, const std::string& call, const Clock& clock,
                    Deadline deadline);

// Blocking; any thread. Runs `sh -c script` inside the task. Ok where it ends with 0; else Unavailable or
// Timeout with its exit code and its last line. A command that is not done by the deadline is killed.
Status call_by_command(engine::Engine& engine, const model::TaskId& task, const std::string& script,
                       const Clock& clock, Deadline deadline);

// What a task is called for; each is a parameter of the drain method.
enum class TaskCall { Drain, Safe, Undrain };

// Makes the calls on a pool of its own, because a task may answer slowly or never.
class TaskCaller {
 public:
  // All is borrowed and outlives it.
  TaskCaller(engine::Engine& engine, io::EventLoop& loop, const Clock& clock);
  // Waits for the calls under way, each some seconds at most.
  ~TaskCaller();

  // The loop's thread, on which `done` is called later. What is not configured needs no call: a task without
  // `safe` may be stopped once it was told.
  void start(const model::TellTaskStep& wish, TaskCall what, std::function<void(const Status&)> done);

 private:
  engine::Engine& engine_;
  io::EventLoop& loop_;
  const Clock& clock_;
  std::unique_ptr<io::WorkerPool> pool_;
};

}  // namespace slipway::reconcile
