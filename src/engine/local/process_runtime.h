// A stand-in for an OCI runtime that isolates nothing: it lets conmon watch plain processes of the host by
// the very path that containers take.
//
//   slipway internal process-runtime [--root DIR] create --bundle DIR --pid-file FILE ID
//                                                 start ID | kill ID SIGNAL | delete [--force] ID | state ID
//
// `create` leaves a process, in a session of its own, that waits on a fifo until `start`, then becomes what
// config.json's process.args say, with its env and cwd. Nothing else of config.json is looked at.
#pragma once

#include <span>
#include <string>

namespace slipway::engine::local {

// `arguments`: what follows `process-runtime`. Returns the exit code; complaints go to standard error, as
// conmon expects.
int process_runtime_main(std::span<const std::string> arguments);

}  // namespace slipway::engine::local
