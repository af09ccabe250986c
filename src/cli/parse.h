// From the words of a command line to a command and its arguments. CLI11 is behind it and does not show.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace slipway::cli {

struct Invocation {
  const Command* command = nullptr;  // borrowed from the tree
  std::string path;                  // "slipway config show"
  Args args;
  bool help = false;  // -h: show the help of `command` and do nothing
};

// `words`: without the program's name. Invalid for what cannot be understood, with "did you mean" where
// something near exists and with where to read more.
Result<Invocation> parse(const Command& root, const std::vector<std::string>& words);

}  // namespace slipway::cli
