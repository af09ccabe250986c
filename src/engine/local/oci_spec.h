// What a runtime is told: from a task's specification to its config.json. Pure, but for resolve_user, which
// reads the image's user database.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/local/cgroup.h"
#include "engine/local/images.h"
#include "model/revision.h"

namespace slipway::engine::local {

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // gid and what the image's /etc/group puts the user in, sorted
  std::string home = "/";
  bool operator==(const User&) const = default;
};

// "", "name", "uid", "name:group", "uid:gid" by the /etc/passwd and /etc/group below `rootfs` (symbolic links
// there are followed within `rootfs` only). An empty text is root. Invalid when a name is not in them; a bare
// number need not be.
Result<User> resolve_user(std::string_view text, const std::filesystem::path& rootfs);

// A folder (or file) of the host seen inside the task.
struct BindMount {
  std::string source;
  std::string destination;
  bool read_only = true;
  bool recursive = false;
};

struct SpecInput {
  const model::Revision& revision;
  model::TaskId task;
  std::string cluster;
  ImageConfig image;  // empty for the host's filesystem
  User user;
  std::string rootfs;  // absolute path, or relative to the bundle
  std::string host_name;
  std::vector<BindMount> binds;  // resolv.conf, hosts, hostname and, for the host's filesystem, other mounts
  std::vector<std::string> hidden;  // folders covered by an empty read-only one (the state directory)
  std::string cgroup;               // "/slipway/<cluster>/<task>"
  CgroupMode cgroups = CgroupMode::V2;
  uint64_t open_files = 1048576;  // limit of open files: the smaller of this and the host's hard limit
  int oom_score = 0;              // never below our own: lowering it takes a capability
  std::optional<int> port;        // where the task is to listen: its PORT
  bool process = false;           // for the process runtime: only args, env and cwd count
};

// Invalid when there is no command to run, or the working directory is not absolute. Volumes are trusted to
// exist: see check_volumes.
Result<Json> oci_spec(const SpecInput& input);

// The whole environment of the task's process: PATH, HOME, HOSTNAME, PORT, SLIPWAY_SERVICE, SLIPWAY_INSTANCE,
// SLIPWAY_TASK, SLIPWAY_CLUSTER, SLIPWAY_REVISION; the image's on top (except over SLIPWAY_*), then the
// user's own.
std::map<std::string, std::string> task_environment(const SpecInput& input);

// The argv: cmd, else entrypoint and args, with the image's own as Docker combines them. Invalid when empty.
Result<std::vector<std::string>> task_arguments(const model::TaskSpec& spec, const ImageConfig& image);

// NotFound naming the first host path that does not exist; Invalid for a path that is not absolute.
Status check_volumes(const std::vector<model::Volume>& volumes);

}  // namespace slipway::engine::local
