#include "cli/cli.h"

#include <algorithm>
#include <pwd.h>
#include <unistd.h>

#include "api/registry.h"
#include "cli/context.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "io/environment.h"

namespace slipway::cli {

namespace {

std::string user_name(const std::map<std::string, std::string>& environment) {
  const auto sudo = environment.find("SUDO_USER");
  if (sudo != environment.end() && !sudo->second.empty()) return sudo->second;
  const passwd* entry = getpwuid(geteuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(geteuid());
}

}  // namespace

std::string Environment::variable(const std::string& name) const {
  const auto it = variables.find(name);
  return it == variables.end() ? std::string() : it->second;
}

Format Context::format() const {
  const std::string word = args.text("output");
  if (word == "json") return Format::Json;
  return word == "yaml" ? Format::Yaml : Format::Table;
}

int exit_code_of(const Error& error) {
  return error.code() == ErrorCode::Invalid ? kUsage : exit_code(error.code());
}

int run_command(const std::vector<std::string>& words, Output& output, const Environment& environment,
                const Wiring& wiring) {
  static const Command root = command_tree();
  const auto invocation = parse(root, words);
  if (!invocation) {
    output.error(invocation.error().text());
    return kUsage;
  }
  const Command& command = *invocation->command;
  if (invocation->help || command.run == nullptr) {
    // A bare `slipway` is a question; a bare `slipway config` lacks a word.
    const bool asked = invocation->help || &command == &root;
    const std::string text = help_text(command, invocation->path);
    asked ? output.result(text) : output.err().write(text);
    return asked ? 0 : kUsage;
  }
  Context context{root, invocation->args, output, environment, wiring};
  const auto code = command.run(context);
  if (code) return *code;
  output.error(code.error().text());
  return exit_code_of(code.error());
}

int run_cli(int argc, char** argv, const Wiring& wiring) {
  const SystemClock clock;
  SystemRandom random;
  const auto all = io::environment();
  std::error_code gone;  // a path that cannot be told stays empty, and whoever needs it says so
  const Environment environment{.variables = all,
                                .directory = std::filesystem::current_path(gone),
                                .registry = api::registry_directory(all),
                                .user = user_name(all),
                                .program = std::filesystem::read_symlink("/proc/self/exe", gone),
                                .clock = clock,
                                .random = random};
  const std::vector<std::string> words(argv + 1, argv + argc);
  // Looked at before parsing, so that the parser's own complaints are uncoloured too.
  const auto end = std::ranges::find(words, "--");
  const bool colour =
      environment.variable("NO_COLOR").empty() && std::find(words.begin(), end, "--no-color") == end;
  Output output(descriptor_sink(STDOUT_FILENO), descriptor_sink(STDERR_FILENO), colour);
  return run_command(words, output, environment, wiring);
}

}  // namespace slipway::cli
