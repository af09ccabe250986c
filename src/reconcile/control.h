// The narrow door to a running control plane: all that the API may ask of it.
//
// Implemented by reconcile::Loop. Thread-safe: reads return an immutable snapshot at once; writes are carried
// to the control thread and return when they are stored. Streams (logs, exec) go to the engine directly and
// may block: call those from a thread of your own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "model/override.h"
#include "model/plan.h"
#include "model/source_status.h"
#include "model/status.h"
#include "state/store.h"

namespace slipway::reconcile {

// The whole truth that the API serves, made once a round.
struct Snapshot {
  uint64_t sequence = 0;  // grows with every new snapshot
  std::string cluster;
  std::string engine;
  std::string config_path;     // the config tree
  model::SourceStatus source;  // where it comes from
  std::string isolation;       // a warning; empty when tasks are isolated
  model::Generation generation = 0;
  Time at{};             // of the observation; 0 before the first
  std::string trouble;   // why the picture may be stale ("engine: ..."); empty when it is fresh
  bool settled = false;  // all is as wanted, and the last plan was empty
  bool shutting_down = false;
  bool released = false;  // shut down to the end: nothing is left
  Shared<model::Desired> desired;
  std::vector<Shared<model::InstanceStatus>> instances;  // sorted by id
  Shared<std::vector<model::Node>> nodes;
  std::vector<model::Override> overrides;  // in force at the last round, by instance and kind
  model::Plan plan;                        // the last one; its steps alone
  std::vector<model::Task> one_off;
};

// That a node is to take no more tasks (or, with `draining` false, that it may again).
struct NodeDrain {
  model::NodeId node;
  bool draining = true;
  std::string owner;  // the user who said so
  std::string reason;
};

class Control {
 public:
  virtual ~Control() = default;

  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;
  // Blocks until a snapshot with a sequence above `seen` is there, or the deadline; returns the newest either
  // way.
  virtual std::shared_ptr<const Snapshot> wait_for_change(uint64_t seen, Deadline deadline) const = 0;

  // NotFound where no such instance is in the files. A freeze is of no instance.
  virtual Status put_override(const model::Override& value, Deadline deadline) = 0;
  virtual Status remove_override(const model::InstanceId& instance, model::OverrideKind kind,
                                 Deadline deadline) = 0;

  // Returns when the engine, which remembers it, has taken the order; the planner then moves the tasks within
  // their floors. NotFound where the engine has no such node.
  virtual Status set_draining(const NodeDrain& order, Deadline deadline) = 0;

  virtual Result<std::vector<model::Event>> events(int64_t after, int limit, const std::string& subject) = 0;
  virtual Result<std::vector<model::Event>> recent_events(int limit, const std::string& subject) = 0;
  virtual Result<std::vector<state::BounceRecord>> bounces(const model::InstanceId& instance, int limit) = 0;

  virtual Result<std::unique_ptr<engine::LogReader>> logs(const engine::LogRequest& request,
                                                          Deadline deadline) = 0;
  virtual Result<std::unique_ptr<engine::ExecSession>> exec(const engine::ExecRequest& request,
                                                            Deadline deadline) = 0;
  // Starts a one-off task of the instance's wanted revision, with another command when `argv` is not empty.
  virtual Result<model::TaskId> run(const model::InstanceId& instance, const std::vector<std::string>& argv,
                                    Deadline deadline) = 0;
  virtual Status collect(const model::TaskId& task, Deadline deadline) = 0;

  // Read the files again now rather than when a change is noticed.
  virtual void reload() = 0;
  // `down`: drain and stop everything, then release the engine; the snapshot tells how far it is. With
  // keep_tasks only the control plane itself ends.
  virtual void shut_down(bool keep_tasks) = 0;
};

}  // namespace slipway::reconcile
