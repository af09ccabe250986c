// Explanations made from the tree of commands: -h, the man page, docs/reference/cli.md.
#pragma once

#include <string>

#include "cli/command.h"

namespace slipway::cli {

// What -h prints. `path`: "slipway config show".
std::string help_text(const Command& command, const std::string& path);

// slipway(1) in roff.
std::string man_page(const Command& root, const std::string& version);

// docs/reference/cli.md.
std::string reference_markdown(const Command& root);

}  // namespace slipway::cli
