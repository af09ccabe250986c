// slipway: the command and the daemon in one binary. Nothing is decided here; concrete parts are named and
// wired.
#include <span>
#include <string>

#include "api/routes.h"
#include "cli/cli.h"
#include "engine/local/process_runtime.h"
#include "main/rehearse.h"
#include "main/serve.h"
#include "plan/bounce.h"

int main(int argc, char** argv) {
  slipway::cli::Wiring wiring;
  wiring.version = SLIPWAY_VERSION;
  wiring.serve = [](const slipway::cli::ServeOptions& options) {
    return slipway::daemon::serve(options, SLIPWAY_VERSION);
  };
  wiring.bounce_line = slipway::plan::bounce_line;
  wiring.process_runtime = [](std::span<const std::string> arguments) {
    return slipway::engine::local::process_runtime_main(arguments);
  };
  wiring.api_docs = slipway::api::api_docs_markdown;
  wiring.rehearse = slipway::daemon::rehearse;
  return slipway::cli::run_cli(argc, argv, wiring);
}
