// What a shell may offer next, asked of the tree of commands; and the scripts that make shells ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace slipway::cli {

struct Offer {
  std::string word;
  std::string help;
  bool operator==(const Offer&) const = default;
};

struct Offers {
  std::vector<Offer> words;             // that begin with what is typed already
  Completes also = Completes::Nothing;  // and what only the file system or the control plane knows
};

// `words`: what was typed after "slipway"; the last is the one being completed, perhaps empty.
Offers offers_for(const Command& root, const std::vector<std::string>& words);

// The script for "bash", "zsh" or "fish". It asks `slipway internal complete` at every key, so it never grows
// old.
std::string completion_script(const std::string& shell);

}  // namespace slipway::cli
