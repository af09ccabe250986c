// Which control plane a command means, and which instances.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/client.h"
#include "api/registry.h"
#include "cli/context.h"
#include "model/ids.h"

namespace slipway::cli {

struct Target {
  io::Endpoint endpoint;
  std::optional<api::ControlPlane> plane;  // where it is registered on this machine
};

// The control plane to talk to. In this order: --api; -C; --cluster; $SLIPWAY_API; the one whose config tree
// holds the current folder; the only one that runs. Invalid, listing them, when several could be meant;
// NotFound when --cluster names none; Unavailable when none runs.
Result<Target> find_target(const Context& context);
Result<api::Client> connect(const Context& context);

// The registered control plane of this state directory, dead or alive.
Result<std::optional<api::ControlPlane>> registered(const Context& context,
                                                    const std::filesystem::path& state);

// An absolute path without links and dots, so that one folder has one name. It need not exist.
std::filesystem::path whole_path(const Context& context, const std::filesystem::path& path);

// "web" or "web.main" in its parts; the instance is empty for a service. Invalid when it can be neither.
struct Subject {
  std::string service;
  std::string instance;
};
Result<Subject> parse_subject(const std::string& text);

// The instances that "web" (all of it) or "web.main" means on this control plane. NotFound with "did you
// mean".
Result<std::vector<model::InstanceId>> instances_of(const api::Client& client, const std::string& subject);
// The one instance: a service stands for its only one.
Result<model::InstanceId> instance_of(const api::Client& client, const std::string& subject);

}  // namespace slipway::cli
