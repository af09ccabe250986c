// What a control plane remembers beyond what its engine can tell: overrides, memories, history, events, and
// that everything is to go.
//
// Losing all of it costs overrides and history, never a task. Implementations are used from one thread at a
// time; calls are short. A write that returned is durable against kill -9 of the process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/observed.h"
#include "model/override.h"
#include "model/status.h"

namespace slipway::state {

// How one bounce went.
struct BounceRecord {
  int64_t id = 0;  // the store's own; grows
  model::InstanceId instance;
  model::RevisionId revision;
  std::string spec;     // the revision's canonical JSON, for what changed
  std::string outcome;  // "running", "done", "superseded", "stalled", "stopped"
  std::string text;     // what changed, or why it stalled
  Time started_at{};
  std::optional<Time> ended_at;
};

// Names one holder of a store; a later one is greater.
using Claim = int64_t;

class Store {
 public:
  virtual ~Store() = default;

  // From now on the caller holds the state, and whoever held it before must not act any more.
  virtual Result<Claim> claim() = 0;
  // Conflict when somebody has claimed the store since. Any other error: that cannot be told.
  virtual Status still_mine(Claim claim) = 0;

  // Grows with every call, across restarts. `at_least`: the highest generation seen on the engine, so that a
  // store that was lost does not count from 1 again.
  virtual Result<model::Generation> next_generation(model::Generation at_least) = 0;

  virtual Result<std::vector<model::Override>> overrides() = 0;
  virtual Status put_override(
      const model::Override& value) = 0;  // replaces one of the same instance and kind
  virtual Status remove_override(const model::InstanceId& instance, model::OverrideKind kind) = 0;

  // Memories: opaque text by instance. An empty text forgets it.
  virtual Result<std::vector<std::pair<model::InstanceId, std::string>>> memories() = 0;
  virtual Status put_memory(const model::InstanceId& instance, const std::string& text) = 0;

  // Stores, or replaces the record of the same instance, revision and beginning, so it is safe to repeat; the
  // id handed in does not matter, the one given is returned. Bounded: the oldest beyond 100 per instance go.
  virtual Result<int64_t> put_bounce(const BounceRecord& record) = 0;
  virtual Result<std::vector<BounceRecord>> bounces(const model::InstanceId& instance,
                                                    int limit) = 0;  // newest first
  // Those without an end, of all instances, oldest first.
  virtual Result<std::vector<BounceRecord>> open_bounces() = 0;

  // `down` was said, and not all is gone yet: whoever opens this store next goes on with it. False at first.
  virtual Result<bool> going_down() = 0;
  virtual Status set_going_down(bool value) = 0;

  // Bounded: the oldest beyond 10,000 go. Returns the id given.
  virtual Result<int64_t> append_event(const model::Event& event) = 0;
  // Events with id > after, oldest first, at most `limit`; of one instance or service when `subject` is not
  // empty.
  virtual Result<std::vector<model::Event>> events(int64_t after, int limit, const std::string& subject) = 0;
  // The newest `limit` events, oldest first.
  virtual Result<std::vector<model::Event>> recent_events(int limit, const std::string& subject) = 0;
};

}  // namespace slipway::state
