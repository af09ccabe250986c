#include "sim/report_json.h"

#include "reconcile/changes.h"
#include "reconcile/front_doors.h"

namespace slipway::sim {
namespace {

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

Json json_of(const TakenStep& taken) {
  Json json = model::to_json(taken.step);
  json["at_seconds"] = seconds(taken.at);
  return json;
}

// What differs between the revision that ran and the one that is wanted.
std::string change_of(const InstanceRehearsal& instance, const RehearsalQuestion& question,
                      const model::Instance* wanted) {
  if (wanted == nullptr || instance.from.empty()) return "";
  for (const model::ObservedRevision& seen : question.start.revisions) {
    if (seen.revision.id == instance.from.back())
      return reconcile::spec_changes(model::to_json(seen.revision.spec), model::to_json(wanted->spec));
  }
  return "";
}

Json json_of(const model::InstanceId& id, const InstanceRehearsal& instance,
             const RehearsalQuestion& question, Json::Array steps) {
  const model::Instance* wanted = reconcile::find_instance(question.desired, id);
  Json json;
  json["instance"] = id.text();
  json["from"] = Json::Array();
  for (const model::RevisionId& revision : instance.from) json["from"].push_back(revision.str());
  json["to"] = instance.to.str();
  json["change"] = change_of(instance, question, wanted);
  json["method"] = wanted != nullptr ? std::string(model::to_text(wanted->bounce.method)) : "removal";
  json["desired"] = instance.desired;
  json["lowest_healthy"] = instance.lowest ? Json(*instance.lowest) : Json();
  json["seconds"] = seconds(instance.done);
  json["room"] = instance.room.empty() ? Json() : Json(instance.room);
  json["reason"] = instance.reason.empty() ? Json() : Json(instance.reason);
  json["steps"] = std::move(steps);
  return json;
}

}  // namespace

Json to_json(const RehearsalReport& report, const RehearsalQuestion& question) {
  std::map<model::InstanceId, Json::Array> steps;
  Json::Array all, instances;
  for (const TakenStep& taken : report.taken) {
    all.push_back(json_of(taken));
    steps[taken.step.instance].push_back(json_of(taken));
  }
  for (const auto& [id, instance] : report.instances) {
    Json::Array& own = steps[id];
    if (own.empty() && instance.reason.empty() && instance.room.empty()) continue;
    instances.push_back(json_of(id, instance, question, std::move(own)));
  }
  Json json;
  json["converges"] = report.converged;
  json["seconds"] = seconds(report.took);
  json["rounds"] = report.rounds;
  json["steps_taken"] = report.steps;
  json["tasks"] = report.wanted;
  json["lowest"] = report.lowest;
  json["lowest_of"] = report.lowest_of;
  json["lowest_at_seconds"] = seconds(report.lowest_at);
  json["tasks_started"] = report.started;
  json["tasks_moved"] = report.moved;
  json["instances"] = std::move(instances);
  json["steps"] = std::move(all);
  return json;
}

}  // namespace slipway::sim
