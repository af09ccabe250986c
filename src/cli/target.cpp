#include "cli/target.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/config.h"

namespace slipway::cli {

namespace {

using Planes = std::vector<api::ControlPlane>;

Target target_of(const api::ControlPlane& plane) {
  return {plane.endpoint, plane};
}

std::string list_of(const Planes& planes) {
  std::string text;
  for (const api::ControlPlane& plane : planes) {
    text += fmt::format("\n  {}  {}", plane.cluster, plane.directory.string());
  }
  return text;
}

bool holds(const std::filesystem::path& parent, const std::filesystem::path& path) {
  const auto mismatch = std::ranges::mismatch(parent, path);
  return mismatch.in1 == parent.end();
}

Error ended(const api::ControlPlane& plane) {
  return Error(
      ErrorCode::Unavailable,
      fmt::format("the control plane of {0} has ended; `slipway up {0}` starts it again and finds its tasks",
                  plane.directory.string()));
}

Error several(const Planes& planes) {
  return Error(
      ErrorCode::Invalid,
      fmt::format("{} control planes run here; say which by -C DIR, --cluster NAME or --api ENDPOINT:{}",
                  planes.size(), list_of(planes)));
}

// The one that runs; of none, the one that ended.
Result<Target> only_one(const Planes& planes) {
  Planes running;
  std::ranges::copy_if(planes, std::back_inserter(running), &api::ControlPlane::running);
  if (running.size() > 1) return several(running);
  if (running.size() == 1) return target_of(running.front());
  if (planes.size() == 1) return ended(planes.front());
  return Error(ErrorCode::Unavailable, "no control plane runs here; `slipway up DIR` starts one");
}

Result<Target> of_cluster(const Planes& planes, const std::string& cluster) {
  Planes matching;
  std::vector<std::string> names;
  for (const api::ControlPlane& plane : planes) {
    names.push_back(plane.cluster);
    if (plane.cluster == cluster) matching.push_back(plane);
  }
  if (!matching.empty()) return only_one(matching);
  const auto near = did_you_mean(cluster, names);
  return Error(ErrorCode::NotFound, fmt::format("no control plane of a cluster '{}' runs here{}", cluster,
                                                near ? fmt::format("; did you mean '{}'?", *near) : ""));
}

Result<Target> of_directory(const Context& context, const Planes& planes, const std::string& directory) {
  const auto loaded = TRY(config::load_cluster_directory(whole_path(context, directory)));
  const auto plane = std::ranges::find(planes, loaded.cluster.state, &api::ControlPlane::state);
  if (plane != planes.end()) return target_of(*plane);
  return Target{loaded.cluster.api, std::nullopt};
}

// The one whose tree holds the current folder, the innermost of several.
const api::ControlPlane* around(const Planes& planes, const std::filesystem::path& directory) {
  const api::ControlPlane* found = nullptr;
  for (const api::ControlPlane& plane : planes) {
    const bool inner = found == nullptr || holds(found->directory, plane.directory);
    if (plane.running && holds(plane.directory, directory) && inner) found = &plane;
  }
  return found;
}

Error unknown_service(const std::string& service, const std::vector<std::string>& names) {
  const auto near = did_you_mean(service, names);
  return Error(ErrorCode::NotFound, fmt::format("there is no service '{}'{}", service,
                                                near ? fmt::format("; did you mean '{}'?", *near) : ""));
}

}  // namespace

std::filesystem::path whole_path(const Context& context, const std::filesystem::path& path) {
  const std::filesystem::path absolute = context.environment.directory / path;
  std::error_code error;
  std::filesystem::path whole = std::filesystem::weakly_canonical(absolute, error);
  if (error) whole = absolute.lexically_normal();
  // "shop/" and "shop" are one folder.
  return whole.has_filename() ? whole : whole.parent_path();
}

Result<Target> find_target(const Context& context) {
  const Args& args = context.args;
  if (args.has("api")) return Target{args.text("api"), std::nullopt};
  const Planes planes = TRY(api::control_planes(context.environment.registry));
  if (args.has("dir")) return of_directory(context, planes, args.text("dir"));
  if (args.has("cluster")) return of_cluster(planes, args.text("cluster"));
  const std::string endpoint = context.environment.variable("SLIPWAY_API");
  if (!endpoint.empty()) return Target{endpoint, std::nullopt};
  if (const auto* plane = around(planes, whole_path(context, "."))) return target_of(*plane);
  return only_one(planes);
}

Result<api::Client> connect(const Context& context) {
  const Target target = TRY(find_target(context));
  if (target.plane && !target.plane->running) return ended(*target.plane);
  return api::Client(target.endpoint, context.environment.clock);
}

Result<std::optional<api::ControlPlane>> registered(const Context& context,
                                                    const std::filesystem::path& state) {
  const Planes planes = TRY(api::control_planes(context.environment.registry));
  const auto plane = std::ranges::find(planes, state, &api::ControlPlane::state);
  if (plane == planes.end()) return std::optional<api::ControlPlane>();
  return std::optional<api::ControlPlane>(*plane);
}

Result<Subject> parse_subject(const std::string& text) {
  const size_t dot = text.find('.');
  Subject subject{text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1)};
  const bool instance_fits = dot == std::string::npos || model::is_name(subject.instance);
  if (model::is_name(subject.service) && instance_fits) return subject;
  return Error(ErrorCode::Invalid,
               fmt::format("'{}' is neither a service (web) nor an instance (web.main)", text));
}

Result<std::vector<model::InstanceId>> instances_of(const api::Client& client, const std::string& subject) {
  const Subject wanted = TRY(parse_subject(subject));
  const Json answer = TRY(client.services());
  std::vector<std::string> services;
  std::vector<std::string> names;
  std::vector<model::InstanceId> found;
  for (const Json& service : answer.at("services").as_array()) {
    services.push_back(service.at("service").as_string());
    if (services.back() != wanted.service) continue;
    for (const Json& instance : service.at("instances").as_array()) {
      names.push_back(instance.as_string());
      if (!wanted.instance.empty() && names.back() != wanted.instance) continue;
      found.push_back({wanted.service, names.back()});
    }
  }
  if (!found.empty()) return found;
  if (std::ranges::find(services, wanted.service) == services.end())
    return unknown_service(wanted.service, services);
  const auto near = did_you_mean(wanted.instance, names);
  return Error(ErrorCode::NotFound,
               wanted.instance.empty()
                   ? fmt::format("service '{}' has no instance here", wanted.service)
                   : fmt::format("service '{}' has no instance '{}'{}", wanted.service, wanted.instance,
                                 near ? fmt::format("; did you mean '{}.{}'?", wanted.service, *near) : ""));
}

Result<model::InstanceId> instance_of(const api::Client& client, const std::string& subject) {
  const auto instances = TRY(instances_of(client, subject));
  if (instances.size() == 1) return instances.front();
  std::vector<std::string> names;
  for (const model::InstanceId& id : instances) names.push_back(id.text());
  return Error(ErrorCode::Invalid,
               fmt::format("'{}' has {} instances; say which: {}", subject, names.size(), join(names, ", ")));
}

}  // namespace slipway::cli
