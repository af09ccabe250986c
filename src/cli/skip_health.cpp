#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return put_overrides(context, model::OverrideKind::SkipHealth);
}
}  // namespace

Command skip_health_command() {
  return {.name = "skip-health",
          .summary = "take every running task for healthy, until `check-health`",
          .details =
              "For when it is the health check that is wrong: tasks get traffic and bounces go on as soon\n"
              "as a task runs.",
          .arguments = {override_subject()},
          .options = put_options(),
          .examples = {{"slipway skip-health web.main --for 1h --reason \"/health is broken\"",
                        "for an hour at most"},
                       {"slipway skip-health web", "all of the service"}},
          .run = run};
}

}  // namespace slipway::cli
