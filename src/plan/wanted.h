// What is wanted of one instance, once files, overrides and a shutdown have each had their say.
#pragma once

#include <string>
#include <vector>

#include "model/instance.h"
#include "model/observed.h"
#include "plan/planner.h"

namespace slipway::plan {

struct Wanted {
  model::InstanceId id;
  const model::Instance* instance = nullptr;  // of the files; null where they do not have it
  model::Revision revision;                   // valid where there is an instance
  model::RevisionId files_revision;           // what the files want; another than `revision` only while held
  int count = 0;             // tasks of `revision`; 0: everything goes, whatever its revision
  std::string none_why;      // why count is 0; empty where the files themselves say 0
  std::string frozen_why;    // not empty: change nothing, and this is why
  std::string held_why;      // not empty: `revision` is not the one of the files, and this is why
  bool skip_health = false;  // what runs counts as healthy
  std::vector<model::Override> overrides;  // in force, by kind

  bool frozen() const { return !frozen_why.empty(); }
  // In the load balancer, as far as the files tell.
  bool proxied() const { return instance != nullptr && instance->proxy.has_value(); }
};

// `instance` may be null: not in the files. `observed` are the instance's revisions; one whose spec is the
// wanted one gives the wanted revision its name, so that nothing that runs as wanted is ever renamed.
Wanted wanted_of(const Inputs& inputs, const model::InstanceId& id, const model::Instance* instance,
                 const std::vector<model::ObservedRevision>& observed);

// "stopped by ana: maintenance (until 2026-01-31T09:15:00.000Z)".
std::string describe(const model::Override& value);

}  // namespace slipway::plan
