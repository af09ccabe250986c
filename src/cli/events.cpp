#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// Between two looks at a stream that says nothing; only so that no wait is without end.
constexpr Duration kQuiet = 30s;

std::string line_of(const Json& event, const Paint& paint) {
  const std::string& instance = event.at("instance").as_string();
  return fmt::format("{}  {}  {}  {}\n", paint(Colour::Faint, event.at("at").as_string()),
                     paint(Colour::Bold, instance.empty() ? "cluster" : instance),
                     paint(Colour::Cyan, event.at("kind").as_string()),
                     printable(event.at("text").as_string()));
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  api::EventQuery query;
  query.limit = context.args.count("limit").value_or(100);
  query.follow = context.args.has("follow");
  if (context.args.has("S[.I]")) {
    query.subject = context.args.text("S[.I]");
    TRY(instances_of(client, query.subject));  // for "did you mean"
  }
  api::LineStream events = TRY(client.events(query));
  while (!events.ended()) {
    const auto event = TRY(events.next(kQuiet));
    if (!event) continue;
    const bool table = context.format() == Format::Table;
    context.out.result(table ? line_of(*event, context.out.paint()) : event->dump() + "\n");
  }
  return 0;
}

}  // namespace

Command events_command() {
  return {.name = "events",
          .summary = "what happened: bounces, exits, overrides",
          .details = "Oldest first. With -o json, one object a line.",
          .arguments = {{.name = "S[.I]",
                         .help = "only of this service or instance",
                         .required = false,
                         .completes = Completes::Instances}},
          .options = {{.name = "follow", .letter = 'f', .help = "go on with what happens next"},
                      {.name = "limit",
                       .letter = 'n',
                       .kind = Kind::Count,
                       .value = "N",
                       .help = "the newest N (default 100)"}},
          .examples = {{"slipway events -f", "watch what happens"},
                       {"slipway events web.main -n 10", "the last ten of one instance"}},
          .run = run};
}

}  // namespace slipway::cli
