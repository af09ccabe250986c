// The three files of /etc that a task gets from us: hostname, hosts and resolv.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/local/task_paths.h"
#include "model/spec.h"

namespace slipway::engine::local {

// The task's id as a host name: at most 63 letters, digits and dashes.
std::string host_name_for(const model::TaskId& task);

// The host's resolv.conf for a task. Name servers on the host's loopback are out of reach from another
// network namespace, so with `own_network` they give way to those of `upstream` (what systemd-resolved asks;
// may be empty).
std::string resolv_conf_for(std::string_view host, std::string_view upstream, bool own_network);

// The IPv4 name servers that tasks with a network of their own are given.
std::vector<std::string> name_servers_of_tasks();

// Writes all three below paths.etc(). `address`: of the task; empty when it has none of its own.
Status write_task_files(const TaskPaths& paths, const std::string& host_name, const std::string& address,
                        model::NetMode net);

}  // namespace slipway::engine::local
