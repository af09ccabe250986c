#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return put_overrides(context, model::OverrideKind::Stop);
}
}  // namespace

Command stop_command() {
  return {
      .name = "stop",
      .summary = "run none of an instance, until `start`",
      .details = "An override: the files stay as they are, `status` shows who stopped it and why.",
      .arguments = {override_subject()},
      .options = put_options(),
      .examples = {{"slipway stop worker.main --for 2h --reason \"database maintenance\"", "for two hours"},
                   {"slipway stop web --wait", "all of the service, and wait until its tasks are gone"}},
      .run = run};
}

}  // namespace slipway::cli
