#include "cli/commands.h"
#include "cli/context.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const Args& args = context.args;
  if (args.has("config") == args.has("dir")) {
    return Error(ErrorCode::Invalid,
                 "serve wants either -c FILE (a cluster file) or --dir DIR (a config tree)");
  }
  if (!context.wiring.serve) return Error(ErrorCode::Internal, "this build has no control plane");
  ServeOptions options;
  if (args.has("config")) options.file = whole_path(context, args.text("config"));
  if (args.has("dir")) options.directory = whole_path(context, args.text("dir"));
  options.up = args.has("up");
  options.verbose = args.has("verbose");
  return context.wiring.serve(options);
}

}  // namespace

Command serve_command() {
  return {
      .name = "serve",
      .summary = "the control plane in the foreground, for systemd or a container",
      .details =
          "Ends at SIGTERM and leaves its tasks running: the next one takes them over. Where the last one\n"
          "died while it went down, this one goes on with that, unless --up says otherwise.",
      .options = {{.name = "config",
                   .letter = 'c',
                   .kind = Kind::Text,
                   .value = "FILE",
                   .help = "the cluster file, slipway.yaml",
                   .completes = Completes::Files},
                  {.name = "dir",
                   .letter = 'C',
                   .kind = Kind::Text,
                   .value = "DIR",
                   .help = "a config tree, with or without a slipway.yaml",
                   .completes = Completes::Directories},
                  {.name = "up",
                   .help = "take back a `down` that has not come to its end, as `slipway up` does"},
                  {.name = "verbose", .letter = 'v', .help = "log every step"}},
      .examples = {{"slipway serve -c /etc/slipway/slipway.yaml", "as a service of the machine"},
                   {"slipway serve --dir examples/shop -v", "to see what it does"}},
      .run = run};
}

}  // namespace slipway::cli
