// The container runtime of this host, which may be missing for a while: not installed yet, removed, or being
// replaced by an upgrade. Tasks that run need none, so its lack is a reason not to start another, and no
// more.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "engine/local/runtime.h"

namespace slipway::engine::local {

struct HostRuntimeOptions {
  std::filesystem::path state;  // the engine's
  RuntimeKind kind = RuntimeKind::Container;
  std::string only = "auto";  // auto | crun | runc
  std::string program;        // of kind Process: the slipway binary; empty: /proc/self/exe
};

// Thread-safe.
class HostRuntime {
 public:
  // Looks for nothing yet: look() does.
  HostRuntime(HostRuntimeOptions options, const Clock& clock);

  RuntimeKind kind() const { return options_.kind; }
  // Where every runtime keeps its records, one folder a container.
  const std::filesystem::path& root() const { return root_; }
  CgroupMode cgroups() const { return cgroups_; }

  // What was found, if its programs are still there. Unavailable otherwise, naming the packages that are
  // missing. Cheap.
  Result<Runtime> get() const;
  // Looks for one where get() has none, by running a trivial container with each that is installed.
  Status look(Deadline deadline);

 private:
  const HostRuntimeOptions options_;
  const Clock& clock_;
  const std::filesystem::path root_;
  const CgroupMode cgroups_;

  mutable Mutex mutex_;
  Result<Runtime> found_ GUARDED_BY(mutex_);
};

}  // namespace slipway::engine::local
