// A command as data: what it is called, what it takes, how it is explained, what it does.
//
// Everything that must know all commands (the parser, help, completion, the man page, the reference) is made
// from this one tree, so none of them can forget a flag.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/args.h"

namespace slipway::cli {

struct Context;

// What the shell may offer in this place.
enum class Completes { Nothing, Services, Instances, Tasks, Clusters, Nodes, Directories, Files };

// How a value must look; checked before the command runs.
enum class Kind { Switch, Text, Count, Duration, Choice };

struct Option {
  std::string name = {};  // without the dashes
  char letter = 0;        // 0: none
  Kind kind = Kind::Switch;
  std::string value = {};  // placeholder, "DURATION"; empty for a switch
  std::string help = {};
  std::vector<std::string> choices = {};
  Completes completes = Completes::Nothing;
};

struct Argument {
  std::string name = {};  // as shown: "S[.I]"
  std::string help = {};
  bool required = true;
  Kind kind = Kind::Text;
  std::vector<std::string> choices = {};
  Completes completes = Completes::Nothing;
};

struct Example {
  std::string line = {};  // without the prompt
  std::string text = {};  // what it does
};

struct Command {
  std::string name = {};
  std::string summary = {};  // one line, no full stop
  std::string details = {};  // paragraphs, separated by an empty line
  std::vector<Argument> arguments = {};
  std::vector<Option> options = {};
  bool takes_rest = false;  // "-- CMD ARG..." after everything else
  std::vector<Example> examples = {};
  std::vector<Command> children = {};
  bool hidden = false;  // left out of help and completion
  // The exit code. An error is printed by the caller, who knows its exit code.
  Result<int> (*run)(Context&) = nullptr;
};

// "slipway" with everything below it.
Command command_tree();

// Options that every command takes, unless it has one of that name itself.
const std::vector<Option>& common_options();
// Those of `command` and the common ones it does not replace.
std::vector<Option> all_options(const Command& command);

// "--follow", "-f, --follow", "--since DURATION".
std::string option_text(const Option& option);
// "slipway logs [options] [S[.I]]".
std::string usage_line(const Command& command, const std::string& path);

}  // namespace slipway::cli
