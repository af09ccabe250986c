#include "engine/local/oci_spec.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/local/seccomp.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Enough to be a service that starts as root and steps down; not NET_RAW (forged packets) nor MKNOD
// (devices).
constexpr const char* kCapabilities[] = {
    "CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",           "CAP_KILL",
    "CAP_SETGID", "CAP_SETPCAP",      "CAP_SETUID", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
};

// What the kernel shows of the host to everybody, and what of it can be written.
constexpr const char* kMaskedPaths[] = {
    "/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
    "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list", "/proc/timer_stats",   "/sys/dev/block",    "/sys/devices/virtual/powercap",
    "/sys/firmware",    "/sys/fs/selinux",
};
constexpr const char* kReadOnlyPaths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

constexpr int64_t kCpuPeriodMicroseconds = 100'000;

Json::Array strings(const std::vector<std::string>& values) {
  return Json::Array(values.begin(), values.end());
}

Json mount(const char* type, const std::string& source, const std::string& destination,
           const std::vector<std::string>& options) {
  Json entry;
  entry["destination"] = destination;
  entry["type"] = type;
  entry["source"] = source;
  entry["options"] = strings(options);
  return entry;
}

Json bind(const BindMount& wanted) {
  // Devices and set-user-id programs of the host are not brought in by a folder. "ro" is for the mount alone
  // and not for what is mounted below it, "rro" for all of them.
  const std::string access = !wanted.read_only ? "rw" : wanted.recursive ? "rro" : "ro";
  return mount("bind", wanted.source, wanted.destination,
               {"nosuid", "nodev", wanted.recursive ? "rbind" : "bind", access, "rprivate"});
}

bool has_volume_at(const model::TaskSpec& spec, std::string_view path) {
  return std::any_of(spec.volumes.begin(), spec.volumes.end(),
                     [&](const model::Volume& volume) { return volume.container_path == path; });
}

// Fresh filesystems first, then what the user brings, so that a volume may cover /tmp or a part of it.
Json::Array mounts(const SpecInput& input) {
  const model::TaskSpec& spec = input.revision.spec;
  // Pages of a tmpfs count as the task's memory. Half of that, as the kernel's own default is half of the
  // host's, so that a program that fills /tmp is told "no space" instead of being killed.
  const std::string half = fmt::format("size={}m", std::max<int64_t>(spec.resources.mem_mb / 2, 1));
  Json::Array all;
  all.push_back(mount("proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}));
  all.push_back(mount("tmpfs", "tmpfs", "/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  all.push_back(mount("devpts", "devpts", "/dev/pts",
                      {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  all.push_back(mount("mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}));
  all.push_back(mount("sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev", "ro"}));
  all.push_back(mount("cgroup", "cgroup", "/sys/fs/cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  if (!has_volume_at(spec, "/dev/shm")) {
    all.push_back(mount("tmpfs", "shm", "/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", half}));
  }
  if (!has_volume_at(spec, "/tmp")) {
    all.push_back(mount("tmpfs", "tmpfs", "/tmp", {"nosuid", "nodev", "mode=1777", half}));
  }
  for (const BindMount& wanted : input.binds) all.push_back(bind(wanted));
  for (const std::string& path : input.hidden) {
    all.push_back(mount("tmpfs", "tmpfs", path, {"nosuid", "nodev", "noexec", "ro", "mode=0700"}));
  }
  for (const model::Volume& volume : spec.volumes) {
    all.push_back(bind({volume.host_path, volume.container_path, volume.read_only, true}));
  }
  return all;
}

Json resources(const model::Resources& wanted) {
  const int64_t memory = wanted.mem_mb << 20;
  const double ceiling = wanted.cpus + wanted.cpu_burst_add;
  Json out;
  out["memory"]["limit"] = memory;
  out["memory"]["swap"] = memory;  // of both together: none on top
  out["cpu"]["shares"] = std::clamp<int64_t>(std::llround(wanted.cpus * 1024), 2, 262'144);
  out["cpu"]["period"] = kCpuPeriodMicroseconds;
  // The kernel takes no quota below 1 ms.
  out["cpu"]["quota"] = std::max<int64_t>(std::llround(ceiling * kCpuPeriodMicroseconds), 1'000);
  out["pids"]["limit"] = wanted.pids;
  Json deny;
  deny["allow"] = false;
  deny["access"] = "rwm";
  out["devices"].push_back(std::move(deny));  // the runtime adds null, zero, full, random, urandom, tty
  return out;
}

Json namespaces(const SpecInput& input) {
  // No network namespace: the one that conmon was started in is the task's.
  Json::Array all;
  for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) {
    if (input.cgroups != CgroupMode::V2 && std::string_view(type) == "cgroup") continue;
    Json entry;
    entry["type"] = type;
    all.push_back(std::move(entry));
  }
  return all;
}

Json capabilities() {
  Json::Array all(std::begin(kCapabilities), std::end(kCapabilities));
  Json out;
  for (const char* set : {"bounding", "effective", "permitted"}) out[set] = all;
  return out;
}

Json linux_section(const SpecInput& input) {
  Json out;
  out["namespaces"] = namespaces(input);
  out["cgroupsPath"] = input.cgroup;
  out["resources"] = resources(input.revision.spec.resources);
  out["maskedPaths"] = Json::Array(std::begin(kMaskedPaths), std::end(kMaskedPaths));
  out["readonlyPaths"] = Json::Array(std::begin(kReadOnlyPaths), std::end(kReadOnlyPaths));
  out["seccomp"] = seccomp_profile();
  return out;
}

Result<Json> process_section(const SpecInput& input) {
  const model::TaskSpec& spec = input.revision.spec;
  const std::string& wanted = !spec.work_dir.empty() ? spec.work_dir : input.image.work_dir;
  const std::string cwd = wanted.empty() ? "/" : wanted;
  if (!cwd.starts_with('/'))
    return Error(ErrorCode::Invalid, fmt::format("working directory `{}` is not absolute", cwd));

  Json process;
  process["terminal"] = false;
  process["cwd"] = cwd;
  process["args"] = strings(TRY(task_arguments(spec, input.image)));
  Json::Array environment;
  for (const auto& [key, value] : task_environment(input)) environment.push_back(key + "=" + value);
  process["env"] = std::move(environment);
  if (input.process) return process;

  Json user;
  user["uid"] = input.user.uid;
  user["gid"] = input.user.gid;
  user["additionalGids"] = Json::Array(input.user.groups.begin(), input.user.groups.end());
  process["user"] = std::move(user);
  process["capabilities"] = capabilities();
  process["noNewPrivileges"] = true;
  process["oomScoreAdj"] = input.oom_score;
  Json files;
  files["type"] = "RLIMIT_NOFILE";
  files["soft"] = input.open_files;
  files["hard"] = input.open_files;
  process["rlimits"].push_back(std::move(files));
  return process;
}

}  // namespace

Result<std::vector<std::string>> task_arguments(const model::TaskSpec& spec, const ImageConfig& image) {
  std::vector<std::string> words = spec.cmd ? *spec.cmd : image.entrypoint;
  // The image's own arguments go with its own entrypoint, and give way to the user's.
  const std::vector<std::string>& args = spec.args.empty() && !spec.cmd ? image.cmd : spec.args;
  words.insert(words.end(), args.begin(), args.end());
  if (words.empty() || words.front().empty()) {
    return Error(ErrorCode::Invalid, spec.image.kind == model::ImageKind::HostFilesystem
                                         ? "there is no command to run: set cmd"
                                         : "the image names no command to run: set cmd");
  }
  return words;
}

std::map<std::string, std::string> task_environment(const SpecInput& input) {
  const model::Revision& revision = input.revision;
  std::map<std::string, std::string> all = {
      {"PATH", kDefaultPath}, {"HOME", input.user.home}, {"HOSTNAME", input.host_name}};
  for (const auto& [key, value] : input.image.env) all[key] = value;
  if (input.port) all["PORT"] = std::to_string(*input.port);
  all["SLIPWAY_CLUSTER"] = input.cluster;
  all["SLIPWAY_SERVICE"] = revision.instance.service;
  all["SLIPWAY_INSTANCE"] = revision.instance.instance;
  all["SLIPWAY_REVISION"] = revision.id.str();
  for (const auto& [key, value] : revision.spec.env) all[key] = value;
  // By this the processes of a task without isolation are found again, so it is not the user's to change.
  all["SLIPWAY_TASK"] = input.task.str();
  return all;
}

Status check_volumes(const std::vector<model::Volume>& volumes) {
  for (const model::Volume& volume : volumes) {
    if (!volume.host_path.starts_with('/')) {
      return Error(ErrorCode::Invalid,
                   fmt::format("volume: host path `{}` is not absolute", volume.host_path));
    }
    if (!volume.container_path.starts_with('/')) {
      return Error(ErrorCode::Invalid,
                   fmt::format("volume: container path `{}` is not absolute", volume.container_path));
    }
    if (!io::exists(volume.host_path)) {
      return Error(ErrorCode::NotFound, fmt::format("volume {}: host path `{}` does not exist",
                                                    volume.container_path, volume.host_path));
    }
  }
  return {};
}

Result<Json> oci_spec(const SpecInput& input) {
  Json config;
  config["ociVersion"] = "1.0.0";
  config["process"] = TRY(process_section(input));
  if (input.process) return config;
  config["root"]["path"] = input.rootfs;
  config["root"]["readonly"] = input.revision.spec.read_only_root;
  config["hostname"] = input.host_name;
  config["mounts"] = mounts(input);
  config["linux"] = linux_section(input);
  // Beside the profile, not instead of it: a runtime that does not know the annotation goes by the profile.
  const std::string& program = seccomp_program();
  if (!program.empty()) config["annotations"]["run.oci.seccomp_bpf_data"] = program;
  return config;
}

}  // namespace slipway::engine::local
