#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

std::string state_of(const Json& node) {
  if (!node.at("ready").as_bool()) return "lost";
  return node.at("draining").as_bool() ? "draining" : "running";
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const Json nodes = TRY(client.nodes());
  if (context.out.structured(context.format(), nodes)) return 0;
  constexpr uint64_t kMebibyte = 1 << 20;
  Table table({"NODE", "STATE", "CPUS", "MEMORY", "DISK", "REASON"});
  for (const Json& node : nodes.at("nodes").as_array()) {
    table.add({node.at("id").as_string(), context.out.paint().state(state_of(node)),
               fmt::format("{}", node.at("cpus").as_double()),
               bytes_text(static_cast<uint64_t>(node.at("mem").as_int()) * kMebibyte),
               bytes_text(static_cast<uint64_t>(node.at("disk").as_int()) * kMebibyte),
               printable(node.at("reason").as_string())});
  }
  context.out.result(table.text(context.out.paint()));
  return 0;
}

}  // namespace

Command nodes_command() {
  return {.name = "nodes",
          .summary = "the machines of the cluster",
          .examples = {{"slipway nodes", "what each has, and whether it takes tasks"},
                       {"slipway nodes -o json", "with all attributes"}},
          .run = run};
}

}  // namespace slipway::cli
