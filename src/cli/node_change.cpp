#include "cli/node_change.h"

#include <fmt/format.h>

namespace slipway::cli {

Argument node_argument() {
  return {.name = "NODE", .help = "its id, as `slipway nodes` shows it", .completes = Completes::Nodes};
}

Option node_reason() {
  return {
      .name = "reason", .kind = Kind::Text, .value = "TEXT", .help = "why, for whoever reads `events` next"};
}

Status change_node(Context& context, const api::Client& client, bool draining) {
  const std::string name = context.args.text("NODE");
  const Json node =
      TRY(client.set_draining(name, draining, context.environment.user, context.args.text("reason")));
  if (context.out.structured(context.format(), node)) return {};
  context.out.result(fmt::format("{}: {}\n", name, draining ? "is being drained" : "takes tasks again"));
  return {};
}

}  // namespace slipway::cli
