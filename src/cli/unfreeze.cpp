#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const Status lifted = client.remove_override({}, model::OverrideKind::Freeze);
  if (!lifted.has_value() && lifted.error().code() != ErrorCode::NotFound) return lifted.error();
  // As with every override: there being none is no failure.
  if (!lifted.has_value()) context.out.note("the cluster is not frozen: nothing to lift");
  // As the other overrides answer: those that are in force now.
  if (context.out.structured(context.format(), Json::Object{{"overrides", Json::Array()}})) return 0;
  if (lifted.has_value()) context.out.result("the cluster: lifted freeze\n");
  return 0;
}

}  // namespace

Command unfreeze_command() {
  return {.name = "unfreeze",
          .summary = "go on with the deploys that `freeze` held back",
          .examples = {{"slipway unfreeze", "undo `slipway freeze`"},
                       {"slipway unfreeze && slipway status --watch", "and watch what was held back"}},
          .run = run};
}

}  // namespace slipway::cli
