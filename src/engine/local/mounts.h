// The root filesystem of a task: an overlay of something shared and read-only with a private writable layer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/local/oci_spec.h"
#include "engine/local/task_paths.h"

namespace slipway::engine::local {

// An overlay to be mounted between fork and exec, where nothing may be allocated: every text is made
// beforehand.
struct OverlayMount {
  std::string target;
  std::string options;           // with "volatile": no syncing of a layer that nobody will read again
  std::string fallback_options;  // without, for kernels before 5.10

  // Async-signal-safe. 0 or an errno.
  int mount() const;
};

// `lower`: an image's rootfs, or "/".
OverlayMount task_overlay(const std::filesystem::path& lower, const TaskPaths& paths);

// Empties the writable layer, which an overlay marked volatile refuses to mount twice, and makes its folders.
Status reset_layer(const TaskPaths& paths);

// Other filesystems that hold parts of the host's programs (a /usr or /opt of its own), which an overlay of
// "/" does not cross into. `mountinfo`: the text of /proc/self/mountinfo.
std::vector<BindMount> host_program_mounts(std::string_view mountinfo);

}  // namespace slipway::engine::local
