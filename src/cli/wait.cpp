#include "cli/wait.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/progress.h"
#include "cli/terminal.h"

namespace slipway::cli {

namespace {

constexpr Duration kDefaultTimeout = 10min;

Json only(const Json& status, const std::vector<model::InstanceId>& ids) {
  if (ids.empty()) return status;
  Json::Array kept;
  for (const Json& instance : status.at("instances").as_array()) {
    const std::string name = instance_name(instance);
    if (std::ranges::any_of(ids, [&](const model::InstanceId& id) { return id.text() == name; }))
      kept.push_back(instance);
  }
  Json copy = status;
  copy["instances"] = kept;
  return copy;
}

// What is too many still drains.
bool is_under_way(const Json& instance) {
  const Progress progress = progress_of(instance);
  return progress == Progress::Waiting ||
         (progress == Progress::Good && !instance.at("draining").as_array().empty());
}

}  // namespace

Option timeout_option(const std::string& when) {
  return {.name = "timeout",
          .kind = Kind::Duration,
          .value = "DURATION",
          .help = when + "give up waiting (not the work) after this long (default 10m)"};
}

Result<int> wait_until_done(Context& context, const api::Client& client, const Wait& wait) {
  const OnInterrupt come_back("The change is stored and goes on; `slipway status --watch` shows it.");
  const Clock& clock = context.environment.clock;
  const Duration timeout = context.args.duration("timeout").value_or(kDefaultTimeout);
  Live live(context.out);
  bool failed = false;
  const bool in_time =
      TRY(watch_status(client, {}, clock, clock.deadline_in(timeout), [&](const Json& status) {
        const Json shown = only(status, wait.only);
        live.show(progress_lines(shown, context.out.note_paint()));
        if (!wait.taken(shown)) return false;
        const Json::Array& instances = shown.at("instances").as_array();
        failed = std::ranges::any_of(
            instances, [](const Json& instance) { return progress_of(instance) == Progress::Failed; });
        // What has failed is never settled, and nor is what else the last plan had to do.
        const bool nothing_left = !wait.only.empty() || failed || status.at("settled").as_bool();
        return nothing_left && std::ranges::none_of(instances, is_under_way);
      }));
  if (!in_time) {
    context.out.error(
        fmt::format("not done within {}; the control plane goes on. `slipway status --watch` shows it",
                    to_text(timeout)));
    return kTimedOut;
  }
  if (failed)
    context.out.error("not as wanted; the control plane goes on trying. `slipway why S.I` explains");
  return failed ? kFailed : 0;
}

}  // namespace slipway::cli
