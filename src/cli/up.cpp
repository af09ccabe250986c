#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/launch.h"
#include "cli/progress.h"
#include "cli/status_view.h"
#include "cli/target.h"
#include "cli/terminal.h"

namespace slipway::cli {

namespace {

constexpr Duration kDefaultTimeout = 10min;
// To read the files and look at the engine once.
constexpr Duration kTakeTimeout = 20s;

// Whether the control plane runs by the very files that we read: the same instances, each of the same
// revision and count, and of broken services what it likes. Its own answer is compared, so an older picture
// is never taken for the new one.
bool has_taken(const Json& config, const Tree& tree) {
  if (tree.cluster.git) return true;  // its copy is another one, and it fetches when it likes
  const auto theirs = std::ranges::count_if(config.as_object(), [&](const auto& entry) {
    return !tree.desired.has_broken_files(entry.second.at("service").as_string());
  });
  if (static_cast<size_t>(theirs) != tree.desired.instances.size()) return false;
  return std::ranges::all_of(tree.desired.instances, [&](const model::Instance& instance) {
    const Json ours = model::config_show_json(instance, tree.cluster.cluster);
    const Json& known = config.at(instance.id.text());
    return known.at("revision") == ours.at("revision") && known.at("instances") == ours.at("instances");
  });
}

bool shows_all(const Json& status, const Tree& tree) {
  std::vector<std::string> shown;
  for (const Json& instance : status.at("instances").as_array()) shown.push_back(instance_name(instance));
  return std::ranges::all_of(tree.desired.instances, [&](const model::Instance& instance) {
    return std::ranges::find(shown, instance.id.text()) != shown.end();
  });
}

// Until the control plane has read the files and shows every instance of them.
Status wait_until_taken(const Context& context, const api::Client& client, const Tree& tree) {
  const Clock& clock = context.environment.clock;
  std::string trouble;
  Status failed;
  const bool taken =
      TRY(watch_status(client, {}, clock, clock.deadline_in(kTakeTimeout), [&](const Json& status) {
        trouble = status.at("trouble").as_string();
        if (!shows_all(status, tree)) return false;
        const auto config = client.config("", "");
        if (!config) failed = config.error();
        return !config || has_taken(*config, tree);
      }));
  if (!failed) return failed;
  if (taken) return {};
  return Error(ErrorCode::Timeout,
               fmt::format("the control plane has not taken the configuration within {}{}",
                           to_text(kTakeTimeout), trouble.empty() ? "" : ": " + trouble));
}

// Finds the control plane of the tree, or starts it.
Status ensure_control_plane(Context& context, const api::Client& client, const Tree& tree,
                            const std::filesystem::path& source) {
  if (!TRY(answers(client))) {
    context.out.note(fmt::format("starting the control plane of {}; its log is {}", source.string(),
                                 control_plane_log(tree.cluster.state).string()));
    return launch(context, {source, tree.cluster.state, tree.cluster.api, true});
  }
  if (TRY(client.status({})).at("shutting_down").as_bool()) {
    return Error(ErrorCode::Conflict,
                 "the control plane of " + source.string() + " is going down; try again when it is gone");
  }
  context.out.note("the control plane of " + source.string() + " runs already; it reads the files again");
  return client.reload();
}

std::string endpoint_lines(const Json& status) {
  std::string text;
  for (const Json& instance : status.at("instances").as_array()) {
    for (const Json& url : instance.at("endpoints").as_array()) {
      text += fmt::format("{}  {}\n", instance_name(instance), url.as_string());
    }
  }
  return text;
}

struct Tally {
  size_t good = 0;
  std::vector<std::string> failed;  // "web.main: reason"
  std::vector<std::string> waiting;
};

Tally tally_of(const Json& status) {
  Tally tally;
  for (const Json& instance : status.at("instances").as_array()) {
    const std::string& reason = instance.at("reason").as_string();
    const std::string line =
        instance_name(instance) + ": " + (reason.empty() ? instance.at("state").as_string() : reason);
    switch (progress_of(instance)) {
      case Progress::Good:
        ++tally.good;
        break;
      case Progress::Failed:
        tally.failed.push_back(line);
        break;
      case Progress::Waiting:
        tally.waiting.push_back(line);
        break;
    }
  }
  return tally;
}

void tell_failures(Context& context, const Tally& tally) {
  for (const std::string& line : tally.failed) context.out.error(line);
  if (!tally.failed.empty()) {
    context.out.note(
        "The control plane goes on trying by itself; `slipway why S.I` explains, `slipway down` ends all.");
  }
}

Result<int> watch_until_healthy(Context& context, const api::Client& client, Duration timeout) {
  const OnInterrupt come_back(
      "The control plane goes on by itself: `slipway status --watch` shows it, `slipway down` ends it.");
  const Clock& clock = context.environment.clock;
  Live live(context.out);
  Json last;
  const bool done = TRY(watch_status(client, {}, clock, clock.deadline_in(timeout), [&](const Json& status) {
    last = status;
    live.show(progress_lines(status, context.out.note_paint()));
    const Tally tally = tally_of(status);
    return tally.waiting.empty() && (!tally.failed.empty() || status.at("settled").as_bool());
  }));
  const Tally tally = tally_of(last);
  context.out.err().write(cluster_notes(last, context.now(), context.out.note_paint()));
  if (!context.out.structured(context.format(), last)) context.out.result(endpoint_lines(last));
  tell_failures(context, tally);
  if (!done) {
    for (const std::string& line : tally.waiting) context.out.error("still waiting: " + line);
    context.out.error(fmt::format("not healthy within {}; it goes on, `slipway status --watch` shows it",
                                  to_text(timeout)));
    return kTimedOut;
  }
  return tally.failed.empty() ? 0 : kFailed;
}

// The files as this control plane reads them: a port or domain stays with whoever it serves by it.
Status compile_as(const api::Client& client, Tree& tree) {
  const config::Holders holders = holders_in(TRY(client.config("", "")));
  tree.desired = TRY(config::compile(tree.cluster.config, tree.cluster.cluster, holders));
  return {};
}

// Says what is wrong with the files; an exit code where nothing can be started for it.
std::optional<int> refuse(Context& context, const Tree& tree, bool running) {
  const std::filesystem::path& here = context.environment.directory;
  context.out.err().write(problem_lines(tree.cluster_problems, here) +
                          problem_lines(tree.desired.problems, here));
  if (!tree.cluster_problems.empty()) return kInvalidConfiguration;
  if (!tree.desired.instances.empty() || running) return std::nullopt;
  context.out.error(tree.desired.broken.empty() ? no_service(tree.cluster.config, tree.cluster.cluster)
                                                : "every service has problems: nothing to start");
  return kInvalidConfiguration;
}

Result<int> run(Context& context) {
  const Args& args = context.args;
  const std::string given =
      args.has("config") ? args.text("config") : args.text(args.has("dir") ? "dir" : "DIR");
  const std::filesystem::path source = whole_path(context, given.empty() ? "." : given);
  auto loaded = load_tree(source, context.environment.clock);
  if (!loaded) {
    context.out.error(loaded.error().text());
    return exit_code(loaded.error().code());  // Invalid means the configuration here
  }
  Tree& tree = *loaded;
  const api::Client client(tree.cluster.api, context.environment.clock);
  const bool running = TRY(answers(client));
  if (running) TRY(compile_as(client, tree));
  if (const auto code = refuse(context, tree, running)) return *code;
  TRY(ensure_control_plane(context, client, tree, source));
  if (!running) TRY(compile_as(client, tree));  // it may know who served before it was started
  TRY(wait_until_taken(context, client, tree));
  // A broken service does not stop the others, but a script must hear of it.
  const int broken = tree.desired.broken.empty() ? 0 : kFailed;
  if (args.has("detach")) {
    context.out.note("the control plane runs; `slipway status --watch` shows how far it is");
    if (context.format() != Format::Table) context.out.structured(context.format(), TRY(client.status({})));
    return broken;
  }
  const int code =
      TRY(watch_until_healthy(context, client, args.duration("timeout").value_or(kDefaultTimeout)));
  return code != 0 ? code : broken;
}

}  // namespace

Command up_command() {
  return {
      .name = "up",
      .summary = "bring a config tree up on this machine and watch until all is healthy",
      .details =
          "Starts the control plane of DIR in the background, or finds it and has it read the files again.\n"
          "Problems of the files are listed first; a broken service does not keep the others from running.\n"
          "Ends when every instance is healthy (0), or has failed in a way that waiting does not mend (1):\n"
          "crashing in a loop, stalled, without its image. The control plane goes on by itself either way.",
      .arguments = {{.name = "DIR",
                     .help = "the config tree (default: the current folder)",
                     .required = false,
                     .completes = Completes::Directories}},
      .options = {{.name = "detach", .letter = 'd', .help = "return as soon as the files are taken"},
                  {.name = "timeout",
                   .kind = Kind::Duration,
                   .value = "DURATION",
                   .help = "give up watching (not the work) after this long (default 10m)"},
                  {.name = "config",
                   .letter = 'c',
                   .kind = Kind::Text,
                   .value = "FILE",
                   .help = "a cluster file instead of DIR",
                   .completes = Completes::Files}},
      .examples = {{"slipway up examples/shop", "bring it up and watch"},
                   {"slipway up examples/shop --detach && slipway status",
                    "for a script: do not wait for health"}},
      .run = run};
}

}  // namespace slipway::cli
