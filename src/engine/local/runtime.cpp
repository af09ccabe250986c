#include "engine/local/runtime.h"

#include <cerrno>
#include <optional>
#include <sched.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/mount.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/local/conmon.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUnified = "/sys/fs/cgroup/unified";

// Runs between fork and exec. Slave propagation: what the host unmounts goes away here too, and nothing of
// ours shows there.
int hide_unified_hierarchy() {
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
  if (::umount2(kUnified, MNT_DETACH) != 0) return errno;
  return 0;
}

Json trial_mount(const char* type, const char* path, const char* option) {
  Json mount;
  mount["destination"] = path;
  mount["type"] = type;
  mount["source"] = path;
  mount["options"].push_back(option);
  return mount;
}

// The smallest container that proves the point: the host's own `true`, in the namespaces that tasks get.
Json trial_config(CgroupMode cgroups, const std::string& group) {
  Json config;
  for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) {
    if (cgroups != CgroupMode::V2 && std::string_view(type) == "cgroup") continue;
    Json entry;
    entry["type"] = type;
    config["linux"]["namespaces"].push_back(std::move(entry));
  }
  config["linux"]["cgroupsPath"] = group;
  config["linux"]["resources"]["pids"]["limit"] = 64;
  config["linux"]["resources"]["memory"]["limit"] = int64_t{64} << 20;
  config["ociVersion"] = "1.0.0";
  config["root"]["path"] = "rootfs";
  config["process"]["user"]["uid"] = 0;
  config["process"]["user"]["gid"] = 0;
  config["process"]["args"].push_back("/bin/true");
  config["process"]["cwd"] = "/";
  config["process"]["noNewPrivileges"] = true;
  config["mounts"].push_back(trial_mount("proc", "/proc", "nosuid"));
  config["mounts"].push_back(trial_mount("tmpfs", "/dev", "nosuid"));
  for (const char* path : {"/bin", "/lib", "/lib64", "/usr"}) {
    if (io::exists(path)) config["mounts"].push_back(trial_mount("bind", path, "rbind"));
  }
  return config;
}

Status try_container(const Runtime& runtime, const Clock& clock, Deadline deadline) {
  const std::string id = fmt::format("slipway-trial-{}-{}", runtime.name, ::getpid());
  const std::string group = "/slipway/" + id;
  const io::TemporaryDirectory bundle = TRY(io::TemporaryDirectory::create(runtime.root));
  TRY(io::write_file(bundle.path() / "config.json", trial_config(runtime.cgroups, group).dump()));
  TRY(io::make_directories(bundle.path() / "rootfs"));
  const io::Command command = runtime.command({"run", "--bundle", bundle.path().string(), id});
  const Result<io::Finished> finished = io::run(command, clock, deadline);
  if (!finished || !finished->ok()) {
    // Whatever a failed start left: the record of the runtime and its control group.
    (void)io::run(runtime.command({"delete", "--force", id}), clock, deadline);
  }
  const Cgroups cgroups(runtime.cgroups);
  TRY(cgroups.remove(group, clock, deadline));
  cgroups.remove_if_empty("/slipway");
  if (!finished) return finished.error();
  if (!finished->ok()) return runtime_error(finished->err);
  return {};
}

Error none_works(const std::vector<std::string>& complaints) {
  std::vector<std::string> missing;
  if (!io::find_program("crun") && !io::find_program("runc")) missing.emplace_back("crun");
  if (!io::find_program("conmon")) missing.emplace_back("conmon");
  std::string reason = join(complaints, "; ");
  if (!missing.empty()) {
    if (!reason.empty()) reason += "; ";
    reason += "install the missing packages: apt-get install " + join(missing, " ");
  }
  return Error(ErrorCode::Unavailable, "find a container runtime that works on this host",
               Error(ErrorCode::Unavailable, std::move(reason)));
}

}  // namespace

io::Command Runtime::command(std::vector<std::string> verb) const {
  io::Command command;
  command.argv.push_back(path);
  command.argv.insert(command.argv.end(), args.begin(), args.end());
  command.argv.insert(command.argv.end(), std::make_move_iterator(verb.begin()),
                      std::make_move_iterator(verb.end()));
  if (hide_unified) {
    command.setup = hide_unified_hierarchy;
    command.setup_name = "hide the version 2 control group hierarchy";
  }
  return command;
}

Runtime container_runtime(const std::string& name, const std::string& program, const std::string& conmon,
                          const fs::path& root, CgroupMode cgroups) {
  Runtime runtime;
  runtime.name = name;
  runtime.path = program;
  runtime.conmon = conmon;
  runtime.root = root;
  runtime.args = {"--root", root.string()};
  if (name == "crun") runtime.args.insert(runtime.args.end(), {"--cgroup-manager", "cgroupfs"});
  runtime.cgroups = cgroups;
  return runtime;
}

fs::path runtime_root(const fs::path& state) {
  return state / "runtime";
}

Result<Runtime> find_runtime(const fs::path& state, const Clock& clock, Deadline deadline,
                             std::string_view only) {
  const CgroupMode cgroups = cgroup_mode();
  TRY_CONTEXT(Cgroups(cgroups).delegate("/slipway"), "prepare the control groups");
  const fs::path root = runtime_root(state);
  TRY(io::make_directories(root, 0700));
  const std::optional<std::string> conmon = io::find_program("conmon");

  std::vector<std::string> complaints;
  for (const char* name : {"crun", "runc"}) {
    const std::optional<std::string> program = io::find_program(name);
    if (!program || !conmon || (!only.empty() && only != "auto" && only != name)) continue;
    Runtime runtime = container_runtime(name, *program, *conmon, root, cgroups);
    // Newer versions of crun may cope with a hybrid host by themselves, so that is tried first.
    for (const bool hide : {false, true}) {
      if (hide && (cgroups != CgroupMode::Hybrid || runtime.name != "crun")) continue;
      runtime.hide_unified = hide;
      const Status tried = try_container(runtime, clock, deadline);
      if (tried) {
        log::info("engine.local", "containers by {}{}", *program, hide ? ", unified hierarchy hidden" : "");
        return runtime;
      }
      log::debug("engine.local", "{} does not work here: {}", *program, tried.error().text());
      complaints.push_back(name + std::string(hide ? " (unified hierarchy hidden): " : ": ") +
                           tried.error().text());
    }
  }
  return none_works(complaints);
}

Result<Runtime> process_runtime(const fs::path& state, const std::string& program) {
  const std::optional<std::string> conmon = io::find_program("conmon");
  if (!conmon) return none_works({});
  Runtime runtime;
  runtime.kind = RuntimeKind::Process;
  runtime.name = "process";
  runtime.conmon = *conmon;
  runtime.root = runtime_root(state);
  runtime.cgroups = cgroup_mode();
  TRY(io::make_directories(runtime.root, 0700));
  std::error_code error;
  runtime.path = program.empty() ? fs::read_symlink("/proc/self/exe", error).string() : program;
  if (error)
    return Error(ErrorCode::Internal, "find our own program", Error(ErrorCode::Internal, error.message()));
  runtime.args = {"internal", "process-runtime", "--", "--root", runtime.root.string()};
  return runtime;
}

}  // namespace slipway::engine::local
