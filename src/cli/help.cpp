#include "cli/help.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::cli {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string section(const std::string& title, const Rows& rows) {
  if (rows.empty()) return "";
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string text = "\n" + title + ":\n";
  for (const auto& [left, right] : rows) text += fmt::format("  {:<{}}  {}\n", left, width, right);
  return text;
}

Rows argument_rows(const Command& command) {
  Rows rows;
  for (const Argument& argument : command.arguments) rows.emplace_back(argument.name, argument.help);
  if (command.takes_rest) rows.emplace_back("CMD [ARG...]", "the command, word by word; no shell is between");
  return rows;
}

Rows option_rows(const std::vector<Option>& options) {
  Rows rows;
  for (const Option& option : options) rows.emplace_back(option_text(option), option.help);
  return rows;
}

}  // namespace

std::string help_text(const Command& command, const std::string& path) {
  std::string text = fmt::format("{}: {}\n\nUsage: {}\n", path, command.summary, usage_line(command, path));
  if (!command.details.empty()) text += "\n" + command.details + "\n";
  Rows children;
  for (const Command& child : command.children) {
    if (!child.hidden) children.emplace_back(child.name, child.summary);
  }
  text += section("Commands", children);
  text += section("Arguments", argument_rows(command));
  text += section("Options", option_rows(command.options));
  Rows common = option_rows(all_options(command));
  common.erase(common.begin(), common.begin() + static_cast<long>(command.options.size()));
  common.emplace_back("-h, --help", "this text");
  text += section("Common options", common);
  if (!command.examples.empty()) text += "\nExamples:\n";
  for (const Example& example : command.examples)
    text += fmt::format("  {}\n      {}\n", example.line, example.text);
  return text;
}

}  // namespace slipway::cli
