// Runs the health checks of all tasks: one thread and epoll for http, https and tcp, worker threads for
// commands.
//
// Thread-safe. Checks that are slow or hang delay those of their own revision, of which only a few are under
// way at once, and no other's: not before so many revisions hang that their few fill the whole (16 with
// connections, 16 with commands).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/observed.h"
#include "model/spec.h"

namespace slipway::engine::local {

// Connections that are open at once, and those of one revision.
constexpr int kSocketProbes = 256;
constexpr int kSocketProbesEach = 16;
// Commands that run at once, each with a thread that waits for it; those of one revision; and those that may
// be busy beginning: starting a command in a container costs the processor, waiting for it nothing.
constexpr int kCommandProbes = 64;
constexpr int kCommandProbesEach = 4;
constexpr int kCommandPlaces = 4;
constexpr Duration kCommandPatience = 1s;

struct ProbeTarget {
  model::TaskId task;
  model::RevisionId revision;  // checks take turns by it
  uint64_t run = 0;            // chosen by the owner, returned in reports: a restart is another run
  model::HealthCheck check;    // mode other than None
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
