#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return lift_overrides(context, {model::OverrideKind::SkipHealth});
}
}  // namespace

Command check_health_command() {
  return {
      .name = "check-health",
      .summary = "heed the health checks again that `skip-health` left out",
      .arguments = {override_subject()},
      .options = wait_options(),
      .examples = {{"slipway check-health web.main", "undo `slipway skip-health web.main`"},
                   {"slipway check-health web --wait", "all of the service, and wait until it is healthy"}},
      .run = run};
}

}  // namespace slipway::cli
