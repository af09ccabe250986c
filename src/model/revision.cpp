#include "model/revision.h"

#include "base/hash.h"

namespace slipway::model {

namespace {
Json identity_json(const InstanceId& instance, const TaskSpec& spec) {
  Json json;
  json["service"] = instance.service;
  json["instance"] = instance.instance;
  json["spec"] = to_json(spec);
  return json;
}
}  // namespace

Revision make_revision(const InstanceId& instance, const TaskSpec& spec) {
  const std::string canonical = identity_json(instance, spec).dump();
  return Revision{RevisionId(sha256_hex(canonical).substr(0, 12)), instance, spec};
}

Json to_json(const Revision& revision) {
  Json json = identity_json(revision.instance, revision.spec);
  json["id"] = revision.id.str();
  return json;
}

Result<Revision> revision_from_json(const Json& json) {
  Revision revision;
  revision.id = RevisionId(json.at("id").as_string());
  revision.instance = InstanceId{json.at("service").as_string(), json.at("instance").as_string()};
  if (revision.id.empty() || revision.instance.service.empty() || revision.instance.instance.empty()) {
    return Error(ErrorCode::Invalid, "a revision has an id, a service and an instance");
  }
  revision.spec = TRY_CONTEXT(task_spec_from_json(json.at("spec")), "revision " + revision.id.str());
  return revision;
}

}  // namespace slipway::model
