// What users are shown of one instance: computed once per round by the planner, served by the API as it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/shared.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"

namespace slipway::model {

enum class InstanceState { Running, Starting, Bouncing, Stalled, Crashlooping, Stopping, Stopped, Unknown };
std::string_view to_text(InstanceState state);  // "running", ...

// What an instance cannot have, so that it waits for somebody to mend that; trying goes on meanwhile.
enum class Blocked { No, Image, Proxy };
std::string_view to_text(Blocked blocked);  // "no", "image", "proxy"

struct BounceStatus {
  RevisionId to;
  std::vector<RevisionId> from;
  BounceMethod method = BounceMethod::Crossover;
  Time started_at{};
  Time progress_at{};  // of the last new happy task
  int happy_new = 0;
  int old_left = 0;
  bool stalled = false;
  std::string waiting_for;  // "2 of 3 new tasks to become healthy"
  bool operator==(const BounceStatus&) const = default;
};

// One thing that explains a state.
struct Cause {
  std::optional<Time> at;  // since when, or when it happened; absent where nobody knows
  std::string kind;        // "exit", "health", "node", "override", "deploy", "constraint", "config", ...
  std::string text;        // a sentence or two
  std::vector<std::string> lines;  // of a log, oldest first
  bool operator==(const Cause&) const = default;
};

Json to_json(const Cause& cause);
// Those that nobody knows the time of stand first and keep their order: they hold now. Then the newest.
void sort_newest_first(std::vector<Cause>& causes);

struct InstanceStatus {
  InstanceId id;
  InstanceState state = InstanceState::Unknown;
  int desired = 0;
  int healthy = 0;        // tasks that serve: healthy, and not draining
  RevisionId revision;    // wanted
  Shared<Sighting> seen;  // its revisions and tasks
  std::vector<TaskId> draining;
  std::optional<BounceStatus> bounce;
  std::vector<Override> overrides;     // in force
  std::string reason;                  // empty when all is as wanted
  Blocked blocked = Blocked::No;       // where the reason is one that waiting does not mend
  std::vector<Cause> causes;           // for `why`: newest first, down to log lines
  std::vector<std::string> endpoints;  // URLs
  bool operator==(const InstanceStatus&) const = default;
};

// One object of `instances` in `slipway status -o json` (a contract: see docs/reference/cli.md).
Json to_json(const InstanceStatus& status);

// Something that happened, for `events`, `why` and history.
struct Event {
  int64_t id = 0;  // grows; 0 until stored
  Time at{};
  std::string instance;  // "service.instance", or empty for the cluster
  std::string kind;      // "bounce_started", "bounce_done", "bounce_stalled", "task_exited", "override", ...
  std::string text;
  bool operator==(const Event&) const = default;
};

Json to_json(const Event& event);

}  // namespace slipway::model
