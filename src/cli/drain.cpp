#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/node_change.h"
#include "cli/override_change.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "cli/terminal.h"

namespace slipway::cli {

namespace {

constexpr Duration kDefaultTimeout = 10min;

// The tasks on the node, and why the first of their instances does not get on.
struct Left {
  size_t tasks = 0;
  std::string reason;
};

Left left_on(const Json& status, const std::string& node) {
  Left left;
  for (const Json& instance : status.at("instances").as_array()) {
    size_t here = 0;
    for (const Json& task : instance.at("tasks").as_array()) {
      here += task.at("node").as_string() == node && task.at("state").as_string() != "lost";
    }
    left.tasks += here;
    const std::string& reason = instance.at("reason").as_string();
    if (here > 0 && left.reason.empty() && !reason.empty())
      left.reason = fmt::format("{}: {}", instance_name(instance), printable(reason));
  }
  return left;
}

Result<int> wait_until_empty(Context& context, const api::Client& client, const std::string& node) {
  const OnInterrupt come_back("The node goes on being drained; `slipway undrain` takes that back.");
  const Clock& clock = context.environment.clock;
  const Duration timeout = context.args.duration("timeout").value_or(kDefaultTimeout);
  Live live(context.out);
  Left left;
  const bool in_time =
      TRY(watch_status(client, {}, clock, clock.deadline_in(timeout), [&](const Json& status) {
        left = left_on(status, node);
        live.show({{node, fmt::format("{}: {} left{}", node, counted(left.tasks, "task"),
                                      left.reason.empty() ? "" : "; " + left.reason)}});
        return left.tasks == 0;
      }));
  if (in_time) return 0;
  context.out.error(fmt::format("{} still on {} after {}{}; the control plane goes on",
                                counted(left.tasks, "task"), node, to_text(timeout),
                                left.reason.empty() ? "" : ": " + left.reason));
  return kTimedOut;
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  TRY(change_node(context, client, true));
  if (!context.args.has("wait")) return 0;
  return wait_until_empty(context, client, context.args.text("NODE"));
}

}  // namespace

Command drain_command() {
  std::vector<Option> options = {node_reason()};
  for (Option& option : wait_options()) options.push_back(std::move(option));
  options[1].help = "until no task is left on it, showing how far it is";
  return {.name = "drain",
          .summary = "empty a machine for maintenance: no new tasks, and those that it has go elsewhere",
          .details =
              "Tasks move by the same rules as in a bounce: never more at once than an instance can\n"
              "spare. Where no other machine takes them they stay, and `status` says why.",
          .arguments = {node_argument()},
          .options = std::move(options),
          .examples = {{"slipway drain node-7 --reason \"new disk\" --wait", "until it is empty"},
                       {"slipway drain node-7", "and come back later"}},
          .run = run};
}

}  // namespace slipway::cli
