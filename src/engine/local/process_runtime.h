// A stand-in for an OCI runtime that isolates nothing: it lets conmon watch plain processes of the host by
// the very path that containers take.
//
//   slipway internal process-runtime [--root DIR] create --bundle DIR --pid-file FILE ID
//                                                 start ID | kill ID SIGNAL | delete [--force] ID | state ID
//
// `create` leaves a process, in a session of its own, that waits on a fifo until `start`, then runs below it
// what config.json's process.args say, with its env and cwd. Nothing else of config.json is looked at. That
// first process passes signals on, ends as the program ends, and takes with it whatever the program has left.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "engine/local/conmon.h"

namespace slipway::engine::local {

// The first process of a container whose record is below `root`; pid 0: there is none.
ProcessName recorded_process(const std::filesystem::path& root, const std::string& container);

// `arguments`: what follows `process-runtime`. Returns the exit code; complaints go to standard error, as
// conmon expects.
int process_runtime_main(std::span<const std::string> arguments);

}  // namespace slipway::engine::local
