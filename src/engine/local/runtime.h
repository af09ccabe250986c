// Which OCI runtime starts containers on this host, and how it has to be called.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/cgroup.h"
#include "io/process.h"

namespace slipway::engine::local {

enum class RuntimeKind {
  Container,  // crun or runc: namespaces, cgroups, seccomp
  Process,    // our own stand-in: plain processes of the host, see process_runtime.h
};

// A value; copy it freely.
struct Runtime {
  RuntimeKind kind = RuntimeKind::Container;
  std::string name;               // "crun", "runc", "process"
  std::string path;               // of the program
  std::vector<std::string> args;  // before the verb: "--root DIR" and the like
  std::string conmon;             // the program that supervises its containers
  std::filesystem::path root;     // where it keeps its own records, one folder a container
  CgroupMode cgroups = CgroupMode::V2;
  // crun refuses a host where a version 2 hierarchy stands beside version 1. It is started in a mount
  // namespace of its own in which /sys/fs/cgroup/unified is unmounted, and then works.
  bool hide_unified = false;

  // `path args... verb...`, ready for io::run or io::spawn.
  io::Command command(std::vector<std::string> verb) const;
};

// How the container runtime `name` ("crun", "runc") at `program` is called; `conmon` may be empty.
Runtime container_runtime(const std::string& name, const std::string& program, const std::string& conmon,
                          const std::filesystem::path& root, CgroupMode cgroups);

// Where a runtime keeps its records, of an engine with this state directory.
std::filesystem::path runtime_root(const std::filesystem::path& state);

// The first of crun, crun with the unified hierarchy hidden, runc that really runs a container here (each is
// tried once with a trivial one). `state`: the engine's state directory. Unavailable when none works: the
// message names what was tried, why it failed and which Debian packages are missing (crun or runc, and
// conmon). `only`: this one or none ("" or "auto": whichever works).
Result<Runtime> find_runtime(const std::filesystem::path& state, const Clock& clock, Deadline deadline,
                             std::string_view only = "");

// Plain processes, for a control plane without root. `program`: the slipway binary itself (empty:
// /proc/self/exe), which answers to `internal process-runtime`. Unavailable when conmon is missing.
Result<Runtime> process_runtime(const std::filesystem::path& state, const std::string& program = "");

}  // namespace slipway::engine::local
