#include "cli/commands.h"
#include "cli/target.h"
#include "cli/wait.h"

namespace slipway::cli {

namespace {

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const int64_t reload = TRY(client.reload());
  if (context.args.has("detach")) return 0;
  return wait_until_done(context, client, {.taken = [reload](const Json& status) {
                           return status.at("reload").as_int() >= reload;
                         }});
}

}  // namespace

Command apply_command() {
  return {.name = "apply",
          .summary = "read the files now, and take the plan until all is as wanted",
          .details =
              "The control plane does so by itself when it sees the files change; this does not wait for "
              "that, and\n"
              "shows how far it is.",
          .options = {{.name = "detach", .help = "do not wait"}, timeout_option("")},
          .examples = {{"slipway apply", "take the change, and show it"},
                       {"slipway plan --exit-code; [ $? = 10 ] && slipway apply",
                        "only where there is something to do"}},
          .run = run};
}

}  // namespace slipway::cli
