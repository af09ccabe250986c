#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const model::InstanceId id = TRY(instance_of(client, context.args.text("S.I")));
  const Json why = TRY(client.why(id));
  if (context.out.structured(context.format(), why)) return 0;
  const Paint& paint = context.out.paint();
  std::string text =
      fmt::format("{} is {}\n", paint(Colour::Bold, id.text()), paint.state(why.at("state").as_string()));
  for (const Json& cause : why.at("causes").as_array()) text += "  " + printable(cause.as_string()) + "\n";
  context.out.result(text);
  return 0;
}

}  // namespace

Command why_command() {
  return {.name = "why",
          .summary = "everything that explains the present state, newest cause first",
          .details =
              "From what the instance waits for, down to the exit code and the last log lines of its tasks.",
          .arguments = {{.name = "S.I", .help = "the instance", .completes = Completes::Instances}},
          .examples = {{"slipway why web.main", "why it is as it is"},
                       {"slipway why web.main -o json", "the same for a script"}},
          .run = run};
}

}  // namespace slipway::cli
