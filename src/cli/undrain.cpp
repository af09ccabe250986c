#include "cli/commands.h"
#include "cli/node_change.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {
Result<int> run(Context& context) {
  TRY(change_node(context, TRY(connect(context)), false));
  return 0;
}
}  // namespace

Command undrain_command() {
  return {.name = "undrain",
          .summary = "let a machine take tasks again after `drain`",
          .arguments = {node_argument()},
          .options = {node_reason()},
          .examples = {{"slipway undrain node-7", "the maintenance is over"},
                       {"slipway undrain node-7 --reason \"postponed\"", "or was called off"}},
          .run = run};
}

}  // namespace slipway::cli
