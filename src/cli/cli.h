// The command line: one call from main.
//
// Commands talk to a control plane over the API, or read configuration offline. What needs more of Slipway
// than that (running the daemon, the planner's own functions) is handed in by main, so that this folder does
// not link it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "cli/rehearsal.h"

namespace slipway::cli {

// What `serve` was asked for: exactly one of the two is set.
struct ServeOptions {
  std::optional<std::filesystem::path> file;       // a cluster file
  std::optional<std::filesystem::path> directory;  // a config tree, with or without a slipway.yaml
  bool up = false;  // everything is wanted, also where an earlier control plane died while going down
  bool verbose = false;
};

// An empty function: this build cannot do that, and the command says so.
struct Wiring {
  std::string version;
  std::function<int(const ServeOptions&)> serve;
  std::function<std::string(const std::string&)> bounce_line;  // one line of `internal bounce`
  std::function<int(std::span<const std::string>)> process_runtime;
  std::function<std::string()> api_docs;  // docs/reference/api.md
  Rehearse rehearse;
};

// Exit codes are a contract: 0 done, 1 failed, 2 usage, 3 not found, 4 invalid configuration, 5 timed out,
// 6 unreachable, 7 forbidden.
int run_cli(int argc, char** argv, const Wiring& wiring);

}  // namespace slipway::cli
