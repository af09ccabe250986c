#include "engine/local/host_runtime.h"

#include <unistd.h>

#include <fmt/format.h>

namespace slipway::engine::local {

namespace {

bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

Error gone(const std::string& path, const std::string& package) {
  return Error(
      ErrorCode::Unavailable, "start containers",
      Error(ErrorCode::Unavailable, fmt::format("{} is no longer there: apt-get install {}", path, package)));
}

}  // namespace

HostRuntime::HostRuntime(HostRuntimeOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      root_(runtime_root(options_.state)),
      cgroups_(cgroup_mode()),
      found_(Error(ErrorCode::Unavailable, "no container runtime was looked for yet")) {}

Result<Runtime> HostRuntime::get() const {
  const Lock lock(mutex_);
  if (!found_) return found_;
  if (!is_program(found_->conmon)) return gone(found_->conmon, "conmon");
  // Our own program is running; an upgrade may have taken its name away for a moment, and that passes.
  if (options_.kind == RuntimeKind::Container && !is_program(found_->path)) {
    return gone(found_->path, found_->name);
  }
  return found_;
}

Status HostRuntime::look(Deadline deadline) {
  if (get()) return {};
  Result<Runtime> found = options_.kind == RuntimeKind::Container
                              ? find_runtime(options_.state, clock_, deadline, options_.only)
                              : process_runtime(options_.state, options_.program);
  const Lock lock(mutex_);
  found_ = std::move(found);
  return found_ ? Status() : Status(found_.error());
}

}  // namespace slipway::engine::local
