#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const model::InstanceId id = TRY(instance_of(client, context.args.text("S.I")));
  const Json history = TRY(client.history(id, context.args.count("limit").value_or(20)));
  if (context.out.structured(context.format(), history)) return 0;
  Table table({"STARTED", "ENDED", "REVISION", "OUTCOME", "WHAT"});
  for (const Json& bounce : history.at("bounces").as_array()) {
    const std::string& ended = bounce.at("ended_at").as_string();
    table.add({bounce.at("started_at").as_string(), ended.empty() ? "-" : ended,
               bounce.at("revision").as_string(), bounce.at("outcome").as_string(),
               printable(bounce.at("text").as_string())});
  }
  context.out.result(table.text(context.out.paint()));
  return 0;
}

}  // namespace

Command history_command() {
  return {.name = "history",
          .summary = "the bounces of an instance, newest first",
          .arguments = {{.name = "S.I", .help = "the instance", .completes = Completes::Instances}},
          .options = {{.name = "limit",
                       .letter = 'n',
                       .kind = Kind::Count,
                       .value = "N",
                       .help = "at most this many (default 20)"}},
          .examples = {{"slipway history web.main", "which revisions ran, and how each came"},
                       {"slipway history web.main -n 1 -o json", "the last bounce for a script"}},
          .run = run};
}

}  // namespace slipway::cli
