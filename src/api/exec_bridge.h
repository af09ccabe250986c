// Carries an exec session over an upgraded connection: see exec_frame.h for what goes over the wire.
#pragma once

#include "engine/engine.h"
#include "io/http.h"

namespace slipway::api {

// Returns when the command has ended (after its Exit frame) or the caller has gone. Uses a second thread,
// which has ended by then.
void bridge_exec(io::HttpStream& stream, engine::ExecSession& session);

}  // namespace slipway::api
