#include <algorithm>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/lookup.h"

namespace slipway::api::handlers {

namespace {

Json::Array problem_texts(const reconcile::Snapshot& snapshot, const std::string& service) {
  Json::Array texts;
  for (const model::Problem& problem : snapshot.desired.problems) {
    if (problem.service == service) texts.push_back(problem.text());
  }
  return texts;
}

bool is_broken(const reconcile::Snapshot& snapshot, const std::string& service) {
  const auto& broken = snapshot.desired.broken;
  return std::find(broken.begin(), broken.end(), service) != broken.end();
}

}  // namespace

Result<io::HttpAnswer> index(Context&, const Call&) {
  Json::Array list;
  for (const Route& route : routes()) {
    Json entry;
    entry["method"] = route.method;
    entry["path"] = route.pattern;
    entry["summary"] = route.summary;
    list.push_back(std::move(entry));
  }
  return json_response(Json::Object{{"routes", std::move(list)}});
}

Result<io::HttpAnswer> version(Context& context, const Call&) {
  const ServerFacts& facts = context.facts;
  return json_response(Json::Object{{"version", facts.version},
                                    {"cluster", facts.cluster},
                                    {"engine", facts.engine},
                                    {"config", facts.config},
                                    {"state", facts.state},
                                    {"pid", facts.pid}});
}

Result<io::HttpAnswer> status(Context& context, const Call& call) {
  const auto snapshot = context.control.snapshot();
  const std::string service = call.text("service"), instance = call.text("instance");
  if (service.empty() && !instance.empty()) {
    return Error(ErrorCode::Invalid, "instance: is one of a service, so `service` must be given too");
  }
  if (service.empty()) {
    io::HttpResponse response;
    response.headers["content-type"] = "application/json";
    response.body = context.status.make(*snapshot);
    return response;
  }
  TRY(check_known(*snapshot, service, instance));
  return json_response(status_json(*snapshot, service, instance));
}

std::optional<io::HttpResponse> quick_status(Context& context, const Call& call) {
  if (call.query.contains("service") || call.query.contains("instance")) return std::nullopt;
  auto text = context.status.made(context.control.snapshot()->sequence);
  if (!text) return std::nullopt;
  io::HttpResponse response;
  response.headers["content-type"] = "application/json";
  response.body = std::move(text);
  return response;
}

Result<io::HttpAnswer> why(Context& context, const Call& call) {
  constexpr int kEvents = 20;
  const model::InstanceId id = TRY(model::parse_instance_id(call.text("instance")));
  const auto snapshot = context.control.snapshot();
  TRY(check_known(*snapshot, id.service, id.instance));
  const model::InstanceStatus* found = find_status(*snapshot, id);
  Json::Array causes;
  if (!snapshot->trouble.empty()) causes.push_back("this picture may be stale: " + snapshot->trouble);
  if (found != nullptr) {
    for (const std::string& cause : found->causes) causes.push_back(cause);
  }
  for (const Json& problem : problem_texts(*snapshot, id.service)) causes.push_back(problem);
  auto events = TRY(context.control.recent_events(kEvents, id.text()));
  std::reverse(events.begin(), events.end());
  for (const model::Event& event : events)
    causes.push_back(fmt::format("{} {}", to_text(event.at), event.text));
  const model::InstanceState state = found != nullptr ? found->state : model::InstanceState::Unknown;
  return json_response(Json::Object{
      {"instance", id.text()}, {"state", std::string(model::to_text(state))}, {"causes", std::move(causes)}});
}

Result<io::HttpAnswer> services(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& instance : snapshot->desired.instances)
    names[instance.id.service].push_back(instance.id.instance);
  for (const auto& found : snapshot->instances) names[found.id.service].push_back(found.id.instance);
  for (const std::string& broken : snapshot->desired.broken) names[broken];
  Json::Array list;
  for (auto& [service, instances] : names) {
    std::sort(instances.begin(), instances.end());
    instances.erase(std::unique(instances.begin(), instances.end()), instances.end());
    Json entry;
    entry["service"] = service;
    entry["instances"] = Json::Array(instances.begin(), instances.end());
    entry["broken"] = is_broken(*snapshot, service);
    list.push_back(std::move(entry));
  }
  return json_response(Json::Object{{"services", std::move(list)}});
}

Result<io::HttpAnswer> service(Context& context, const Call& call) {
  const std::string name = call.text("service");
  const auto snapshot = context.control.snapshot();
  TRY(check_known(*snapshot, name, ""));
  Json::Array instances;
  for (const model::Instance& instance : snapshot->desired.instances) {
    if (instance.id.service != name) continue;
    const model::InstanceStatus* found = find_status(*snapshot, instance.id);
    Json entry;
    entry["instance"] = instance.id.instance;
    entry["endpoints"] = Json::Array();
    if (found != nullptr) entry["endpoints"] = Json::Array(found->endpoints.begin(), found->endpoints.end());
    entry["config"] = model::config_show_json(instance, snapshot->cluster);
    instances.push_back(std::move(entry));
  }
  return json_response(Json::Object{{"service", name},
                                    {"broken", is_broken(*snapshot, name)},
                                    {"problems", problem_texts(*snapshot, name)},
                                    {"instances", std::move(instances)}});
}

Result<io::HttpAnswer> config(Context& context, const Call& call) {
  const std::string service = call.text("service"), instance = call.text("instance");
  const auto snapshot = context.control.snapshot();
  if (!service.empty()) TRY(check_known(*snapshot, service, instance));
  Json::Object all;
  for (const model::Instance& one : snapshot->desired.instances) {
    if (!service.empty() && one.id.service != service) continue;
    if (!instance.empty() && one.id.instance != instance) continue;
    all[one.id.text()] = model::config_show_json(one, snapshot->cluster);
  }
  return json_response(std::move(all));
}

Result<io::HttpAnswer> nodes(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  Json::Array list;
  for (const model::Node& node : snapshot->nodes) list.push_back(model::to_json(node));
  return json_response(Json::Object{{"nodes", std::move(list)}});
}

Result<io::HttpAnswer> plan(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  Json::Array steps;
  for (const model::Step& step : snapshot->plan.steps) steps.push_back(model::to_json(step));
  return json_response(Json::Object{{"generation", snapshot->plan.generation}, {"steps", std::move(steps)}});
}

Result<io::HttpAnswer> history(Context& context, const Call& call) {
  const model::InstanceId id = TRY(model::parse_instance_id(call.text("instance")));
  const int limit = static_cast<int>(TRY(call.number("limit", 20, 100)));
  const auto records = TRY(context.control.bounces(id, limit));
  // An instance that left the files still has its history.
  if (records.empty()) TRY(check_known(*context.control.snapshot(), id.service, id.instance));
  Json::Array bounces;
  for (const state::BounceRecord& record : records) {
    bounces.push_back(Json::Object{{"id", record.id},
                                   {"revision", record.revision.str()},
                                   {"outcome", record.outcome},
                                   {"text", record.text},
                                   {"started_at", to_text(record.started_at)},
                                   {"ended_at", record.ended_at ? Json(to_text(*record.ended_at)) : Json()}});
  }
  return json_response(Json::Object{{"bounces", std::move(bounces)}});
}

Result<io::HttpAnswer> task(Context& context, const Call& call) {
  const auto snapshot = context.control.snapshot();
  return json_response(model::to_json(*TRY(find_task(*snapshot, call.text("task")))));
}

Result<io::HttpAnswer> overrides(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  Json::Array list;
  for (const model::InstanceStatus& found : snapshot->instances) {
    for (const model::Override& one : found.overrides) list.push_back(model::to_json(one));
  }
  return json_response(Json::Object{{"overrides", std::move(list)}});
}

}  // namespace slipway::api::handlers
