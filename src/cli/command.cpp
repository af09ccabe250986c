#include "cli/command.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::cli {

const std::vector<Option>& common_options() {
  static const std::vector<Option> kOptions = {
      {.name = "output",
       .letter = 'o',
       .kind = Kind::Choice,
       .value = "FORMAT",
       .help = "table (default), json or yaml",
       .choices = {"table", "json", "yaml"}},
      {.name = "dir",
       .letter = 'C',
       .kind = Kind::Text,
       .value = "DIR",
       .help = "the control plane of this config tree",
       .completes = Completes::Directories},
      {.name = "cluster",
       .kind = Kind::Text,
       .value = "NAME",
       .help = "the control plane of this cluster",
       .completes = Completes::Clusters},
      {.name = "api",
       .kind = Kind::Text,
       .value = "ENDPOINT",
       .help = "the control plane that listens there: unix:/PATH (also $SLIPWAY_API)"},
      {.name = "no-color", .help = "no colour, even on a terminal (also $NO_COLOR)"},
  };
  return kOptions;
}

std::vector<Option> all_options(const Command& command) {
  std::vector<Option> options = command.options;
  for (const Option& common : common_options()) {
    const auto clashes = [&](const Option& own) {
      return own.name == common.name || (own.letter != 0 && own.letter == common.letter);
    };
    if (std::ranges::none_of(command.options, clashes)) options.push_back(common);
  }
  return options;
}

std::string option_text(const Option& option) {
  std::string text = option.letter == 0 ? "    " : fmt::format("-{}, ", option.letter);
  text += "--" + option.name;
  return option.value.empty() ? text : text + " " + option.value;
}

std::string usage_line(const Command& command, const std::string& path) {
  std::string line = path;
  if (!command.children.empty()) return line + " COMMAND";
  for (const Argument& argument : command.arguments) {
    line += argument.required ? " " + argument.name : " [" + argument.name + "]";
  }
  line += " [options]";
  return command.takes_rest ? line + " -- CMD [ARG...]" : line;
}

}  // namespace slipway::cli
