// A control group for programs that are to outlive us.
//
// A service manager ends a service by its control group. What is to go on when the daemon crashes or is
// restarted must therefore not be in that group, though the daemon started it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file.h"

namespace slipway::io {

class OwnCgroup {
 public:
  // Makes the group, a path like "/slipway/shop/_proxy": in version 2 once, otherwise in the hierarchies by
  // which systemd knows what belongs to a service and by which it limits that. Forbidden where we may not;
  // NotFound where there are no control groups.
  static Result<OwnCgroup> open(const std::string& group,
                                const std::filesystem::path& root = "/sys/fs/cgroup");

  // Moves the calling process into it. For Command::setup: async-signal-safe. A hierarchy that refuses leaves
  // it where it was, which is no reason not to run.
  void enter() const;

  // Removes the group and those above it that nobody needs any more. Processes that have just ended leave it
  // a moment later, which is waited for; if others are in it still, another control plane has use for it.
  static void remove(const std::string& group, const Clock& clock, Deadline deadline,
                     const std::filesystem::path& root = "/sys/fs/cgroup");

 private:
  std::vector<Fd> doors_;  // the files that a process is moved by
};

}  // namespace slipway::io
