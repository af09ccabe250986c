#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return lift_overrides(context, {model::OverrideKind::Pause});
}
}  // namespace

Command resume_command() {
  return {.name = "resume",
          .summary = "go on with what `pause` held back",
          .arguments = {override_subject()},
          .options = wait_options(),
          .examples = {{"slipway resume web.main", "undo `slipway pause web.main`"},
                       {"slipway resume web --wait",
                        "all of the service, and wait until it is as the files say"}},
          .run = run};
}

}  // namespace slipway::cli
