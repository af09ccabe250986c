#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return lift_overrides(context, {model::OverrideKind::Stop, model::OverrideKind::Scale});
}
}  // namespace

Command start_command() {
  return {.name = "start",
          .summary = "run an instance as its files say: lifts `stop` and `scale`",
          .arguments = {override_subject()},
          .options = wait_options(),
          .examples = {{"slipway start worker.main", "undo `slipway stop worker.main`"},
                       {"slipway start web --wait", "all of the service, and wait until it is healthy"}},
          .run = run};
}

}  // namespace slipway::cli
