#include "engine/local/local_engine.h"

#include <atomic>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/local/exec.h"
#include "engine/local/host_runtime.h"
#include "engine/local/images.h"
#include "engine/local/keeper.h"
#include "engine/local/launcher.h"
#include "engine/local/log_reader.h"
#include "engine/local/network.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr Duration kSetUpTime = 60s;
// Where root's control planes keep their state and are found by commands, other clusters' included.
constexpr const char* kAllStates = "/var/lib/slipway";
constexpr const char* kAllSockets = "/run/slipway";
constexpr std::string_view kNoIsolation =
    "tasks are not isolated: they run as plain processes of this user, share the machine's files and "
    "network, and have "
    "no limits (isolation: none)";

Result<bool> wants_containers(const std::string& isolation) {
  const bool root = ::geteuid() == 0;
  if (isolation == "none") return false;
  if (isolation == "auto") return root;
  if (isolation != "container") {
    return Error(ErrorCode::Invalid,
                 fmt::format("isolation '{}' is neither auto, container nor none", isolation));
  }
  if (!root) {
    return Error(ErrorCode::Forbidden, "set up containers",
                 Error(ErrorCode::Forbidden, "that needs root; isolation: none does not"));
  }
  return true;
}

// One that is missing is a reason for tasks not to start, and no reason not to look after those that run.
Result<std::unique_ptr<HostRuntime>> open_runtime(const LocalOptions& options, bool containers,
                                                  const std::filesystem::path& state, const Clock& clock) {
  if (options.runtime != "auto" && options.runtime != "crun" && options.runtime != "runc") {
    return Error(ErrorCode::Invalid,
                 fmt::format("runtime '{}' is neither auto, crun nor runc", options.runtime));
  }
  auto runtime = std::make_unique<HostRuntime>(
      HostRuntimeOptions{.state = state,
                         .kind = containers ? RuntimeKind::Container : RuntimeKind::Process,
                         .only = options.runtime,
                         .program = options.program},
      clock);
  const Status found = runtime->look(clock.deadline_in(kSetUpTime));
  if (!found) log::error("engine.local", "no task can be started: {}", found.error().text());
  return runtime;
}

}  // namespace

// In order of construction: what stands later uses what stands before.
struct LocalEngine::Parts {
  LocalOptions options;
  const Clock* clock = nullptr;
  std::filesystem::path state;
  io::Fd lock;
  bool containers = false;
  std::unique_ptr<HostRuntime> runtime;
  std::unique_ptr<Network> network;  // null without containers
  std::unique_ptr<ImageStore> images;
  std::unique_ptr<Launcher> launcher;
  std::unique_ptr<Keeper> keeper;
  std::atomic<uint64_t> execs = 0;
};

LocalEngine::LocalEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LocalEngine::~LocalEngine() = default;

Result<std::unique_ptr<LocalEngine>> LocalEngine::create(LocalOptions options, const Clock& clock,
                                                         Random& random) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  parts->clock = &clock;
  parts->state = std::filesystem::absolute(parts->options.state / "engine").lexically_normal();
  parts->containers = TRY(wants_containers(parts->options.isolation));
  TRY(io::make_directories(parts->state, 0711));
  parts->lock = TRY_CONTEXT(io::lock_file(parts->state / "lock"), "use the local engine's state directory");

  parts->runtime = TRY(open_runtime(parts->options, parts->containers, parts->state, clock));
  LauncherOptions launcher{
      .state = parts->state,
      .cluster = parts->options.cluster,
      .hidden = {std::filesystem::absolute(parts->options.state).lexically_normal(), kAllStates, kAllSockets},
      .runtime = *parts->runtime,
      .network = nullptr,
      .log_limit = parts->options.log_bytes};
  if (parts->containers) {
    parts->network =
        TRY(Network::open(parts->state, parts->options.cluster, clock, clock.deadline_in(kSetUpTime)));
    launcher.network = parts->network.get();
  } else {
    log::warning("engine.local", "{}", kNoIsolation);
  }
  parts->images = TRY(ImageStore::open(ImageStoreOptions{.state = parts->state}, clock));
  parts->launcher = TRY(Launcher::create(std::move(launcher), clock));
  parts->keeper =
      TRY(Keeper::start(KeeperParts{.clock = clock,
                                    .random = random,
                                    .launcher = *parts->launcher,
                                    .images = *parts->images,
                                    .network = parts->network.get(),
                                    .state = parts->state,
                                    .isolation = std::string(parts->containers ? "" : kNoIsolation),
                                    .limits = {.starts = parts->options.starts,
                                               .tasks = parts->options.max_tasks,
                                               .log_bytes = parts->options.log_bytes,
                                               .image_bytes = parts->options.image_bytes}}));
  return std::unique_ptr<LocalEngine>(new LocalEngine(std::move(parts)));
}

Capabilities LocalEngine::capabilities() const {
  const bool containers = parts_->containers;
  Capabilities can;
  can.name = "local";
  can.runs_images = containers;
  can.runs_commands = true;
  can.health_http = can.health_tcp = can.health_cmd = true;
  can.picks_victims = true;
  can.restarts_tasks = true;
  can.exec = can.logs = can.one_off = true;
  can.enforces_cpu = can.enforces_memory = can.enforces_pids = can.enforces_disk = containers;
  can.volumes = containers;
  can.networks = containers;
  // Tasks may ask for more than the machine has: on a laptop or a small server most of them idle, limits are
  // ceilings and not reservations, and a whole cluster of services is to come up there.
  can.limited_room = false;
  return can;
}

Result<model::Observed> LocalEngine::observe(Deadline deadline) {
  return parts_->keeper->observe(deadline);
}

void LocalEngine::watch(std::function<void()> changed) {
  parts_->keeper->watch(std::move(changed));
}

Status LocalEngine::scale(const model::Revision& revision, int count, model::Generation generation,
                          Deadline deadline) {
  return parts_->keeper->scale(revision, count, generation, deadline);
}

Status LocalEngine::remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                                 Duration grace, model::Generation generation, Deadline deadline) {
  return parts_->keeper->remove_tasks(revision, tasks, grace, generation, deadline);
}

Status LocalEngine::remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                           Deadline deadline) {
  return parts_->keeper->remove(revision, grace, generation, deadline);
}

Status LocalEngine::run(const RunRequest& request, Deadline deadline) {
  return parts_->keeper->run(request, deadline);
}

Status LocalEngine::collect(const model::TaskId& task, Duration grace, Deadline deadline) {
  return parts_->keeper->collect(task, grace, deadline);
}

Result<std::unique_ptr<LogReader>> LocalEngine::logs(const LogRequest& request, Deadline deadline) {
  TRY(parts_->keeper->find(request.task, deadline));
  return open_log(parts_->launcher->paths(request.task).folder, request, *parts_->clock);
}

Result<std::unique_ptr<ExecSession>> LocalEngine::exec(const ExecRequest& request, Deadline deadline) {
  const TaskRecord record = TRY(parts_->keeper->find(request.task, deadline));
  const std::string what = "run a command in " + request.task.str();
  if (request.argv.empty())
    return Error(ErrorCode::Invalid, what, Error(ErrorCode::Invalid, "the command is empty"));
  if (record.container.pid == 0) {
    const std::string state(model::to_text(record.task.state));
    return Error(ErrorCode::Conflict, what, Error(ErrorCode::Conflict, "the task is " + state));
  }
  ExecOptions options{.argv = request.argv, .env = request.env};
  if (request.tty) options.terminal = ExecTerminal{request.tty_rows, request.tty_columns};
  if (parts_->containers) {
    const TaskPaths paths = parts_->launcher->paths(request.task);
    options.pid_file = paths.folder / fmt::format("exec-{}-{}.pid", ::getpid(), ++parts_->execs);
  }
  io::Command command = TRY_CONTEXT(parts_->launcher->exec_command(request.task, options), what);
  ExecInside inside{.pid_file = options.pid_file,
                    .kill = [this, task = request.task, file = options.pid_file] {
                      parts_->launcher->kill_exec(task, file);
                    }};
  return start_exec(std::move(command), inside, options.terminal).context(what);
}

Status LocalEngine::prepare(const model::Image& image, Deadline deadline) {
  if (image.kind == model::ImageKind::HostFilesystem) return {};
  if (!parts_->containers) {
    return Error(ErrorCode::Invalid, "prepare " + model::describe(image),
                 Error(ErrorCode::Invalid, "without isolation only the host's own commands can run"));
  }
  TRY_CONTEXT(parts_->images->prepare(image, deadline), "prepare " + model::describe(image));
  return {};
}

void LocalEngine::cancel_prepares() {
  parts_->images->cancel();
}

Status LocalEngine::drain(const model::NodeId& node, model::Generation generation, Deadline deadline) {
  return parts_->keeper->set_draining(node, true, generation, deadline);
}

Status LocalEngine::undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) {
  return parts_->keeper->set_draining(node, false, generation, deadline);
}

Status LocalEngine::release(Deadline deadline) {
  TRY_CONTEXT(parts_->keeper->check_empty(deadline), "release the local engine");
  if (parts_->network) TRY_CONTEXT(parts_->network->remove(deadline), "release the local engine");
  TRY_CONTEXT(parts_->launcher->release(), "release the local engine");
  TRY(io::remove_all(parts_->state / "revisions"));
  return io::remove_all(parts_->state / "node.json");
}

void LocalEngine::let_tasks_reach(const std::set<int>& ports) {
  if (!parts_->network) return;
  const Result<bool> changed = parts_->network->set_host_ports(ports);
  if (!changed) log::error("engine.local", "let tasks reach the proxy: {}", changed.error().text());
  if (changed && *changed) parts_->keeper->mend_network();
}

}  // namespace slipway::engine::local
