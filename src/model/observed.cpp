#include "model/observed.h"

#include <csignal>

#include <fmt/format.h>

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {

constexpr EnumTable<TaskState, 8> kTaskStates = {{{TaskState::Pending, "pending"},
                                                  {TaskState::Preparing, "preparing"},
                                                  {TaskState::Starting, "starting"},
                                                  {TaskState::Running, "running"},
                                                  {TaskState::Stopping, "stopping"},
                                                  {TaskState::Exited, "exited"},
                                                  {TaskState::Failed, "failed"},
                                                  {TaskState::Lost, "lost"}}};
constexpr EnumTable<Health, 3> kHealths = {
    {{Health::Unknown, "unknown"}, {Health::Healthy, "healthy"}, {Health::Unhealthy, "unhealthy"}}};

std::string signal_text(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

Json exit_json(const std::optional<Exit>& exit) {
  if (!exit) return nullptr;
  Json json;
  json["code"] = json_or_null(exit->code);
  json["signal"] = json_or_null(exit->signal);
  json["oom_killed"] = exit->oom_killed;
  json["text"] = exit->text();
  return json;
}

std::optional<Exit> exit_from(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  Exit exit;
  if (json.at("code").is_int()) exit.code = static_cast<int>(json.at("code").as_int());
  if (json.at("signal").is_int()) exit.signal = static_cast<int>(json.at("signal").as_int());
  exit.oom_killed = json.at("oom_killed").as_bool();
  return exit;
}

Json address_json(const Address& address) {
  Json json;
  json["ip"] = address.ip;
  json["port"] = address.port;
  json["container_port"] = address.container_port;
  return json;
}

}  // namespace

std::string_view to_text(TaskState state) {
  return word_of(kTaskStates, state);
}
std::string_view to_text(Health health) {
  return word_of(kHealths, health);
}
std::optional<TaskState> task_state_from(std::string_view text) {
  return value_of(kTaskStates, text);
}

std::string Exit::text() const {
  if (oom_killed) return "out of memory";
  if (signal && code) return fmt::format("exit code {} or {}", *code, signal_text(*signal));
  if (signal) return signal_text(*signal);
  return fmt::format("exit code {}", code.value_or(0));
}

Json to_json(const Task& task) {
  Json json;
  json["id"] = task.id.str();
  json["revision"] = task.revision.str();
  json["instance"] = task.instance.text();
  json["node"] = task.node.str();
  json["one_off"] = task.one_off;
  json["state"] = to_text(task.state);
  json["health"] = to_text(task.health);
  json["addresses"] = Json::Array();
  for (const Address& address : task.addresses) json["addresses"].push_back(address_json(address));
  json["created_at"] = to_text(task.created_at);
  json["started_at"] = time_or_null(task.started_at);
  json["healthy_since"] = time_or_null(task.healthy_since);
  json["last_exit"] = exit_json(task.last_exit);
  json["oom_killed"] = task.last_exit && task.last_exit->oom_killed;
  json["restarts"] = task.restarts;
  json["next_start_at"] = time_or_null(task.next_start_at);
  json["reason"] = task.reason;
  json["last_lines"] = json_of(task.last_lines);
  return json;
}

Result<Task> task_from_json(const Json& json) {
  Task task;
  task.id = TaskId(json.at("id").as_string());
  task.revision = RevisionId(json.at("revision").as_string());
  task.instance = TRY(parse_instance_id(json.at("instance").as_string()));
  task.node = NodeId(json.at("node").as_string());
  task.one_off = json.at("one_off").as_bool();
  const auto state = task_state_from(json.at("state").as_string());
  const auto health = value_of(kHealths, json.at("health").as_string());
  if (task.id.empty() || !state || !health) {
    return Error(ErrorCode::Invalid, "a task has an id, a state and a health");
  }
  task.state = *state;
  task.health = *health;
  for (const Json& address : json.at("addresses").as_array()) {
    task.addresses.push_back(Address{address.at("ip").as_string(),
                                     static_cast<int>(address.at("port").as_int()),
                                     static_cast<int>(address.at("container_port").as_int())});
  }
  task.created_at = TRY(parse_time(json.at("created_at").as_string()));
  task.started_at = TRY(optional_time_from(json.at("started_at")));
  task.healthy_since = TRY(optional_time_from(json.at("healthy_since")));
  task.last_exit = exit_from(json.at("last_exit"));
  task.restarts = static_cast<int>(json.at("restarts").as_int());
  task.next_start_at = TRY(optional_time_from(json.at("next_start_at")));
  task.reason = json.at("reason").as_string();
  task.last_lines = strings_from(json.at("last_lines"));
  return task;
}

Json to_json(const Node& node) {
  Json json;
  json["id"] = node.id.str();
  json["ready"] = node.ready;
  json["draining"] = node.draining;
  json["cpus"] = node.cpus;
  json["mem"] = node.mem_mb;
  json["disk"] = node.disk_mb;
  json["gpus"] = node.gpus;
  json["attributes"] = json_of(node.attributes);
  json["reason"] = node.reason;
  return json;
}

Result<Node> node_from_json(const Json& json) {
  Node node;
  node.id = NodeId(json.at("id").as_string());
  if (node.id.empty()) return Error(ErrorCode::Invalid, "a node has an id");
  node.ready = json.at("ready").as_bool(true);
  node.draining = json.at("draining").as_bool();
  node.cpus = json.at("cpus").as_double(0);
  node.mem_mb = json.at("mem").as_int(0);
  node.disk_mb = json.at("disk").as_int(0);
  node.gpus = json.at("gpus").as_int(0);
  node.attributes = string_map_from(json.at("attributes"));
  node.reason = json.at("reason").as_string();
  return node;
}

Json to_json(const Observed& observed) {
  Json::Array revisions, tasks, nodes;
  for (const ObservedRevision& seen : observed.revisions) {
    Json json;
    json["revision"] = to_json(seen.revision);
    json["count"] = seen.count;
    json["generation"] = seen.generation;
    revisions.push_back(std::move(json));
  }
  for (const Task& task : observed.tasks) tasks.push_back(to_json(task));
  for (const Node& node : observed.nodes) nodes.push_back(to_json(node));
  Json json;
  json["at"] = to_text(observed.at);
  json["isolation"] = observed.isolation;
  json["revisions"] = std::move(revisions);
  json["tasks"] = std::move(tasks);
  json["nodes"] = std::move(nodes);
  return json;
}

Result<Observed> observed_from_json(const Json& json) {
  Observed observed;
  observed.at = TRY(parse_time(json.at("at").as_string()));
  observed.isolation = json.at("isolation").as_string();
  for (const Json& seen : json.at("revisions").as_array()) {
    ObservedRevision revision;
    revision.revision = TRY(revision_from_json(seen.at("revision")));
    revision.count = static_cast<int>(seen.at("count").as_int(0));
    revision.generation = static_cast<Generation>(seen.at("generation").as_int(0));
    observed.revisions.push_back(std::move(revision));
  }
  for (const Json& task : json.at("tasks").as_array()) observed.tasks.push_back(TRY(task_from_json(task)));
  for (const Json& node : json.at("nodes").as_array()) observed.nodes.push_back(TRY(node_from_json(node)));
  return observed;
}

}  // namespace slipway::model
