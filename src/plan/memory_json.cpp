// The planner's memory as JSON, for whoever stores it between two calls and across restarts.
#include <fmt/format.h>

#include "plan/planner.h"

namespace slipway::plan {
namespace {

Json bounce_json(const BounceMemory& bounce) {
  Json json;
  json["to"] = bounce.to.str();
  json["from"] = Json::Array();
  for (const auto& revision : bounce.from) json["from"].push_back(revision.str());
  json["started_at"] = to_text(bounce.started_at);
  json["progress_at"] = to_text(bounce.progress_at);
  json["created"] = bounce.created;
  json["best_happy"] = bounce.best_happy;
  json["fewest_old"] = bounce.fewest_old;
  json["stalled"] = bounce.stalled;
  json["canary_since"] = bounce.canary_since ? Json(to_text(*bounce.canary_since)) : Json();
  json["canary_done"] = bounce.canary_done;
  return json;
}

Result<BounceMemory> bounce_from(const Json& json) {
  BounceMemory bounce;
  bounce.to = model::RevisionId(json.at("to").as_string());
  for (const Json& revision : json.at("from").as_array()) bounce.from.emplace_back(revision.as_string());
  bounce.started_at = TRY_CONTEXT(parse_time(json.at("started_at").as_string()), "read started_at");
  bounce.progress_at = TRY_CONTEXT(parse_time(json.at("progress_at").as_string()), "read progress_at");
  bounce.created = json.at("created").as_bool();
  bounce.best_happy = static_cast<int>(json.at("best_happy").as_int());
  bounce.fewest_old = static_cast<int>(json.at("fewest_old").as_int());
  bounce.stalled = json.at("stalled").as_bool();
  if (json.at("canary_since").is_string()) {
    bounce.canary_since = TRY_CONTEXT(parse_time(json.at("canary_since").as_string()), "read canary_since");
  }
  bounce.canary_done = json.at("canary_done").as_bool();
  return bounce;
}

Result<DrainMemory> drain_from(const Json& json) {
  DrainMemory drain;
  drain.started_at = TRY_CONTEXT(parse_time(json.at("started_at").as_string()), "read started_at");
  drain.timed_out = json.at("timed_out").as_bool();
  if (json.at("stop_asked_at").is_string())
    drain.stop_asked_at = TRY_CONTEXT(parse_time(json.at("stop_asked_at").as_string()), "read stop_asked_at");
  drain.lost_stops = static_cast<int>(json.at("lost_stops").as_int());
  return drain;
}

}  // namespace

Json to_json(const InstanceMemory& memory) {
  Json json;
  json["drains"] = Json::Object();
  for (const auto& [task, drain] : memory.drains) {
    Json& entry = json["drains"][task.str()];
    entry["started_at"] = to_text(drain.started_at);
    entry["timed_out"] = drain.timed_out;
    entry["stop_asked_at"] = drain.stop_asked_at ? Json(to_text(*drain.stop_asked_at)) : Json();
    entry["lost_stops"] = drain.lost_stops;
  }
  json["bounce"] = memory.bounce ? bounce_json(*memory.bounce) : Json();
  json["unhealthy_replacements"] = memory.unhealthy_replacements;
  json["replaced_at"] = memory.replaced_at ? Json(to_text(*memory.replaced_at)) : Json();
  json["last_good"] = memory.last_good ? Json(memory.last_good->str()) : Json();
  json["fallback"] = memory.fallback ? model::to_json(*memory.fallback) : Json();
  json["rejected"] = memory.rejected ? Json(memory.rejected->str()) : Json();
  json["moved_at"] = memory.moved_at ? Json(to_text(*memory.moved_at)) : Json();
  json["moving"] = memory.moving ? Json(memory.moving->str()) : Json();
  json["told"] = Json::Array();
  for (const model::TaskId& task : memory.told) json["told"].push_back(task.str());
  return json;
}

Result<InstanceMemory> instance_memory_from_json(const Json& json) {
  if (!json.is_object()) return Error(ErrorCode::Invalid, "an instance's memory is a JSON object");
  InstanceMemory memory;
  for (const auto& [task, drain] : json.at("drains").as_object()) {
    memory.drains[model::TaskId(task)] = TRY_CONTEXT(drain_from(drain), "read the drain of " + task);
  }
  if (json.at("bounce").is_object())
    memory.bounce = TRY_CONTEXT(bounce_from(json.at("bounce")), "read the bounce");
  memory.unhealthy_replacements = static_cast<int>(json.at("unhealthy_replacements").as_int());
  if (json.at("replaced_at").is_string()) {
    memory.replaced_at = TRY_CONTEXT(parse_time(json.at("replaced_at").as_string()), "read replaced_at");
  }
  if (json.at("last_good").is_string())
    memory.last_good = model::RevisionId(json.at("last_good").as_string());
  if (json.at("fallback").is_object()) {
    memory.fallback = TRY_CONTEXT(model::revision_from_json(json.at("fallback")), "read the fallback");
  }
  if (json.at("rejected").is_string()) memory.rejected = model::RevisionId(json.at("rejected").as_string());
  if (json.at("moved_at").is_string()) {
    memory.moved_at = TRY_CONTEXT(parse_time(json.at("moved_at").as_string()), "read moved_at");
  }
  if (json.at("moving").is_string()) memory.moving = model::TaskId(json.at("moving").as_string());
  for (const Json& task : json.at("told").as_array()) memory.told.emplace(task.as_string());
  return memory;
}

}  // namespace slipway::plan
