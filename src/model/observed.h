// What runs, as one engine told it in one breath.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/revision.h"

namespace slipway::model {

// A number that grows with every plan applied; engines keep it on what they run and refuse an older one.
using Generation = uint64_t;

enum class TaskState { Pending, Preparing, Starting, Running, Stopping, Exited, Failed, Lost };
enum class Health { Unknown, Healthy, Unhealthy };

std::string_view to_text(TaskState state);  // "pending", ...
std::string_view to_text(Health health);    // "unknown", "healthy", "unhealthy"
std::optional<TaskState> task_state_from(std::string_view text);

struct Address {
  std::string ip;
  int port = 0;            // where it is reached
  int container_port = 0;  // as declared
  std::string text() const { return ip + ":" + std::to_string(port); }
  bool operator==(const Address&) const = default;
};

// How a process ended. An engine that cannot tell death by signal N from exit code 128+N gives both.
struct Exit {
  std::optional<int> code;    // absent when a signal ended it
  std::optional<int> signal;  // absent when it exited; both where an engine cannot tell 128+N from signal N
  bool oom_killed = false;
  std::string text() const;  // "exit code 3", "SIGSEGV", "exit code 143 or SIGTERM", "out of memory"
  bool operator==(const Exit&) const = default;
};

struct Task {
  TaskId id;
  RevisionId revision;
  InstanceId instance;
  NodeId node;
  bool one_off = false;  // started by run(), not counted
  TaskState state = TaskState::Pending;
  Health health = Health::Unknown;  // of a task without a health check: Healthy as soon as it runs
  std::vector<Address> addresses;
  Time created_at{};
  std::optional<Time> started_at;     // of the present process
  std::optional<Time> healthy_since;  // set exactly while Healthy
  std::optional<Exit> last_exit;
  int restarts = 0;                     // times its process was started again, or that was tried in vain
  std::optional<Time> next_start_at;    // while it waits for its restart
  std::string reason;                   // in words a user can act on; empty when there is nothing to say
  std::vector<std::string> last_lines;  // of its log; filled when it failed, at most 10
  bool operator==(const Task&) const = default;
};

struct ObservedRevision {
  Revision revision;
  int count = 0;              // as last scaled
  Generation generation = 0;  // of the plan that last touched it
  bool operator==(const ObservedRevision&) const = default;
};

struct Node {
  NodeId id;
  bool ready = true;
  bool draining = false;
  double cpus = 0;
  int64_t mem_mb = 0;
  int64_t disk_mb = 0;  // 0: the engine does not say, and any amount fits
  int64_t gpus = 0;
  std::map<std::string, std::string> attributes;
  std::string reason;
  bool operator==(const Node&) const = default;
};

struct Observed {
  Time at{};
  std::string isolation;  // a warning for the user where tasks are not isolated; empty when they are
  std::vector<ObservedRevision> revisions;  // sorted by id
  std::vector<Task> tasks;                  // sorted by id
  std::vector<Node> nodes;                  // sorted by id
  bool operator==(const Observed&) const = default;
};

// What was observed of one instance; one-off tasks are not among it.
struct Sighting {
  std::vector<ObservedRevision> revisions;  // sorted by id
  std::vector<Task> tasks;                  // sorted by id
  bool operator==(const Sighting&) const = default;
};

Json to_json(const Task& task);
Result<Task> task_from_json(const Json& json);
Json to_json(const Node& node);
Result<Node> node_from_json(const Json& json);
// Whole: revisions with their specs, so that another process can go on from there. Reads its own output back,
// equal.
Json to_json(const Observed& observed);
Result<Observed> observed_from_json(const Json& json);

}  // namespace slipway::model
