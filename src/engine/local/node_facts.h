// What this machine is and has.
#pragma once

#include <filesystem>
#include <string>

#include "model/observed.h"

namespace slipway::engine::local {

std::string host_name();
// Changes with every boot. Empty where the kernel does not say; then a reboot is recognised by start times
// alone.
std::string read_boot_id();
// Cores, memory, and free disk below `state`. Neither id nor draining are set. Not ready, with the reason,
// when the disk cannot be asked.
model::Node node_facts(const std::filesystem::path& state);

}  // namespace slipway::engine::local
