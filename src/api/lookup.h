// Finding what a caller named in a snapshot; what is not there is NotFound, with the name that was perhaps
// meant.
#pragma once

#include <string>

#include "base/result.h"
#include "reconcile/control.h"

namespace slipway::api {

// The service exists and, where `instance` is not empty, has that instance.
Status check_known(const reconcile::Snapshot& snapshot, const std::string& service,
                   const std::string& instance);

// The engine has this node.
Status check_node(const reconcile::Snapshot& snapshot, const std::string& node);

// Null when nothing is known of it yet beyond the files.
const model::InstanceStatus* find_status(const reconcile::Snapshot& snapshot, const model::InstanceId& id);

// The one task of this id or of an id that begins so, one-off tasks included. NotFound, or Invalid when
// several do.
Result<const model::Task*> find_task(const reconcile::Snapshot& snapshot, const std::string& name);

}  // namespace slipway::api
