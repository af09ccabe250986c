// How the fake cluster misbehaves. The defaults are a cluster in which everything works at once.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/observed.h"

namespace slipway::engine::fake {

class Placer;  // placer.h

// Of tasks: set for the whole cluster, or for one revision in the place of the cluster's. Read at the moment
// when the thing in question happens, so turning a knob also reaches tasks that run.
struct TaskKnobs {
  Duration prepare_delay = 0ms;     // in state `preparing`: the image is fetched
  Duration start_delay = 0ms;       // in state `starting`
  std::string start_error;          // not empty: every start fails with this reason
  std::optional<model::Exit> exit;  // the process ends like this, `exit_after` its start
  Duration exit_after = 0ms;
  Duration healthy_after = 0ms;  // health checks fail before the process is this old
  Duration flap_period = 0ms;    // not 0: health checks pass for one period, fail for the next, and so on
  bool unhealthy = false;        // health checks fail
  Duration stop_delay = 0ms;     // between the stop signal and the end of a process that heeds it
  bool ignores_stop_signal = false;
};

// Of the engine's API, as a control plane sees it.
struct ApiKnobs {
  bool outage = false;        // every verb fails with Unavailable and does nothing
  bool lose_answers = false;  // every verb that changes something is carried out, and answers Timeout
  bool lose_hints = false;    // watchers are told nothing
  bool stale = false;         // observe() repeats the last snapshot it gave
};

struct NodeOptions {
  std::string id = "node-1";
  double cpus = 1e6;
  int64_t mem_mb = int64_t{1} << 40;
  std::map<std::string, std::string> attributes;
};

struct Options {
  std::vector<NodeOptions> nodes = {NodeOptions{}};
  // Time passes by itself: a thread carries out what falls due, and streams wait for what comes. Only with a
  // clock that moves. Otherwise time is looked at when a verb is called, and nothing ever waits.
  bool live = false;
  // Images, commands and volume folders that do not exist, by name.
  std::set<std::string> missing;
  std::shared_ptr<Placer> placer;  // null: the simple rule
};

}  // namespace slipway::engine::fake
