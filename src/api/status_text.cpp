#include "api/status_text.h"

#include <algorithm>

namespace slipway::api {

namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json problem_json(const model::Problem& problem) {
  return Json::Object{{"file", problem.origin.file},
                      {"line", problem.origin.line},
                      {"column", problem.origin.column},
                      {"service", text_or_null(problem.service)},
                      {"instance", text_or_null(problem.instance)},
                      {"message", problem.message},
                      {"hint", text_or_null(problem.hint)},
                      {"severity", to_text(problem.severity)}};
}

Json freeze_of(const reconcile::Snapshot& snapshot) {
  for (const model::Override& value : snapshot.overrides) {
    if (value.kind == model::OverrideKind::Freeze) return model::to_json(value);
  }
  return {};
}

}  // namespace

Json status_json(const reconcile::Snapshot& snapshot, const std::string& service,
                 const std::string& instance) {
  const auto wanted = [&](const std::string& of_service, const std::string& of_instance) {
    return (service.empty() || of_service == service) && (instance.empty() || of_instance == instance);
  };
  Json::Array instances, problems, broken, last_good;
  for (const model::InstanceStatus& status : snapshot.instances) {
    if (wanted(status.id.service, status.id.instance)) instances.push_back(model::to_json(status));
  }
  for (const model::Problem& problem : snapshot.desired->problems) {
    // A problem of the whole service is one of each of its instances.
    if (wanted(problem.service, problem.instance.empty() ? instance : problem.instance)) {
      problems.push_back(problem_json(problem));
    }
  }
  for (const std::string& name : snapshot.desired->broken) {
    if (wanted(name, instance)) broken.push_back(name);
  }
  for (const std::string& name : snapshot.desired->last_good) {
    if (wanted(name, instance)) last_good.push_back(name);
  }
  return Json::Object{{"cluster", snapshot.cluster},
                      {"engine", snapshot.engine},
                      {"generation", snapshot.generation},
                      {"instances", std::move(instances)},
                      {"sequence", snapshot.sequence},
                      {"at", snapshot.at == Time() ? Json() : Json(to_text(snapshot.at))},
                      {"isolation", text_or_null(snapshot.isolation)},
                      {"trouble", text_or_null(snapshot.trouble)},
                      {"freeze", freeze_of(snapshot)},
                      {"settled", snapshot.settled},
                      {"shutting_down", snapshot.shutting_down},
                      {"released", snapshot.released},
                      {"problems", std::move(problems)},
                      {"config", model::to_json(snapshot.source)},
                      {"broken", std::move(broken)},
                      {"last_good", std::move(last_good)}};
}

std::shared_ptr<const std::string> StatusText::made(uint64_t sequence) const {
  const Lock lock(mutex_);
  return sequence_ == sequence ? text_ : nullptr;
}

std::shared_ptr<const std::string> StatusText::make(const reconcile::Snapshot& snapshot) {
  const Lock making(making_);
  if (auto text = made(snapshot.sequence)) return text;
  auto text = std::make_shared<const std::string>(status_json(snapshot, "", "").dump());
  const Lock lock(mutex_);
  // A slow maker of an older snapshot must not push out a newer one.
  if (!text_ || snapshot.sequence > sequence_) {
    sequence_ = snapshot.sequence;
    text_ = text;
  }
  return text;
}

}  // namespace slipway::api
