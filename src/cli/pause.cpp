#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return put_overrides(context, model::OverrideKind::Pause);
}
}  // namespace

Command pause_command() {
  return {.name = "pause",
          .summary = "change nothing of an instance, whatever the files say, until `resume`",
          .details = "Tasks go on, and those that die are started again.",
          .arguments = {override_subject()},
          .options = override_options(),
          .examples = {{"slipway pause web.main --for 1h --reason \"looking at it\"",
                        "keep it as it is for an hour"},
                       {"slipway pause web", "all of the service"}},
          .run = run};
}

}  // namespace slipway::cli
