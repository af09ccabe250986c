#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const Json services = TRY(client.services());
  if (context.out.structured(context.format(), services)) return 0;
  std::string text;
  for (const Json& service : services.at("services").as_array()) {
    const std::string& name = service.at("service").as_string();
    for (const Json& instance : service.at("instances").as_array())
      text += name + "." + instance.as_string() + "\n";
    if (service.at("broken").as_bool()) {
      context.out.warning("the files of " + name + " have problems: see `slipway validate`");
    }
  }
  context.out.result(text);
  return 0;
}

}  // namespace

Command list_command() {
  return {.name = "list",
          .summary = "all instances, one a line",
          .examples = {{"slipway list", "what there is"}, {"slipway list -o yaml", "by service"}},
          .run = run};
}

}  // namespace slipway::cli
