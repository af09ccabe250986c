#include "model/status.h"

#include <algorithm>

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {

constexpr EnumTable<InstanceState, 8> kStates = {{{InstanceState::Running, "running"},
                                                  {InstanceState::Starting, "starting"},
                                                  {InstanceState::Bouncing, "bouncing"},
                                                  {InstanceState::Stalled, "stalled"},
                                                  {InstanceState::Crashlooping, "crashlooping"},
                                                  {InstanceState::Stopping, "stopping"},
                                                  {InstanceState::Stopped, "stopped"},
                                                  {InstanceState::Unknown, "unknown"}}};

constexpr EnumTable<Blocked, 3> kBlocked = {
    {{Blocked::No, "no"}, {Blocked::Image, "image"}, {Blocked::Proxy, "proxy"}}};

Json bounce_json(const std::optional<BounceStatus>& bounce) {
  if (!bounce) return nullptr;
  Json json;
  json["to"] = bounce->to.str();
  json["from"] = Json::Array();
  for (const RevisionId& from : bounce->from) json["from"].push_back(from.str());
  json["method"] = to_text(bounce->method);
  json["started_at"] = to_text(bounce->started_at);
  json["progress_at"] = to_text(bounce->progress_at);
  json["happy_new"] = bounce->happy_new;
  json["old_left"] = bounce->old_left;
  json["stalled"] = bounce->stalled;
  json["waiting_for"] = bounce->waiting_for;
  return json;
}

Json revision_json(const ObservedRevision& observed, const RevisionId& wanted) {
  Json json;
  json["id"] = observed.revision.id.str();
  json["count"] = observed.count;
  json["generation"] = static_cast<int64_t>(observed.generation);
  json["wanted"] = observed.revision.id == wanted;
  json["image"] = describe(observed.revision.spec.image);
  return json;
}

}  // namespace

std::string_view to_text(InstanceState state) {
  return word_of(kStates, state);
}

std::string_view to_text(Blocked blocked) {
  return word_of(kBlocked, blocked);
}

Json to_json(const InstanceStatus& status) {
  Json json;
  json["service"] = status.id.service;
  json["instance"] = status.id.instance;
  json["state"] = to_text(status.state);
  json["desired"] = status.desired;
  json["healthy"] = status.healthy;
  json["revision"] = status.revision.str();
  json["tasks"] = Json::Array();
  for (const Task& task : status.seen->tasks) json["tasks"].push_back(to_json(task));
  json["draining"] = Json::Array();
  for (const TaskId& task : status.draining) json["draining"].push_back(task.str());
  json["revisions"] = Json::Array();
  for (const auto& revision : status.seen->revisions)
    json["revisions"].push_back(revision_json(revision, status.revision));
  json["bounce"] = bounce_json(status.bounce);
  json["overrides"] = Json::Array();
  for (const Override& value : status.overrides) json["overrides"].push_back(to_json(value));
  json["reason"] = status.reason.empty() ? Json() : Json(status.reason);
  json["blocked"] = status.blocked == Blocked::No ? Json() : Json(to_text(status.blocked));
  json["causes"] = Json::Array();
  for (const Cause& cause : status.causes) json["causes"].push_back(to_json(cause));
  json["endpoints"] = json_of(status.endpoints);
  return json;
}

Json to_json(const Cause& cause) {
  Json json;
  json["at"] = time_or_null(cause.at);
  json["kind"] = cause.kind;
  json["text"] = cause.text;
  json["lines"] = json_of(cause.lines);
  return json;
}

void sort_newest_first(std::vector<Cause>& causes) {
  std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) {
    if (!a.at || !b.at) return !a.at && b.at.has_value();
    return *a.at > *b.at;
  });
}

Json to_json(const Event& event) {
  Json json;
  json["id"] = event.id;
  json["at"] = to_text(event.at);
  json["instance"] = event.instance.empty() ? Json() : Json(event.instance);
  json["kind"] = event.kind;
  json["text"] = event.text;
  return json;
}

}  // namespace slipway::model
