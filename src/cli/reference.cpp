// The man page and the reference page: two renderings of one walk over the commands.
#include <fmt/format.h>

#include "cli/help.h"

namespace slipway::cli {

namespace {

// Calls `visit(command, path)` for every command that does something, in the order of the tree.
template <class Visit>
void walk(const Command& command, const std::string& path, const Visit& visit) {
  if (command.hidden) return;
  if (command.run != nullptr) visit(command, path);
  for (const Command& child : command.children) walk(child, path + " " + child.name, visit);
}

// roff reads a backslash as an escape and a leading dot or quote as a request.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out += c;
    }
  }
  return out;
}

std::string man_command(const Command& command, const std::string& path) {
  std::string out = fmt::format(".SS {}\n{}.\n", roff(usage_line(command, path)), roff(command.summary));
  if (!command.details.empty()) out += fmt::format(".PP\n{}\n", roff(command.details));
  for (const Argument& argument : command.arguments) {
    out += fmt::format(".TP\n.I {}\n{}\n", roff(argument.name), roff(argument.help));
  }
  for (const Option& option : command.options) {
    const std::string text = option_text(option);
    out += fmt::format(".TP\n.B {}\n{}\n", roff(text.substr(text.find('-'))), roff(option.help));
  }
  for (const Example& example : command.examples) {
    out += fmt::format(".PP\n{}:\n.RS\n.B {}\n.RE\n", roff(example.text), roff(example.line));
  }
  return out;
}

std::string table_cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string markdown_command(const Command& command, const std::string& path) {
  std::string out =
      fmt::format("\n## `{}`\n\n{}.\n\n    {}\n", path, command.summary, usage_line(command, path));
  if (!command.details.empty()) out += "\n" + command.details + "\n";
  if (!command.arguments.empty() || !command.options.empty()) out += "\n| | |\n|---|---|\n";
  for (const Argument& argument : command.arguments) {
    out += fmt::format("| `{}` | {} |\n", table_cell(argument.name), table_cell(argument.help));
  }
  for (const Option& option : command.options) {
    const std::string text = option_text(option);
    out += fmt::format("| `{}` | {} |\n", table_cell(text.substr(text.find('-'))), table_cell(option.help));
  }
  out += "\n";
  for (const Example& example : command.examples)
    out += fmt::format("- `{}`: {}\n", example.line, example.text);
  return out;
}

constexpr std::string_view kExitCodes =
    "0 done, 1 failed, 2 usage, 3 not found, 4 invalid configuration, 5 timed out, 6 unreachable, 7 "
    "forbidden";

struct Named {
  const char* name;
  const char* text;
};
constexpr Named kVariables[] = {
    {"SLIPWAY_API", "the control plane that is meant, as --api"},
    {"SLIPWAY_RUN_DIR", "where control planes are registered and looked for, in place of /run/slipway"},
    {"NO_COLOR", "no colour, as --no-color"},
};
constexpr Named kFiles[] = {
    {"slipway.yaml", "the cluster file, in the config tree; every key has a default"},
    {"/run/slipway/*.json", "the control planes that run on this machine"},
    {"/var/lib/slipway/*", "their state, the log slipway.log in it"},
};

}  // namespace

std::string man_page(const Command& root, const std::string& version) {
  std::string out = fmt::format(
      ".TH SLIPWAY 1 \"\" \"slipway {}\" \"User Commands\"\n.SH NAME\nslipway \\- {}\n.SH SYNOPSIS\n"
      ".B slipway\nCOMMAND [options]\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      roff(version), roff(root.summary), roff(root.details));
  walk(root, root.name,
       [&](const Command& command, const std::string& path) { out += man_command(command, path); });
  out += ".SH COMMON OPTIONS\n";
  for (const Option& option : common_options()) {
    const std::string text = option_text(option);
    out += fmt::format(".TP\n.B {}\n{}\n", roff(text.substr(text.find('-'))), roff(option.help));
  }
  out += fmt::format(".SH EXIT STATUS\n{}.\n", roff(std::string(kExitCodes)));
  out += ".SH ENVIRONMENT\n";
  for (const Named& one : kVariables) out += fmt::format(".TP\n.B {}\n{}\n", roff(one.name), roff(one.text));
  out += ".SH FILES\n";
  for (const Named& one : kFiles) out += fmt::format(".TP\n.I {}\n{}\n", roff(one.name), roff(one.text));
  return out;
}

std::string reference_markdown(const Command& root) {
  std::string out = fmt::format(
      "# The command line\n\nWritten by `slipway internal cli-docs`; do not edit.\n\n{}\n\n"
      "Exit codes: {}.\n\nEvery command takes these:\n\n| | |\n|---|---|\n",
      root.details, kExitCodes);
  for (const Option& option : common_options()) {
    const std::string text = option_text(option);
    out += fmt::format("| `{}` | {} |\n", table_cell(text.substr(text.find('-'))), table_cell(option.help));
  }
  out += "| `-h, --help` | what it does, what it takes, two examples |\n";
  walk(root, root.name,
       [&](const Command& command, const std::string& path) { out += markdown_command(command, path); });
  return out;
}

}  // namespace slipway::cli
