#include "api/registry.h"

#include <algorithm>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::api {

namespace {

std::filesystem::path file_of(const std::filesystem::path& registry, const std::filesystem::path& state) {
  return registry / (control_plane_id(state) + ".json");
}

Json json_of(const ControlPlane& plane) {
  return Json::Object{{"cluster", plane.cluster},
                      {"directory", plane.directory.string()},
                      {"source", plane.source.string()},
                      {"endpoint", plane.endpoint},
                      {"state", plane.state.string()},
                      {"pid", plane.pid},
                      {"started", static_cast<int64_t>(plane.started)}};
}

Result<ControlPlane> read(const std::filesystem::path& file) {
  const std::string text = TRY(io::read_file(file, 64 << 10));
  const Json json = TRY(Json::parse(text));
  ControlPlane plane;
  plane.cluster = json.at("cluster").as_string();
  plane.directory = json.at("directory").as_string();
  plane.source = json.at("source").as_string();
  if (plane.source.empty()) plane.source = plane.directory;
  plane.endpoint = json.at("endpoint").as_string();
  plane.state = json.at("state").as_string();
  plane.pid = static_cast<pid_t>(json.at("pid").as_int());
  plane.started = static_cast<uint64_t>(json.at("started").as_int());
  if (plane.endpoint.empty() || plane.state.empty() || plane.pid <= 0) {
    return Error(ErrorCode::Invalid, "no control plane is described in " + file.string());
  }
  plane.running = is_alive(plane.pid, plane.started);
  return plane;
}

std::string variable(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto it = environment.find(name);
  return it == environment.end() ? std::string() : it->second;
}

}  // namespace

std::filesystem::path registry_directory(const std::map<std::string, std::string>& environment) {
  if (const std::string chosen = variable(environment, "SLIPWAY_RUN_DIR"); !chosen.empty()) return chosen;
  if (geteuid() == 0) return "/run/slipway";
  const std::string runtime = variable(environment, "XDG_RUNTIME_DIR");
  if (!runtime.empty()) return std::filesystem::path(runtime) / "slipway";
  return std::filesystem::path(variable(environment, "HOME")) / ".local/state/slipway/run";
}

std::string control_plane_id(const std::filesystem::path& state) {
  return sha256_hex(state.lexically_normal().string()).substr(0, 8);
}

Status register_control_plane(const std::filesystem::path& registry, ControlPlane plane) {
  plane.pid = getpid();
  plane.started = TRY(io::process_start_time(plane.pid));
  TRY(io::make_directories(registry, 0755));
  return io::write_file(file_of(registry, plane.state), json_of(plane).dump(2) + "\n", false, 0644);
}

Status unregister_control_plane(const std::filesystem::path& registry, const std::filesystem::path& state) {
  return io::remove_all(file_of(registry, state));
}

Result<std::vector<ControlPlane>> control_planes(const std::filesystem::path& registry) {
  std::vector<ControlPlane> planes;
  for (const std::string& name : TRY(io::list_directory(registry))) {
    const std::filesystem::path file = registry / name;
    // Only what we may have written: a file being replaced has another ending for a moment.
    if (file.extension() != ".json") continue;
    const auto plane = read(file);
    if (plane && (plane->running || io::exists(plane->state))) {
      planes.push_back(*plane);
    } else if (plane || plane.error().code() == ErrorCode::Invalid) {
      TRY(io::remove_all(file));
    }
  }
  std::ranges::sort(planes, {}, &ControlPlane::directory);
  return planes;
}

Status forget_state(const std::filesystem::path& state) {
  constexpr std::string_view kOurs[] = {"engine",         "proxy",        "slipway.db",  "slipway.db-wal",
                                        "slipway.db-shm", "slipway.lock", "slipway.log", "api.sock"};
  for (const std::string_view entry : kOurs) TRY(io::remove_all(state / entry));
  std::error_code not_empty;
  std::filesystem::remove(state, not_empty);
  return {};
}

bool is_alive(pid_t pid, uint64_t started) {
  const auto now = io::process_start_time(pid);
  return now && *now == started;
}

}  // namespace slipway::api
