#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/launch.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::cli {

namespace {

constexpr Duration kDefaultTimeout = 10min;

// Whose end is wanted.
struct Doomed {
  Launch launch;               // how to start it again, should it have died
  std::filesystem::path tree;  // its config tree
};

Doomed doomed_of(const api::ControlPlane& plane) {
  return {{plane.source, plane.state, plane.endpoint}, plane.directory};
}

// The registered one of this config tree or cluster file; else what the files say, for one that never came so
// far.
Result<Doomed> doomed_at(const std::filesystem::path& path, const std::vector<api::ControlPlane>& planes) {
  for (const api::ControlPlane& plane : planes) {
    if (plane.directory == path || plane.source == path) return doomed_of(plane);
  }
  const auto loaded = TRY(load_cluster(path));
  return Doomed{{path, loaded.cluster.state, loaded.cluster.api}, loaded.cluster.config};
}

// One that ended by itself counts as well as one that runs: what it left behind must go.
Result<Doomed> find_doomed(const Context& context) {
  const Args& args = context.args;
  const auto planes = TRY(api::control_planes(context.environment.registry));
  const std::string given = args.text(args.has("dir") ? "dir" : "DIR");
  if (!given.empty()) return doomed_at(whole_path(context, given), planes);
  const auto target = find_target(context);
  if (target && target->plane) return doomed_of(*target->plane);
  if (target)
    return Error(ErrorCode::Invalid, "`down` ends a control plane of this machine: say its config tree");
  if (target.error().code() == ErrorCode::Unavailable && planes.size() == 1) return doomed_of(planes.front());
  return target.error();
}

Status delete_state(Context& context, const Doomed& doomed) {
  const std::filesystem::path& state = doomed.launch.state;
  TRY(api::unregister_control_plane(context.environment.registry, state));
  return api::forget_state(state);
}

std::vector<Live::Line> leaving_lines(const Json& status, const Paint& paint) {
  std::vector<Live::Line> lines;
  for (const Json& instance : status.at("instances").as_array()) {
    const std::string name = instance_name(instance);
    const size_t tasks = instance.at("tasks").as_array().size();
    const std::string what = tasks == 0 ? "gone" : fmt::format("{} left", counted(tasks, "task"));
    lines.push_back({name, fmt::format("{}  {}", name, what)});
  }
  if (const std::string& trouble = status.at("trouble").as_string(); !trouble.empty()) {
    lines.push_back({"", paint(Colour::Yellow, "trouble: " + trouble)});
  }
  return lines;
}

// Until nothing is left. The control plane ends by itself then, perhaps between two of our questions: no
// answer any more is an end too, and what follows finds out whether a good one.
Result<bool> watch_leaving(Context& context, const api::Client& client, Deadline deadline) {
  Live live(context.out);
  bool empty = false;
  const auto released =
      watch_status(client, {}, context.environment.clock, deadline, [&](const Json& status) {
        live.show(leaving_lines(status, context.out.note_paint()));
        empty = std::ranges::all_of(status.at("instances").as_array(), [](const Json& instance) {
          return instance.at("tasks").as_array().empty();
        });
        return status.at("released").as_bool();
      });
  if (released) return *released;
  if (released.error().code() == ErrorCode::Unavailable) return empty;
  return released.error();
}

// For a script; people are told by a note.
void answer_nothing_left(Context& context) {
  context.out.structured(context.format(), Json::Object{{"left", Json::Array()}});
}

Result<int> late(Context& context, const std::string& what, Duration timeout) {
  context.out.error(
      fmt::format("{} after {}; it goes on. `slipway status` shows it, and `slipway down` waits again", what,
                  to_text(timeout)));
  return kTimedOut;
}

// The process behind the API, named so that it cannot be mistaken for a later one.
struct Process {
  pid_t pid = 0;
  uint64_t started = 0;
};

Result<Process> process_of(const api::Client& client) {
  const Json version = TRY(client.version());
  Process process;
  process.pid = static_cast<pid_t>(version.at("pid").as_int());
  const auto started = io::process_start_time(process.pid);
  // Gone between the two questions, or on another machine: nothing to wait for either way.
  process.started = started.value_or(0);
  return process;
}

Result<int> take_down(Context& context, const Doomed& doomed, const api::Client& client) {
  const Clock& clock = context.environment.clock;
  const Duration timeout = context.args.duration("timeout").value_or(kDefaultTimeout);
  const Deadline deadline = clock.deadline_in(timeout);
  const bool keep = context.args.has("keep");
  const Process process = TRY(process_of(client));
  const OnInterrupt come_back("It goes down by itself; `slipway down` waits for it again.");
  TRY(client.shut_down(keep));
  const bool released = keep || TRY(watch_leaving(context, client, deadline));
  if (!released && deadline.passed(clock.steady_now())) return late(context, "some tasks still run", timeout);
  if (!wait_for_end(process.pid, process.started, clock, deadline)) {
    return late(context, fmt::format("the control plane (process {}) has not ended", process.pid), timeout);
  }
  // It deletes its state only once nothing is left, perhaps before it could tell us so.
  if (!released && io::exists(doomed.launch.state)) {
    return Error(ErrorCode::Internal, "the control plane ended before all was stopped; see " +
                                          control_plane_log(doomed.launch.state).string() +
                                          ", then `slipway down` goes on");
  }
  answer_nothing_left(context);
  if (keep) {
    context.out.note("the control plane has ended; its tasks go on, and `slipway up` takes them over again");
    return 0;
  }
  TRY(delete_state(context, doomed));
  context.out.note("all is down: nothing is left");
  return 0;
}

Result<int> run(Context& context) {
  const auto found = find_doomed(context);
  if (!found && found.error().code() == ErrorCode::Unavailable) {
    context.out.note("nothing is up");
    answer_nothing_left(context);
    return 0;
  }
  if (!found) return found.error();
  const Launch& launch_of = found->launch;
  const api::Client client(launch_of.endpoint, context.environment.clock);
  if (!TRY(answers(client))) {
    if (context.args.has("keep") || !io::exists(launch_of.state)) {
      context.out.note("no control plane of " + launch_of.source.string() + " runs");
      answer_nothing_left(context);
      return 0;
    }
    // It died: only a control plane knows what it left and how to end it.
    context.out.note("the control plane of " + launch_of.source.string() +
                     " has ended; starting it to end its tasks");
    TRY(launch(context, launch_of));
  }
  return take_down(context, *found, client);
}

}  // namespace

Command down_command() {
  return {
      .name = "down",
      .summary = "drain and stop everything that `up` started, and leave nothing behind",
      .details =
          "Tasks leave the load balancer first, then end; networks, images and the state directory go last.\n"
          "What a control plane that died left behind is found and ended too.",
      .arguments = {{.name = "DIR",
                     .help = "the config tree (default: found as every command finds it)",
                     .required = false,
                     .completes = Completes::Directories}},
      .options = {{.name = "keep", .help = "end only the control plane: tasks go on, state stays"},
                  {.name = "timeout",
                   .kind = Kind::Duration,
                   .value = "DURATION",
                   .help = "give up waiting (not the work) after this long (default 10m)"}},
      .examples = {{"slipway down", "of the control plane that is meant by where you stand"},
                   {"slipway down examples/shop --keep", "upgrade Slipway without touching a task"}},
      .run = run};
}

}  // namespace slipway::cli
