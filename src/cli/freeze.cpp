#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/override_change.h"
#include "cli/status_view.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const model::Override value = new_override(context, model::OverrideKind::Freeze);
  TRY(client.put_override(value));
  const Json json = model::to_json(value);
  if (context.out.structured(context.format(), Json::Object{{"overrides", Json::Array{json}}})) return 0;
  context.out.result(fmt::format("the cluster: {}\n", override_text(json, context.now())));
  return 0;
}

}  // namespace

Command freeze_command() {
  return {.name = "freeze",
          .summary = "begin no deploy in the whole cluster, until `unfreeze`",
          .details =
              "What runs is kept running, healed and scaled; a bounce that has begun goes on to its end,\n"
              "and what has never run is started.",
          .options = override_options(),
          .examples = {{"slipway freeze --for 2h --reason \"incident 4711\"", "for two hours"},
                       {"slipway freeze --reason \"holidays\"", "until somebody lifts it"}},
          .run = run};
}

}  // namespace slipway::cli
