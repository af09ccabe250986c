// Runs the health checks of all tasks: one thread and epoll for http, https and tcp, a few worker threads for
// commands.
//
// Thread-safe. A slow or hanging task delays no other one's check, except that at most kSocketProbes
// connections are open at once and at most kCommandProbes commands run; the rest wait their turn.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/observed.h"
#include "model/spec.h"

namespace slipway::engine::local {

constexpr int kSocketProbes = 256;
constexpr int kCommandProbes = 4;

struct ProbeTarget {
  model::TaskId task;
  uint64_t run = 0;          // chosen by the owner, returned in reports: a restart is another run
  model::HealthCheck check;  // mode other than None
  std::optional<model::Address> address;  // absent: http and tcp checks fail and say so
  SteadyTime started_at{};                // of the process, for the grace period
  bool healthy = false;                   // it was, when its watcher was replaced
};

struct HealthReport {
  model::TaskId task;
  uint64_t run = 0;
  model::Health health = model::Health::Unknown;
  std::string reason;  // of the last failure; empty after a pass
};

class HealthProber {
 public:
  // Runs check.cmd inside the task within check.timeout. Ok is a pass; otherwise the error's text says why.
  // Nothing: it could not be run, which says nothing about the task. Called from worker threads, several at
  // once.
  using CommandCheck = std::function<std::optional<Status>(const ProbeTarget& target)>;
  // Called on the prober's thread whenever health or reason of a target changed. Must not block, nor call
  // back.
  using Listener = std::function<void(HealthReport)>;

  HealthProber(const Clock& clock, CommandCheck run_command, Listener listener);
  // Waits for commands that are running (at most their timeout). No report comes afterwards.
  ~HealthProber();
  HealthProber(const HealthProber&) = delete;
  HealthProber& operator=(const HealthProber&) = delete;

  // Probes it from now on, instead of an earlier run of the same task.
  void watch(ProbeTarget target);
  // A report may still be under way.
  void forget(const model::TaskId& task);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace slipway::engine::local
