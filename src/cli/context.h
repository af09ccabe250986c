// What a command works with: its arguments, its output, its surroundings.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/output.h"

namespace slipway::cli {

// The process around a command; a test makes its own.
struct Environment {
  std::map<std::string, std::string> variables;
  std::filesystem::path directory;  // the current one
  std::filesystem::path registry;   // see api/registry.h
  std::string user;                 // who acts, also behind sudo
  std::filesystem::path program;    // this very binary, for starting the daemon
  const Clock& clock;
  Random& random;

  std::string variable(const std::string& name) const;
};

// Everything is borrowed.
struct Context {
  const Command& root;
  const Args& args;
  Output& out;
  const Environment& environment;
  const Wiring& wiring;

  Format format() const;
  Time now() const { return environment.clock.now(); }
};

// Exit codes that no ErrorCode stands for.
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInvalidConfiguration = 4;
constexpr int kTimedOut = 5;

// For commands: an error of base's table, but what is Invalid outside the configuration was typed wrong.
int exit_code_of(const Error& error);

// Parses and runs; prints errors. Returns the exit code. `words`: without the program's name.
int run_command(const std::vector<std::string>& words, Output& output, const Environment& environment,
                const Wiring& wiring);

}  // namespace slipway::cli
