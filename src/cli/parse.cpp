#include "cli/parse.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace slipway::cli {

namespace {

// One command's CLI11 twin, and where its values land.
struct Node {
  const Command* command = nullptr;
  std::string path;
  CLI::App* app = nullptr;
  std::vector<Option> options;
  std::map<std::string, const CLI::Option*> given;  // by name of option or argument
  std::map<std::string, bool> switches;
  std::map<std::string, std::string> values;
  std::vector<std::unique_ptr<Node>> children;
};

// std::map never moves its values, so CLI11 may keep references to them.
void fill(Node& node, const Command& command, CLI::App& app) {
  node.command = &command;
  node.app = &app;
  node.options = all_options(command);
  app.set_help_flag("-h,--help");
  app.allow_extras();  // we name what is left over ourselves, with a suggestion
  app.require_subcommand(0, 1);
  for (const Option& option : node.options) {
    std::string names = "--" + option.name;
    if (option.letter != 0) names = fmt::format("-{},{}", option.letter, names);
    if (option.kind == Kind::Switch) {
      node.given[option.name] = app.add_flag(names, node.switches[option.name]);
    } else {
      node.given[option.name] = app.add_option(names, node.values[option.name])->take_last();
    }
  }
  for (const Argument& argument : command.arguments) {
    node.given[argument.name] =
        app.add_option(argument.name, node.values[argument.name])->required(argument.required);
  }
  for (const Command& child : command.children) {
    node.children.push_back(std::make_unique<Node>());
    node.children.back()->path = node.path + " " + child.name;
    fill(*node.children.back(), child, *app.add_subcommand(child.name));
  }
}

Node& selected(Node& node) {
  for (const auto& child : node.children) {
    if (child->app->parsed()) return selected(*child);
  }
  return node;
}

Error usage_error(const Node& node, const std::string& message) {
  return Error(ErrorCode::Invalid, fmt::format("{}; see `{} -h`", message, node.path));
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const auto near = did_you_mean(word, candidates);
  return near ? fmt::format("; did you mean '{}'?", *near) : "";
}

Error leftover_error(const Node& node, const std::string& word) {
  std::vector<std::string> candidates;
  if (word.starts_with('-')) {
    for (const Option& option : node.options) candidates.push_back("--" + option.name);
    return usage_error(node, fmt::format("there is no option '{}'{}", word, suggestion(word, candidates)));
  }
  if (!node.children.empty()) {
    for (const auto& child : node.children) {
      if (!child->command->hidden) candidates.push_back(child->command->name);
    }
    return usage_error(node, fmt::format("there is no command '{}'{}", word, suggestion(word, candidates)));
  }
  if (node.command->takes_rest) {
    return usage_error(node,
                       fmt::format("'{}' is one word too many; a command to run stands behind ' -- '", word));
  }
  return usage_error(node, fmt::format("'{}' is one word too many", word));
}

bool is_count(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

// Why the value will not do; empty when it will.
std::string value_problem(Kind kind, const std::vector<std::string>& choices, const std::string& value) {
  switch (kind) {
    case Kind::Switch:
    case Kind::Text:
      return "";
    case Kind::Count:
      return is_count(value) ? "" : fmt::format("'{}' is not a number from 0 on", value);
    case Kind::Duration: {
      const auto read = parse_duration(value);
      return read ? "" : read.error().text();
    }
    case Kind::Choice:
      if (std::ranges::find(choices, value) != choices.end()) return "";
      return fmt::format("'{}' is none of {}{}", value, join(choices, ", "), suggestion(value, choices));
  }
  return "";
}

// Values given on the way down ("slipway -o json status") count for the command, which may give its own.
Status collect(const Node& node, const Command& command, Args& args) {
  for (const Option& option : node.options) {
    if (node.given.at(option.name)->count() == 0) continue;
    const std::string value = option.kind == Kind::Switch ? "" : node.values.at(option.name);
    const std::string problem = value_problem(option.kind, option.choices, value);
    if (!problem.empty()) return usage_error(node, fmt::format("--{}: {}", option.name, problem));
    args.set(option.name, value);
  }
  if (node.command != &command) return {};
  for (const Argument& argument : command.arguments) {
    if (node.given.at(argument.name)->count() == 0) continue;
    const std::string& value = node.values.at(argument.name);
    const std::string problem = value_problem(argument.kind, argument.choices, value);
    if (!problem.empty()) return usage_error(node, fmt::format("{}: {}", argument.name, problem));
    args.set(argument.name, value);
  }
  return {};
}

Status collect_path(const Node& node, const Command& command, Args& args) {
  TRY(collect(node, command, args));
  for (const auto& child : node.children) {
    if (child->app->parsed()) return collect_path(*child, command, args);
  }
  return {};
}

}  // namespace

Result<Invocation> parse(const Command& root, const std::vector<std::string>& words) {
  // What stands behind "--" belongs to another program and must arrive byte for byte, so CLI11 never sees it.
  const auto separator = std::ranges::find(words, "--");
  std::vector<std::string> ours(words.begin(), separator);
  std::vector<std::string> rest;
  if (separator != words.end()) rest.assign(separator + 1, words.end());
  std::ranges::reverse(ours);  // as CLI11 wants them

  CLI::App app;
  Node top;
  top.path = root.name;
  fill(top, root, app);
  Invocation invocation;
  std::string wrong;
  try {
    app.parse(ours);
  } catch (const CLI::CallForHelp&) {
    invocation.help = true;
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  const Node& node = selected(top);
  invocation.command = node.command;
  invocation.path = node.path;
  if (invocation.help) return invocation;
  for (const Node* any : {static_cast<const Node*>(&top), &node}) {
    const auto leftover = any->app->remaining(false);
    if (!leftover.empty()) return leftover_error(*any, leftover.front());
  }
  if (!wrong.empty()) return usage_error(node, wrong);
  if (!rest.empty() && !node.command->takes_rest) {
    return usage_error(node, fmt::format("'{}' takes no command behind ' -- '", node.path));
  }
  TRY(collect_path(top, *node.command, invocation.args));
  invocation.args.set_rest(std::move(rest));
  return invocation;
}

}  // namespace slipway::cli
