// Where the things of one task are. The folder is the task's own; removing it removes every trace on disk.
#pragma once

#include <filesystem>

#include "model/ids.h"

namespace slipway::engine::local {

struct TaskPaths {
  std::filesystem::path folder;  // <state>/tasks/<task>

  TaskPaths(const std::filesystem::path& state, const model::TaskId& task)
      : folder(state / "tasks" / task.str()) {}

  std::filesystem::path bundle() const { return folder / "bundle"; }  // config.json, conmon's ctl and attach
  std::filesystem::path config() const { return bundle() / "config.json"; }
  std::filesystem::path rootfs() const {
    return bundle() / "rootfs";
  }                                                                 // empty on the host: mounted privately
  std::filesystem::path layer() const { return folder / "layer"; }  // upper and work of the overlay
  std::filesystem::path written() const {
    return layer() / "upper";
  }                                                             // by the task, on top of what is shared
  std::filesystem::path etc() const { return folder / "etc"; }  // resolv.conf, hosts, hostname
  std::filesystem::path log() const { return folder / "log"; }  // written by conmon, k8s-file format
  // Appears when the task's process has ended, and holds its exit code in decimal, 128+N for death by signal
  // N.
  std::filesystem::path exit_folder() const { return folder / "exit"; }
  std::filesystem::path exit_file(const model::TaskId& task) const { return exit_folder() / task.str(); }
  std::filesystem::path oom_file() const { return bundle() / "oom"; }  // made by conmon, empty
  std::filesystem::path exec() const { return folder / "exec"; }       // what exec_command wrote
  std::filesystem::path conmon_pid() const { return folder / "conmon.pid"; }
  std::filesystem::path container_pid() const { return folder / "container.pid"; }
};

}  // namespace slipway::engine::local
