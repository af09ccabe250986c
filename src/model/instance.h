// What the files want: instances, resolved and complete. Produced by config, read by plan, discovery and api.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/instance_list.h"
#include "model/revision.h"
#include "model/spec.h"

namespace slipway::model {

enum class BounceMethod { Crossover, Brutal, UpThenDown, DownThenUp };
enum class DrainMethod { Noop, Proxy, Http, Command };
enum class ProxyMode { Http, Tcp };
enum class InstanceKind { Service, Job, Adhoc };

std::string_view to_text(BounceMethod method);  // "crossover", "brutal", "upthendown", "downthenup"
std::string_view to_text(DrainMethod method);   // "noop", "proxy", "http", "command"
std::string_view to_text(ProxyMode mode);       // "http", "tcp"
std::string_view to_text(InstanceKind kind);    // "service", "job", "adhoc"
std::optional<BounceMethod> bounce_method_from(std::string_view text);
std::optional<DrainMethod> drain_method_from(std::string_view text);

struct Bounce {
  BounceMethod method = BounceMethod::Crossover;
  double margin = 1;              // 0 < margin <= 1: the part of `count` that our actions keep happy
  Duration min_task_uptime = 0s;  // healthy for this long before a task counts as happy
  Duration deadline = 600s;       // without a new happy task: the bounce is stalled
  int canary = 0;                 // so many new tasks first; 0: no canary
  Duration canary_time = 60s;     // they are happy for so long before the rest goes on
  bool auto_rollback = false;     // a stalled bounce goes back to the revision that was last fully happy
  bool operator==(const Bounce&) const = default;
};

struct Drain {
  DrainMethod method = DrainMethod::Noop;
  Duration timeout = 30s;                     // existing connections are given this long
  std::map<std::string, std::string> params;  // of http and command
  bool operator==(const Drain&) const = default;
};

// How the instance is reached. A port of its own, host names on the shared http port, or both.
struct Proxy {
  std::optional<int> port;
  ProxyMode mode = ProxyMode::Http;
  std::vector<std::string> domains;
  bool operator==(const Proxy&) const = default;
};

// Where a setting came from: "/etc/slipway/services/web/run.yaml", line and column from 1; 0 when unknown.
struct Origin {
  std::string file;
  int line = 0;
  int column = 0;
  std::string text() const;  // "file:line:column"
  bool operator==(const Origin&) const = default;
};

struct Instance {
  InstanceId id;
  InstanceKind kind = InstanceKind::Service;
  Origin origin;
  TaskSpec spec;
  int count = 1;
  std::optional<int> min_instances;
  std::optional<int> max_instances;  // presence means autoscaled
  Bounce bounce;
  Drain drain;
  std::optional<Proxy> proxy;
  std::string deploy_group;
  std::string desired_state = "start";
  std::string git_sha;  // of the version; empty where the image reference is the version
  std::string
      undeployed;  // why there is no version that could run, such as "it was never deployed"; mostly empty
  std::vector<std::string> registrations;
  Json deploy_whitelist;  // as written; null where nothing is set
  Json deploy_blacklist;
  Json node_selectors;
  Json monitoring;
  std::optional<int> replication_threshold;
  Json shown;  // an object of what config_show_json shows in place of its own: what another system resolves
               // that this model has no place for; null for none

  bool operator==(const Instance&) const = default;
};

enum class Severity {
  Error,      // nobody knows what is wanted: the service stays as it is until this is mended
  Tolerated,  // `validate` refuses it, but what is wanted is clear: the service goes on
  Warning,    // allowed, and perhaps not what was meant
};
std::string_view to_text(Severity severity);  // "error", "tolerated", "warning"

// Something wrong with the files (or with what they ask for). Never fatal for another service.
struct Problem {
  Origin origin;
  std::string service;   // whose; empty for the tree itself
  std::string instance;  // empty for the whole service
  std::string message;   // what is wrong, with the offending text
  std::string hint;      // what would be right; may be empty
  Severity severity = Severity::Error;
  std::string text() const;  // "file:line:column: message; hint"; of a warning "...: warning: message; hint"
  bool operator==(const Problem&) const = default;
};

// Everything wanted in one cluster. Of a service whose files have errors the last configuration that had
// none stays in force (`last_good`); where none is known (`broken`), what runs stays as it is, because nobody
// knows what is wanted. A service is in one of the two at most.
struct Desired {
  InstanceList instances;              // sorted by id
  std::vector<std::string> broken;     // sorted
  std::vector<std::string> last_good;  // sorted
  std::vector<Problem> problems;
  std::vector<Instance> aside;  // of broken services, those without an error of their own: to look at only

  // Whether the files of the service have errors.
  bool has_broken_files(std::string_view service) const;
  bool operator==(const Desired&) const = default;
};

// The same without `revision` and without what `shown` replaces.
Json resolved_json(const Instance& instance, const std::string& cluster);
// The fields of `slipway config show` for one instance (a contract: see docs/reference/cli.md).
Json config_show_json(const Instance& instance, const std::string& cluster);

}  // namespace slipway::model
