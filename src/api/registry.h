// Where control planes of this machine say that they are there, so that commands find them without being
// told.
//
// One small file per control plane, named by its state directory: written by `serve` once its API listens,
// removed by it when it ends in order. A file whose process is gone belongs to a control plane that died: its
// tasks may still run, so the file stays as long as the state directory does, for `up` to adopt them or
// `down` to end them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "io/http.h"

namespace slipway::api {

struct ControlPlane {
  std::string cluster;
  std::filesystem::path directory;    // the config tree
  std::filesystem::path source = {};  // what starts it again: the tree or a cluster file
  io::Endpoint endpoint;
  std::filesystem::path state;
  pid_t pid = 0;
  uint64_t started = 0;  // of the process, in clock ticks since boot: with the pid, a name that is not reused
  bool running = false;  // the process is alive; not stored
};

// $SLIPWAY_RUN_DIR, else /run/slipway for root, else $XDG_RUNTIME_DIR/slipway, else
// ~/.local/state/slipway/run.
std::filesystem::path registry_directory(const std::map<std::string, std::string>& environment);

// 8 hexadecimal digits that name the control plane of this state directory.
std::string control_plane_id(const std::filesystem::path& state);

// Tells of this process (pid and start time are filled in) or takes the word back.
Status register_control_plane(const std::filesystem::path& registry, ControlPlane plane);
Status unregister_control_plane(const std::filesystem::path& registry, const std::filesystem::path& state);

// All that are registered, by directory. Files that cannot be read, and those of dead control planes whose
// state is gone too, are deleted on the way.
Result<std::vector<ControlPlane>> control_planes(const std::filesystem::path& registry);

// After a control plane has released everything: deletes what Slipway keeps in its state directory, then the
// directory if that leaves it empty. Whatever else is in there is the user's and stays. Missing: fine.
Status forget_state(const std::filesystem::path& state);

// This very process is still there.
bool is_alive(pid_t pid, uint64_t started);

}  // namespace slipway::api
