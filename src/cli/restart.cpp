#include "cli/commands.h"
#include "cli/override_change.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  return put_overrides(context, model::OverrideKind::Restart);
}
}  // namespace

Command restart_command() {
  std::vector<Option> options = put_options();
  std::erase_if(options, [](const Option& option) { return option.name == "for"; });
  return {
      .name = "restart",
      .summary = "replace all tasks by new ones, by the instance's own bounce method",
      .details = "As careful as a change of the files: with crossover, no request is lost.",
      .arguments = {override_subject()},
      .options = std::move(options),
      .examples = {{"slipway restart web.main --wait", "roll it, and wait until all new tasks are healthy"},
                   {"slipway restart web --reason \"rotated keys\"", "all of the service"}},
      .run = run};
}

}  // namespace slipway::cli
