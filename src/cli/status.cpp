#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/status_view.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

void show(Context& context, const Json& status) {
  Output& out = context.out;
  if (out.structured(context.format(), status)) return;
  const Time now = context.now();
  out.result(context.args.has("verbose") ? status_details(status, now, out.paint())
                                         : status_table(status, now, out.paint()));
  out.err().write(cluster_notes(status, now, out.note_paint()));
}

Result<int> watch(Context& context, const api::Client& client, const api::StatusQuery& query) {
  const bool redraw = context.out.out().terminal && context.format() == Format::Table;
  TRY(watch_status(client, query, context.environment.clock, std::nullopt, [&](const Json& status) {
    // Home and clear: the whole screen is ours while we watch.
    if (redraw) context.out.result("\x1b[H\x1b[2J");
    show(context, status);
    return false;
  }));
  return 0;
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  api::StatusQuery query;
  if (context.args.has("S[.I]")) {
    const Subject subject = TRY(parse_subject(context.args.text("S[.I]")));
    query.service = subject.service;
    query.instance = subject.instance;
  }
  if (context.args.has("watch")) return watch(context, client, query);
  const Json status = TRY(client.status(query));
  show(context, status);
  return 0;
}

}  // namespace

Command status_command() {
  return {
      .name = "status",
      .summary = "state, revisions, tasks, bounces, overrides and reasons",
      .details =
          "One line per instance; -v shows its tasks, endpoints, overrides and the progress of a bounce.\n"
          "With -o json, the object that scripts may rely on.",
      .arguments = {{.name = "S[.I]",
                     .help = "only this service or instance",
                     .required = false,
                     .completes = Completes::Instances}},
      .options = {{.name = "verbose", .letter = 'v', .help = "everything about each instance and its tasks"},
                  {.name = "watch", .letter = 'w', .help = "show it again whenever it changes"}},
      .examples = {{"slipway status", "one line per instance"},
                   {"slipway status web.main -v --watch", "follow the tasks of one instance"}},
      .run = run};
}

}  // namespace slipway::cli
