#include "base/yaml_text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const std::string name = context.args.text("S");
  TRY(instances_of(client, name));  // for "did you mean"
  const Json service = TRY(client.service(name));
  if (!context.out.structured(context.format(), service)) context.out.result(yaml_text(service));
  return 0;
}

}  // namespace

Command info_command() {
  return {.name = "info",
          .summary = "one service: its instances as configured, and where they are reached",
          .arguments = {{.name = "S", .help = "the service", .completes = Completes::Services}},
          .examples = {{"slipway info web", "what is known of the service"},
                       {"slipway info web -o json", "the same for a script"}},
          .run = run};
}

}  // namespace slipway::cli
