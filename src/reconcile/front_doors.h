// How each instance is reached, as its files last said while they could be read.
//
// A service whose file is broken keeps the port and the domains that it had, also in a control plane that
// was started after the file broke; an instance that is no longer in the files keeps them while its tasks
// drain.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/json.h"
#include "discovery/haproxy.h"
#include "model/instance.h"
#include "model/plan.h"

namespace slipway::reconcile {

using FrontDoors = std::map<model::InstanceId, model::Proxy>;

// The instance of this id; null where the files have none.
const model::Instance* find_instance(const model::Desired& desired, const model::InstanceId& id);

// Whose front door is not the same in both.
std::set<model::InstanceId> differences(const FrontDoors& one, const FrontDoors& other);

// Those of the files, and of those that were known before, the ones that are still needed.
FrontDoors front_doors(const model::Desired& desired, const model::Plan& plan, FrontDoors known);

// What the load balancer is to have: each front door with the plan's routes behind it, perhaps none. Where
// two have the same port or domain, the first in this order is to keep it: what serves though the files do
// not tell of it (broken files, tasks that are not drained yet), then what the files want, then what is
// leaving.
std::vector<discovery::RoutedInstance> routed_instances(const model::Desired& desired,
                                                        const FrontDoors& doors, const model::Plan& plan);

Json to_json(const model::Proxy& proxy);
// nullopt where the text is none of ours.
std::optional<model::Proxy> proxy_from_json(const Json& json);

}  // namespace slipway::reconcile
