#include "engine/local/launcher.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/hash.h"
#include "base/log.h"
#include "engine/local/mounts.h"
#include "engine/local/process_runtime.h"
#include "engine/local/process_sweep.h"
#include "engine/local/task_files.h"
#include "io/file.h"
#include "io/own_cgroup.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

// How long conmon is given, after its container has ended, to write the exit code and end too.
constexpr Duration kConmonPatience = 5s;
constexpr uint64_t kOpenFiles = 1048576;

uint64_t open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return std::min<uint64_t>(kOpenFiles, limit.rlim_max);
}

// Of ourselves, but never below 0: a task is not to outlive the rest of the host.
int own_oom_score() {
  const Result<std::string> text = io::read_file("/proc/self/oom_score_adj");
  return text ? std::max(0, std::atoi(text->c_str())) : 0;
}

bool has_mounts(const HostRuntime& runtime) {
  return runtime.kind() == RuntimeKind::Container;
}

// Between fork and exec of conmon: enter the task's network, leave the host's mount table.
struct NamespaceSetup {
  int network = -1;
  bool hide_unified = false;
  OverlayMount overlay;

  int operator()() const {
    if (network >= 0 && ::setns(network, CLONE_NEWNET) != 0) return errno;
    if (::unshare(CLONE_NEWNS) != 0) return errno;
    // Slave, not private: a disk that the host unmounts is let go here too; nothing of ours shows there.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
    if (hide_unified && ::umount2("/sys/fs/cgroup/unified", MNT_DETACH) != 0) return errno;
    return overlay.mount();
  }
};

// There from a container's creation until its start.
fs::path gate_path(const HostRuntime& runtime, const model::TaskId& task) {
  return runtime.root() / task.str() / "exec.fifo";
}

// Notes in a container's configuration, for later calls of the runtime that was given it.
constexpr const char* kRuntimeNote = "slipway.runtime";
constexpr const char* kHideUnifiedNote = "slipway.hide_unified";

void set_environment(Json& process, const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> all;
  for (const Json& entry : process.at("env").as_array()) {
    const std::string& text = entry.as_string();
    const size_t equals = text.find('=');
    if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [key, value] : changes) all[key] = value;
  Json::Array entries;
  for (const auto& [key, value] : all) entries.push_back(Json(key + "=" + value));
  process["env"] = std::move(entries);
}

// Those that are there, without those that lie below another. Looked for at each start: another cluster's may
// have come since.
std::vector<std::string> hidden_folders(const LauncherOptions& options) {
  std::vector<fs::path> all = options.hidden;
  all.push_back(options.state);
  std::sort(all.begin(), all.end());
  std::vector<std::string> hidden;
  for (const fs::path& folder : all) {
    std::error_code error;
    const bool covered = !hidden.empty() && (folder.string() + "/").starts_with(hidden.back() + "/");
    if (!covered && fs::is_directory(folder, error)) hidden.push_back(folder.string());
  }
  return hidden;
}

}  // namespace

Launcher::Launcher(LauncherOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), cgroups_(options_.runtime.cgroups()) {}

Result<std::unique_ptr<Launcher>> Launcher::create(LauncherOptions options, const Clock& clock) {
  std::unique_ptr<Launcher> launcher(new Launcher(std::move(options), clock));
  launcher->open_files_ = open_files_limit();
  launcher->oom_score_ = own_oom_score();
  launcher->options_.state = fs::absolute(launcher->options_.state).lexically_normal();
  if (has_mounts(launcher->options_.runtime)) {
    launcher->host_mounts_ = host_program_mounts(TRY(io::read_file("/proc/self/mountinfo")));
  }
  TRY(io::make_directories(launcher->options_.state / "tasks", 0711));
  if (const auto own = io::OwnCgroup::open(launcher->monitors_cgroup()); !own) {
    log::warning("engine.local",
                 "tasks' monitors stay in the control plane's control group, and tasks end where a service "
                 "manager ends all of that (systemd: KillMode=process does not): {}",
                 own.error().text());
  }
  return launcher;
}

Status Launcher::can_launch(const model::TaskSpec& spec) const {
  if (const Result<Runtime> runtime = options_.runtime.get(); !runtime) return runtime.error();
  const bool bridge = spec.net == model::NetMode::Bridge && options_.network != nullptr;
  return bridge ? options_.network->ready() : Status();
}

Status Launcher::look_again(Deadline deadline) {
  const Status found = options_.runtime.look(deadline);
  const bool cut_off = options_.network != nullptr && !options_.network->ready();
  const Status connected = cut_off ? options_.network->ensure(deadline) : Status();
  return found ? connected : found;
}

Result<Json> Launcher::configure(const LaunchRequest& request) const {
  const model::TaskSpec& spec = request.revision.spec;
  const TaskPaths files = paths(request.task);
  const bool on_host = request.image == nullptr;
  SpecInput input{.revision = request.revision,
                  .task = request.task,
                  .cluster = options_.cluster,
                  .image = on_host ? ImageConfig{} : request.image->config,
                  .user = {},
                  .rootfs = files.rootfs(),
                  .host_name = host_name_for(request.task),
                  .binds = {},
                  .hidden = {},
                  .cgroup = cgroup(request.task),
                  .cgroups = options_.runtime.cgroups(),
                  .open_files = open_files_,
                  .oom_score = oom_score_,
                  .port = request.port,
                  .process = !has_mounts(options_.runtime)};
  if (input.process) return oci_spec(input);
  input.user = TRY(
      resolve_user(spec.user.empty() ? input.image.user : spec.user, on_host ? "/" : request.image->rootfs));
  if (on_host) {
    input.binds = host_mounts_;
    // Other tasks' files and the control plane's own are no business of this one.
    input.hidden = hidden_folders(options_);
  }
  for (const char* name : {"resolv.conf", "hosts", "hostname"}) {
    input.binds.push_back({files.etc() / name, fmt::format("/etc/{}", name), false, false});
  }
  TRY(write_task_files(files, input.host_name, request.address, spec.net));
  return oci_spec(input);
}

Result<std::function<int()>> Launcher::prepare_namespaces(const LaunchRequest& request, bool hide_unified,
                                                          io::Fd& network) const {
  if (!has_mounts(options_.runtime)) return std::function<int()>();
  switch (request.revision.spec.net) {
    case model::NetMode::Host:
      break;
    case model::NetMode::None:
      network = TRY(Network::isolated());
      break;
    case model::NetMode::Bridge:
      if (options_.network == nullptr || request.address.empty()) {
        return Error(ErrorCode::Unavailable, "connect task " + request.task.str(),
                     Error(ErrorCode::Unavailable, "there is no bridge network here"));
      }
      network = TRY(options_.network->attach(request.address));
      break;
  }
  NamespaceSetup setup;
  setup.network = network.get();
  setup.hide_unified = hide_unified;
  const fs::path lower = request.image == nullptr ? fs::path("/") : request.image->rootfs;
  setup.overlay = task_overlay(lower, paths(request.task));
  return std::function<int()>(std::move(setup));
}

// A service manager that ends the daemon's group must not end tasks with it. Where control groups cannot be
// written, create() has said so.
std::function<void()> Launcher::leave_our_cgroup() const {
  Result<io::OwnCgroup> opened = io::OwnCgroup::open(monitors_cgroup());
  if (!opened) return [] {};
  return [own = std::make_shared<io::OwnCgroup>(std::move(*opened))] { own->enter(); };
}

// A created container waits on a fifo for a byte, which crun's `start` (and our stand-in's) writes and does
// nothing more. To write it here saves a process. runc's fifo works the other way round, and is not there to
// be written to.
bool Launcher::open_gate(const model::TaskId& task) const {
  const fs::path fifo = gate_path(options_.runtime, task);
  const io::Fd gate(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!gate.valid()) return false;
  if (::write(gate.get(), "", 1) != 1) return false;
  // Afterwards, so that find() never takes one that waits for one that runs.
  ::unlink(fifo.c_str());
  return true;
}

Status Launcher::start(const model::TaskId& task, Deadline deadline) const {
  if (open_gate(task)) return {};
  const Runtime runtime = TRY(options_.runtime.get());
  const io::Finished finished = TRY(io::run(runtime.command({"start", task.str()}), clock_, deadline));
  if (!finished.ok()) return runtime_error(finished.err);
  return {};
}

Result<Launched> Launcher::launch(const LaunchRequest& request, Deadline deadline) {
  const TaskPaths files = paths(request.task);
  const std::string what = "start task " + request.task.str();
  const Runtime runtime = TRY_CONTEXT(options_.runtime.get(), what);
  TRY_CONTEXT(stop(request.task, "", deadline), what);
  TRY_CONTEXT(io::remove_all(files.exit_folder()), what);
  TRY_CONTEXT(check_volumes(request.revision.spec.volumes), what);
  TRY_CONTEXT(io::make_directories(files.bundle(), 0711), what);
  TRY_CONTEXT(io::make_directories(files.exit_folder()), what);
  if (has_mounts(options_.runtime)) TRY_CONTEXT(reset_layer(files), what);
  Json config = TRY_CONTEXT(configure(request), what);
  config["annotations"][kRuntimeNote] = runtime.name;
  config["annotations"][kHideUnifiedNote] = runtime.hide_unified ? "true" : "false";
  TRY_CONTEXT(io::write_file(files.config(), config.dump()), what);

  io::Fd network;
  auto setup = [leave = leave_our_cgroup(),
                enter = TRY_CONTEXT(prepare_namespaces(request, runtime.hide_unified, network), what)] {
    leave();
    return enter ? enter() : 0;
  };
  const ConmonRequest conmon{runtime, files, request.task, options_.log_limit, std::move(setup)};
  Result<Launched> launched = create_container(conmon, clock_, deadline);
  network.reset();
  const Status started = launched ? start(request.task, deadline) : Status(launched.error());
  if (started) return launched;
  // Nothing half-made stays behind; why it failed matters more than why the sweeping did.
  if (const Status swept = stop(request.task, request.address, clock_.deadline_in(kConmonPatience)); !swept) {
    log::warning("engine.local", "{}: {}", what, swept.error().text());
  }
  return started.error().context(what);
}

// Where conmon is missing nothing was started since, and a record without a process is harmless.
Status Launcher::forget_process(const model::TaskId& task, Deadline deadline) const {
  const Result<Runtime> runtime = options_.runtime.get();
  if (!runtime) return {};
  TRY(io::run(runtime->command({"delete", "--force", task.str()}), clock_, deadline));
  return {};
}

Status Launcher::stop(const model::TaskId& task, const std::string& address, Deadline deadline) {
  const TaskPaths files = paths(task);
  const Result<ProcessName> conmon = find_conmon(files, task);
  if (!conmon && conmon.error().code() == ErrorCode::Exhausted) return conmon.error();
  if (has_mounts(options_.runtime)) {
    TRY(cgroups_.kill(cgroup(task), clock_, deadline));
  } else {
    // What is below the first process before that itself, or it would no longer be found; then the record,
    // and with it a first process that still waits for its start.
    const ProcessName first = recorded_process(options_.runtime.root(), task.str());
    TRY(kill_task_processes(task, first, clock_, deadline));
    TRY(forget_process(task, deadline));
    TRY(kill_task_processes(task, {}, clock_, deadline));
  }
  if (conmon) {
    // Its container gone, it writes down the exit code and ends. One that does not is stuck, or still
    // creating.
    const Deadline patience{std::min(deadline.at, clock_.deadline_in(kConmonPatience).at)};
    if (!wait_for_end(*conmon, clock_, patience)) ::kill(-conmon->pid, SIGKILL);
    TRY(wait_for_end(*conmon, clock_, deadline));
  }
  if (has_mounts(options_.runtime)) TRY(cgroups_.remove(cgroup(task), clock_, deadline));
  TRY(io::remove_all(options_.runtime.root() / task.str()));
  for (const fs::path& pid_file : {files.conmon_pid(), files.container_pid(), files.oom_file()}) {
    TRY(io::remove_all(pid_file));
  }
  if (options_.network != nullptr && !address.empty()) TRY(options_.network->detach(address));
  return {};
}

Status Launcher::kill(const ProcessName& container) const {
  // A control group holds the rest of a container together until stop(); plain processes have the first
  // alone.
  return has_mounts(options_.runtime) ? signal_process(container, SIGKILL) : kill_below(container);
}

Status Launcher::destroy(const model::TaskId& task, const std::string& address, Deadline deadline) {
  TRY(stop(task, address, deadline));
  return io::remove_all(paths(task).folder);
}

Result<Launched> Launcher::find(const model::TaskId& task) const {
  if (io::exists(gate_path(options_.runtime, task))) {
    return Error(ErrorCode::NotFound, "task " + task.str() + " was created and not started");
  }
  return find_launched(paths(task), task);
}

Result<Json> Launcher::config_of(const model::TaskId& task) const {
  return Json::parse(TRY(io::read_file(paths(task).config()))).context("task " + task.str());
}

Result<Runtime> Launcher::runtime_of(const model::TaskId& task) const {
  if (!has_mounts(options_.runtime)) return options_.runtime.get();
  return runtime_from(TRY(config_of(task)));
}

Result<Runtime> Launcher::runtime_from(const Json& config) const {
  const std::string& name = config.at("annotations").at(kRuntimeNote).as_string();
  if (name.empty()) return options_.runtime.get();  // a version that left no note started it
  const std::optional<std::string> program = io::find_program(name);
  if (!program) {
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} started the task and is not installed: apt-get install {}", name, name));
  }
  Runtime runtime =
      container_runtime(name, *program, "", options_.runtime.root(), options_.runtime.cgroups());
  runtime.hide_unified = config.at("annotations").at(kHideUnifiedNote).as_string() == "true";
  return runtime;
}

Result<io::Command> Launcher::exec_command(const model::TaskId& task, const ExecOptions& options) const {
  const TaskPaths files = paths(task);
  const Json config = TRY(config_of(task));
  Json process = config.at("process");
  process["args"] = Json::Array(options.argv.begin(), options.argv.end());
  process["terminal"] = options.terminal.has_value();
  if (options.terminal) {
    process["consoleSize"]["height"] = options.terminal->rows;
    process["consoleSize"]["width"] = options.terminal->columns;
  }
  set_environment(process, options.env);
  if (!has_mounts(options_.runtime)) {
    io::Command command;
    command.argv = options.argv;
    command.env.emplace();
    for (const Json& entry : process.at("env").as_array()) {
      const std::string& text = entry.as_string();
      (*command.env)[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
    }
    command.directory = process.at("cwd").as_string();
    return command;
  }
  const Runtime runtime = TRY(runtime_from(config));
  const std::string text = process.dump();
  const fs::path file = files.exec() / (sha256_hex(text).substr(0, 16) + ".json");
  if (!io::exists(file)) {
    TRY(io::make_directories(files.exec(), 0700));
    TRY(io::write_file(file, text));
  }
  std::vector<std::string> verb = {"exec", "--process", file.string()};
  if (!options.pid_file.empty()) verb.insert(verb.end(), {"--pid-file", options.pid_file.string()});
  verb.push_back(task.str());
  return runtime.command(std::move(verb));
}

void Launcher::kill_exec(const model::TaskId& task, const fs::path& pid_file) const {
  if (!has_mounts(options_.runtime)) return;  // there the command is our own child
  // Once the command has ended its number may come to mean any process of the host; the control group tells
  // which are the task's.
  if (const Result<pid_t> pid = read_pid_file(pid_file)) cgroups_.kill_process_group(cgroup(task), *pid);
}

Result<CgroupUsage> Launcher::usage(const model::TaskId& task) const {
  if (!has_mounts(options_.runtime))
    return Error(ErrorCode::NotFound, "task " + task.str() + " has no control group");
  return cgroups_.usage(cgroup(task));
}

bool Launcher::was_out_of_memory(const model::TaskId& task) const {
  if (io::exists(paths(task).oom_file())) return true;
  const Result<CgroupUsage> used = usage(task);
  return used && used->oom_kills > 0;
}

Status Launcher::release() {
  io::OwnCgroup::remove(monitors_cgroup(), clock_, clock_.deadline_in(kConmonPatience));
  if (has_mounts(options_.runtime)) {
    cgroups_.remove_if_empty("/slipway/" + options_.cluster);
    cgroups_.remove_if_empty("/slipway");
  }
  TRY(io::remove_all(options_.runtime.root()));
  return io::remove_all(options_.state / "tasks");
}

}  // namespace slipway::engine::local
