#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return put_overrides(context, model::OverrideKind::Scale, context.args.count("N").value_or(0));
}
}  // namespace

Command scale_command() {
  return {.name = "scale",
          .summary = "run another number of tasks than the files say, until `start`",
          .arguments = {override_subject(), {.name = "N", .help = "how many", .kind = Kind::Count}},
          .options = put_options(),
          .examples = {{"slipway scale web.main 6 --for 8h --reason \"sale\"", "six tasks until tonight"},
                       {"slipway scale web.main 1 --wait", "one task, and wait until the others are gone"}},
          .run = run};
}

}  // namespace slipway::cli
