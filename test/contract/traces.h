// Everything on a Linux machine that an engine could leave behind, as text: to be compared before and after.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace slipway::contract {

// Makes mounts and networks of this process private to it, so that neither the machine nor anything else that
// runs on it disturbs the comparison, nor is disturbed. To be called before the first thread; returns an
// error text or "".
std::string enter_private_machine();

// Mounts, network links, network namespaces that links lead into, firewall rules and ip_forward as this
// process sees them; of the machine's processes and cgroups those that bear the cluster's name; and the files
// below `state`.
std::set<std::string> machine_traces(const std::string& cluster, const std::filesystem::path& state);

// The open descriptors of this process by what they are ("socket", a path), numbered where there are several.
std::set<std::string> open_descriptors();

// Pids of the processes whose environment has this entry ("NAME=value").
std::set<int> processes_with(const std::string& entry);

}  // namespace slipway::contract
