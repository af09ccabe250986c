// The planner: wanted and observed in, steps and reasons out.
//
// A pure function. It reads no clock, draws no random number and knows no engine; the same inputs give the
// same outcome, byte for byte. It is called again after every observation. What it must remember between two
// calls (when a drain began, when a bounce last made progress) it returns as `memory`, a value that the
// caller stores and hands back; with an empty memory it starts those waits anew, which is safe: drains last
// longer, nothing is stopped earlier.
//
// How a round is meant to be used: apply `plan.routes` to the load balancer first, then the steps. A task is
// stopped only in a round after the one whose observation showed it drained, so a control plane that dies
// anywhere in between does no harm.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/shared.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"
#include "model/plan.h"
#include "model/status.h"

namespace slipway::plan {

// How the load balancer sees one task.
struct RoutedTask {
  bool in = false;        // it gets new requests
  bool draining = false;  // it gets none, existing ones go on
  int sessions = 0;       // open now
  bool operator==(const RoutedTask&) const = default;
};

struct Routing {
  // False where the load balancer could not be asked: what it does is then unknown, and no task counts as
  // drained before its drain timeout.
  bool known = false;
  std::map<model::TaskId, RoutedTask> tasks;
  // Instances left out of the load balancer, with the reason (a taken port, a domain that two instances
  // claim).
  std::map<model::InstanceId, std::string> refused;
  // Why no load balancer runs although there is something to serve; empty otherwise.
  std::string down = {};
};

enum class ImageState { Unknown, Preparing, Ready, Failed };

struct ImageStatus {
  ImageState state = ImageState::Unknown;
  std::string reason;  // of Failed: what to tell the user
  Time retry_at{};     // of Failed
  int failures = 0;
  bool operator==(const ImageStatus&) const = default;
};

// By describe(image).
using Images = std::map<std::string, ImageStatus>;

// What a task that is told of its drain (methods http and command) has answered, as far as this process
// knows.
struct DrainReport {
  // What it has heard last. Unknown also after a call that failed, since that may have reached it.
  enum class Heard { Unknown, Drain, Stay };
  Heard heard = Heard::Unknown;
  bool safe = false;  // it says that it may be stopped
  std::string error;  // of the last try; empty where it went well
  bool operator==(const DrainReport&) const = default;
};
using DrainReports = std::map<model::TaskId, DrainReport>;

struct DrainMemory {
  Time started_at{};
  bool timed_out = false;  // said once, when connections were left after the drain timeout
  // When a step last asked the engine to stop it. Until a newer look shows it as it was, the engine may have
  // acted on that, and there is no way back into traffic; then the stop is lost, and is decided anew.
  std::optional<Time> stop_asked_at = {};
  int lost_stops = 0;
  bool operator==(const DrainMemory&) const = default;
};

// A change that is under way: to another revision, or (with an empty `from`) to enough happy tasks of this
// one.
struct BounceMemory {
  model::RevisionId to;
  std::vector<model::RevisionId> from;
  Time started_at{};
  Time progress_at{};
  bool created = false;  // the new revision has been seen on the engine
  int best_happy = 0;    // most happy new tasks seen; more is progress
  int fewest_old = 0;    // old tasks seen; fewer is progress as long as nothing new is created
  bool stalled = false;
  std::optional<Time> canary_since;  // its canaries have been happy since
  bool canary_done = false;          // long enough: the rest may go on
  bool operator==(const BounceMemory&) const = default;
};

// What one call tells the next about one instance.
struct InstanceMemory {
  std::map<model::TaskId, DrainMemory> drains;
  std::optional<BounceMemory> bounce;
  int unhealthy_replacements = 0;              // in a row, for their backoff
  std::optional<Time> replaced_at;             // when a task was last replaced for being unhealthy
  std::optional<model::RevisionId> last_good;  // the revision that was last fully happy
  std::optional<model::Revision> fallback;     // that revision in full, where auto_rollback may need it
  std::optional<model::RevisionId> rejected;   // it stalled and was rolled back: not tried again
  std::optional<model::TaskId> moving;         // it is being moved to a better node
  std::optional<Time> moved_at;                // when that last began
  std::set<model::TaskId> told;                // may have been told to drain, and not since that they stay
  bool operator==(const InstanceMemory&) const = default;
};

using Memory = std::map<model::InstanceId, InstanceMemory>;

Json to_json(const InstanceMemory& memory);
Result<InstanceMemory> instance_memory_from_json(const Json& json);

struct Inputs {
  Shared<model::Desired> desired;
  const model::Observed& observed;
  const Routing& routing;
  const std::vector<model::Override>& overrides;
  const Images& images;
  const Memory& memory;
  bool restarts_tasks = true;  // Engine capability
  bool shutting_down = false;  // `down`: nothing is wanted, files or not
  Time now{};
  // The nodes' capacities are the truth: no more tasks are started than there is room for.
  bool limited_room = false;
  int rebalance = 0;  // most tasks at a time that may move for the sake of balance alone
  DrainReports drains = {};
};

struct Outcome {
  model::Plan plan;  // generation 0: the caller numbers it
  Memory memory;
  std::vector<model::InstanceStatus> status;  // sorted by id
  std::vector<model::Event> events;           // what is new since `memory`: bounces begun, done, stalled
  std::optional<Time> wake_at;                // when time alone would change the outcome
  // Instances of which something else is to be remembered than `Inputs::memory` says; sorted.
  std::vector<model::InstanceId> memory_changes;
  // Instances that were thought about anew, sorted, those included that neither files nor engine have any
  // more; and those that have other routes than before, in no order. Whoever keeps something by instance need
  // only look at these. Of an IncrementalPlanner; else all of them, and all that have routes.
  std::vector<model::InstanceId> planned;
  std::vector<model::InstanceId> rerouted;
};

// Whether both say the same, however much thought it took.
bool same_answer(const Outcome& a, const Outcome& b);

// The whole plan. IncrementalPlanner (incremental.h) gives the same outcomes, quicker where little changes.
Outcome decide(const Inputs& inputs);

}  // namespace slipway::plan
