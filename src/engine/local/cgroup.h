// Control groups of tasks, in whatever layout the host has.
//
// The runtime makes a task's group; here it is read, emptied and removed. A group is named by its path below
// every hierarchy's root: "/slipway/<cluster>/<task>".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "io/file.h"

namespace slipway::engine::local {

enum class CgroupMode {
  V1,      // a hierarchy for each controller
  Hybrid,  // the same, with a version 2 hierarchy beside them that holds no controllers
  V2,      // one hierarchy
};

// What /sys/fs/cgroup is on this host.
CgroupMode cgroup_mode();

struct CgroupUsage {
  uint64_t memory_bytes = 0;  // now
  Duration cpu_time{};        // so far
  uint64_t oom_kills = 0;     // processes killed for lack of memory, so far
  uint64_t processes = 0;     // and threads
};

// Thread-safe: holds nothing but the layout.
class Cgroups {
 public:
  explicit Cgroups(CgroupMode mode, std::filesystem::path root = "/sys/fs/cgroup");

  // Before the first task of `group`'s: in version 2, makes the group and has the controllers that limit
  // tasks passed down to it. A hierarchy whose root is not the machine's (we are in a container) may hold
  // processes there, ours among them, which forbids passing anything down: they are moved to a leaf beside
  // the tasks. Unavailable when a controller is not there; otherwise nothing to do.
  Status delegate(const std::string& group) const;

  // Processes in the group or below it, over all hierarchies; empty when the group does not exist.
  std::vector<pid_t> processes(const std::string& group) const;
  // NotFound when the group does not exist.
  Result<CgroupUsage> usage(const std::string& group) const;
  // SIGKILL to every process in the group, again until none is left.
  Status kill(const std::string& group, const Clock& clock, Deadline deadline) const;
  // SIGKILL to those in the group that are process `leader` or of its process group. The number may mean
  // another process by now, which is safe where that is not in the group.
  void kill_process_group(const std::string& group, pid_t leader) const;
  // Kills what is in the group, then removes it and those below it from every hierarchy; missing is fine.
  Status remove(const std::string& group, const Clock& clock, Deadline deadline) const;
  // Removes a group that others may still have groups in: then it stays, which is no error.
  void remove_if_empty(const std::string& group) const;

 private:
  io::Fd kill_member(const std::string& group, pid_t pid) const;
  std::vector<std::filesystem::path> folders(const std::string& group) const;
  std::filesystem::path folder(std::string_view controller, const std::string& group) const;

  CgroupMode mode_;
  std::filesystem::path root_;
};

}  // namespace slipway::engine::local
