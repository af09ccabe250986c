#include <algorithm>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/lookup.h"

namespace slipway::api::handlers {

namespace {

std::vector<std::string> problem_texts(const reconcile::Snapshot& snapshot, const std::string& service) {
  std::vector<std::string> texts;
  for (const model::Problem& problem : snapshot.desired->problems) {
    if (problem.service == service) texts.push_back(problem.text());
  }
  return texts;
}

bool is_broken(const reconcile::Snapshot& snapshot, const std::string& service) {
  return snapshot.desired->has_broken_files(service);
}

// The kind of cause that an event of this kind is.
std::string cause_kind(const std::string& event) {
  static const std::map<std::string, std::string, std::less<>> kKinds = {
      {"task_exited", "exit"},     {"task_healthy", "health"}, {"task_unhealthy", "health"},
      {"task_replaced", "health"}, {"degraded", "health"},     {"serving", "health"},
      {"drain_timeout", "drain"},  {"moving", "node"},         {"node_drain", "node"},
      {"node_undrain", "node"},    {"override", "override"},   {"scaling", "override"}};
  const auto kind = kKinds.find(event);
  return kind == kKinds.end() ? "deploy" : kind->second;
}

// What happened to the nodes that its tasks are on.
bool is_of_a_node(const model::Event& event, const model::InstanceStatus* status) {
  if (status == nullptr || (event.kind != "node_drain" && event.kind != "node_undrain")) return false;
  return std::any_of(status->seen->tasks.begin(), status->seen->tasks.end(), [&](const model::Task& task) {
    return event.text.starts_with("node " + task.node.str() + " ");
  });
}

// What happened to the instance, and what changed in its files.
Status add_past(reconcile::Control& control, const model::InstanceId& id, const model::InstanceStatus* status,
                std::vector<model::Cause>& causes) {
  constexpr int kEvents = 20, kOfAll = 200, kBounces = 3;
  auto events = TRY(control.recent_events(kEvents, id.text()));
  for (model::Event& event : TRY(control.recent_events(kOfAll, ""))) {
    if (is_of_a_node(event, status)) events.push_back(std::move(event));
  }
  std::reverse(events.begin(), events.end());  // of one moment, the later one first
  for (const model::Event& event : events)
    causes.push_back({event.at, cause_kind(event.kind), event.text, {}});
  for (const state::BounceRecord& bounce : TRY(control.bounces(id, kBounces))) {
    if (bounce.text.empty()) continue;
    causes.push_back({bounce.started_at,
                      "config",
                      fmt::format("{} differs from what ran before: {}", bounce.revision.str(), bounce.text),
                      {}});
  }
  return {};
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
  const model::InstanceId id = TRY(model::parse_instance_id(call.text("instance")));
  const auto snapshot = context.control.snapshot();
  // Of a service whose files are broken nobody knows which instances it has; the problems are the answer.
  if (!is_broken(*snapshot, id.service)) TRY(check_known(*snapshot, id.service, id.instance));
  const model::InstanceStatus* found = find_status(*snapshot, id);
  std::vector<model::Cause> causes;
  if (!snapshot->trouble.empty())
    causes.push_back({{}, "trouble", "this picture may be stale: " + snapshot->trouble, {}});
  if (found != nullptr) causes.insert(causes.end(), found->causes.begin(), found->causes.end());
  // Of what has never run, only its files tell.
  if (found == nullptr) {
    for (const std::string& problem : problem_texts(*snapshot, id.service))
      causes.push_back({{}, "config", problem, {}});
  }
  TRY(add_past(context.control, id, found, causes));
  model::sort_newest_first(causes);
  Json::Array list;
  for (const model::Cause& cause : causes) list.push_back(model::to_json(cause));
  const model::InstanceState state = found != nullptr ? found->state : model::InstanceState::Unknown;
  return json_response(Json::Object{
      {"instance", id.text()}, {"state", std::string(model::to_text(state))}, {"causes", std::move(list)}});
}

Result<io::HttpAnswer> services(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& instance : snapshot->desired->instances)
    names[instance.id.service].push_back(instance.id.instance);
  for (const model::InstanceStatus& found : snapshot->instances)
    names[found.id.service].push_back(found.id.instance);
  for (const std::string& broken : snapshot->desired->broken) names[broken];
  for (const std::string& broken : snapshot->desired->last_good) names[broken];
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
  for (const model::Instance& instance : snapshot->desired->instances) {
    if (instance.id.service != name) continue;
    const model::InstanceStatus* found = find_status(*snapshot, instance.id);
    Json entry;
    entry["instance"] = instance.id.instance;
    entry["endpoints"] = Json::Array();
    if (found != nullptr) entry["endpoints"] = Json::Array(found->endpoints.begin(), found->endpoints.end());
    entry["config"] = model::config_show_json(instance, snapshot->cluster);
    instances.push_back(std::move(entry));
  }
  const auto problems = problem_texts(*snapshot, name);
  return json_response(Json::Object{{"service", name},
                                    {"broken", is_broken(*snapshot, name)},
                                    {"problems", Json::Array(problems.begin(), problems.end())},
                                    {"instances", std::move(instances)}});
}

Result<io::HttpAnswer> config(Context& context, const Call& call) {
  const std::string service = call.text("service"), instance = call.text("instance");
  const auto snapshot = context.control.snapshot();
  if (!service.empty()) TRY(check_known(*snapshot, service, instance));
  Json::Object all;
  for (const model::Instance& one : snapshot->desired->instances) {
    if (!service.empty() && one.id.service != service) continue;
    if (!instance.empty() && one.id.instance != instance) continue;
    all[one.id.text()] = model::config_show_json(one, snapshot->cluster);
  }
  return json_response(std::move(all));
}

Result<io::HttpAnswer> nodes(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  Json::Array list;
  for (const model::Node& node : *snapshot->nodes) list.push_back(model::to_json(node));
  return json_response(Json::Object{{"nodes", std::move(list)}});
}

// Put together from what every instance shows, which is all that was observed of services.
Result<io::HttpAnswer> observed(Context& context, const Call&) {
  const auto snapshot = context.control.snapshot();
  model::Observed all;
  all.at = snapshot->at;
  all.isolation = snapshot->isolation;
  all.nodes = *snapshot->nodes;
  for (const model::InstanceStatus& status : snapshot->instances) {
    all.revisions.insert(all.revisions.end(), status.seen->revisions.begin(), status.seen->revisions.end());
    all.tasks.insert(all.tasks.end(), status.seen->tasks.begin(), status.seen->tasks.end());
  }
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::sort(all.tasks.begin(), all.tasks.end(), by_id);
  std::sort(all.revisions.begin(), all.revisions.end(),
            [](const auto& a, const auto& b) { return a.revision.id < b.revision.id; });
  return json_response(model::to_json(all));
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
  for (const model::Override& one : snapshot->overrides) list.push_back(model::to_json(one));
  return json_response(Json::Object{{"overrides", std::move(list)}});
}

}  // namespace slipway::api::handlers
