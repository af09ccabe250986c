#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// "2026-01-31T09:15:00.250Z" without the part of the second.
std::string second_of(const std::string& time) {
  const size_t dot = time.find('.');
  return dot == std::string::npos ? time : time.substr(0, dot) + "Z";
}

// What holds now has no time; the rest is history, the newest first.
std::string cause_text(const Json& cause) {
  const Json& at = cause.at("at");
  std::string text = fmt::format("  {:<20}  {:<10}  {}\n", at.is_null() ? "now" : second_of(at.as_string()),
                                 cause.at("kind").as_string(), printable(cause.at("text").as_string()));
  for (const Json& line : cause.at("lines").as_array())
    text += fmt::format("{:36}| {}\n", "", printable(line.as_string()));
  return text;
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const model::InstanceId id = TRY(instance_of(client, context.args.text("S.I")));
  const Json why = TRY(client.why(id));
  if (context.out.structured(context.format(), why)) return 0;
  const Paint& paint = context.out.paint();
  std::string text =
      fmt::format("{} is {}\n", paint(Colour::Bold, id.text()), paint.state(why.at("state").as_string()));
  for (const Json& cause : why.at("causes").as_array()) text += cause_text(cause);
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
