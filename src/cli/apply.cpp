#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "cli/terminal.h"

namespace slipway::cli {

namespace {

constexpr Duration kDefaultTimeout = 10min;

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  TRY(client.reload());
  if (context.args.has("detach")) return 0;
  const OnInterrupt come_back("The change goes on; `slipway status --watch` shows it.");
  const Clock& clock = context.environment.clock;
  const Duration timeout = context.args.duration("timeout").value_or(kDefaultTimeout);
  Live live(context.out);
  int code = 0;
  const bool in_time =
      TRY(watch_status(client, {}, clock, clock.deadline_in(timeout), [&](const Json& status) {
        live.show(progress_lines(status, context.out.note_paint()));
        bool waiting = !status.at("settled").as_bool();
        code = 0;
        for (const Json& instance : status.at("instances").as_array()) {
          const Progress progress = progress_of(instance);
          if (progress == Progress::Failed) code = kFailed;
          waiting = waiting && progress != Progress::Failed;
        }
        return !waiting;
      }));
  if (!in_time) {
    context.out.error("not done within " + to_text(timeout) + "; the control plane goes on");
    return kTimedOut;
  }
  if (code != 0)
    context.out.error("not as wanted; the control plane goes on trying. `slipway why S.I` explains");
  return code;
}

}  // namespace

Command apply_command() {
  return {.name = "apply",
          .summary = "read the files now, and take the plan until all is as wanted",
          .details =
              "The control plane does so by itself when it sees the files change; this does not wait for "
              "that, and\n"
              "shows how far it is.",
          .options = {{.name = "detach", .help = "do not wait"},
                      {.name = "timeout",
                       .kind = Kind::Duration,
                       .value = "DURATION",
                       .help = "give up waiting (not the work) after this long (default 10m)"}},
          .examples = {{"slipway apply", "take the change, and show it"},
                       {"slipway plan --exit-code; [ $? = 10 ] && slipway apply",
                        "only where there is something to do"}},
          .run = run};
}

}  // namespace slipway::cli
