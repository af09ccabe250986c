// One call to a running task, as the drain methods http and command make it. Blocking; any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "engine/engine.h"

namespace slipway::reconcile {

// `call` is a path with GET or POST (the default) before it: "/drain", "GET /drained". Ok for an answer from
// 200 to 299; else Unavailable or Timeout with what was called and what came back.
Status call_by_http(const model::Address& address, const std::string& call, const Clock& clock,
                    Deadline deadline);

// Runs `sh -c script` inside the task. Ok where it ends with 0; else Unavailable or Timeout with its exit
// code and its last line. A command that is not done by the deadline is killed.
Status call_by_command(engine::Engine& engine, const model::TaskId& task, const std::string& script,
                       const Clock& clock, Deadline deadline);

}  // namespace slipway::reconcile
