// Log lines as a person reads them, and reading them from a control plane.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/client.h"
#include "cli/context.h"
#include "cli/text.h"

namespace slipway::cli {

// The colour of a task: the same for all its lines, most likely another for its siblings.
Colour task_colour(std::string_view task);

// "x7k2p | text", the first part in the task's colour. `raw`: the text byte for byte, for a pipe; else made
// safe for a terminal.
std::string log_line(const Json& line, const Paint& paint, bool raw);

// Prints one line of the API in the format asked for.
void print_log(Context& context, const Json& line);

// Prints a whole stream, to its end.
Status print_logs(Context& context, api::LineStream stream);

}  // namespace slipway::cli
