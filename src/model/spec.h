// What an engine needs to know to run one task: the part of an instance that is baked into a revision.
//
// A value. Two specs that are equal run alike; anything that may change under a running task (how many, how
// to bounce, how to route) is not in here but in Instance.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/placement.h"

namespace slipway::model {

enum class ImageKind {
  HostFilesystem,  // no image: the host's own root, read-only, under a private writable layer
  Reference,       // `name` is a reference that skopeo reads: docker://, oci:, docker-archive:
  Build,           // `name` is the folder of a Dockerfile, `digest` the hash of that folder's content
};

struct Image {
  ImageKind kind = ImageKind::HostFilesystem;
  std::string name;
  std::string digest;  // of a Build: its content; of a Reference: "sha256:..." when pinned, else empty
  bool operator==(const Image&) const = default;
};

enum class NetMode { Bridge, Host, None };

struct Resources {
  double cpus = 0.1;         // cores, as a share under contention and, with cpu_burst_add, as the ceiling
  double cpu_burst_add = 1;  // cores above cpus that may be used when idle
  int64_t mem_mb = 256;      // hard limit; beyond it the task is killed and reported as oom_killed
  int64_t disk_mb = 1024;    // of the writable layer
  int64_t gpus = 0;
  int64_t pids = 1024;  // processes and threads
  bool operator==(const Resources&) const = default;
};

struct Volume {
  std::string container_path;
  std::string host_path;
  bool read_only = true;
  auto operator<=>(const Volume&) const = default;
};

enum class HealthMode { None, Http, Https, Tcp, Cmd };

struct HealthCheck {
  HealthMode mode = HealthMode::None;
  std::string uri = "/status";   // http, https
  std::vector<std::string> cmd;  // cmd: argv, run inside the task; exit 0 is healthy
  Duration grace_period = 60s;   // failures before this age do not count; a success ends the grace
  Duration interval = 10s;
  Duration timeout = 10s;
  int max_consecutive_failures = 30;  // then the task is unhealthy
  bool operator==(const HealthCheck&) const = default;
};

struct TaskSpec {
  Image image;
  std::optional<std::vector<std::string>> cmd;  // whole argv; absent: the image's entrypoint
  std::vector<std::string> args;                // after the entrypoint; not together with cmd
  std::map<std::string, std::string> env;       // what the files say; engines add SLIPWAY_*, PORT, HOME, PATH
  std::string work_dir;                         // empty: the image's
  std::string user;                             // "", "name", "uid", "uid:gid"; empty: the image's, else root
  Resources resources;
  std::optional<int> container_port;  // the one port a task listens on, also its PORT variable
  NetMode net = NetMode::Bridge;
  std::vector<Volume> volumes;  // sorted by container_path
  bool read_only_root = false;
  HealthCheck health;
  Placement placement;
  std::string stop_signal = "SIGTERM";
  Duration stop_grace = 10s;         // between stop_signal and SIGKILL
  Duration max_launch_delay = 300s;  // ceiling of the restart backoff
  std::string restart_nonce;         // changed by an operator's restart, so that it rolls like a change
  bool operator==(const TaskSpec&) const = default;
};

// Canonical: only what differs from the defaults above is written, so that adding a key with a default to
// Slipway changes no hash (promise 8). task_spec_from_json reads its own output back, equal.
Json to_json(const TaskSpec& spec);
Result<TaskSpec> task_spec_from_json(const Json& json);

std::string_view to_text(NetMode mode);     // "bridge", "host", "none"
std::string_view to_text(HealthMode mode);  // "none", "http", "https", "tcp", "cmd"
std::optional<NetMode> net_mode_from(std::string_view text);
std::optional<HealthMode> health_mode_from(std::string_view text);

// "docker://...", "built from DIR (content 3f9c...)", "the host's filesystem".
std::string describe(const Image& image);

}  // namespace slipway::model
