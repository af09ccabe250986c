#include "reconcile/front_doors.h"

#include <algorithm>

namespace slipway::reconcile {

const model::Instance* find_instance(const model::Desired& desired, const model::InstanceId& id) {
  const auto it =
      std::lower_bound(desired.instances.begin(), desired.instances.end(), id,
                       [](const model::Instance& a, const model::InstanceId& b) { return a.id < b; });
  return it != desired.instances.end() && it->id == id ? &*it : nullptr;
}

std::set<model::InstanceId> differences(const FrontDoors& one, const FrontDoors& other) {
  std::set<model::InstanceId> found;
  const auto compare = [&](const FrontDoors& some, const FrontDoors& others) {
    for (const auto& [id, door] : some) {
      const auto it = others.find(id);
      if (it == others.end() || it->second != door) found.insert(id);
    }
  };
  compare(one, other);
  compare(other, one);
  return found;
}

FrontDoors front_doors(const model::Desired& desired, const model::Plan& plan, FrontDoors known) {
  std::erase_if(known, [&](const auto& door) {
    const model::InstanceId& id = door.first;
    if (find_instance(desired, id) != nullptr) return true;
    const bool broken = std::ranges::binary_search(desired.broken, id.service);
    return !broken && !plan.routes.contains(id);
  });
  for (const auto& [id, routes] : plan.routes) {
    const model::Instance* instance = find_instance(desired, id);
    if (instance != nullptr && instance->proxy) known[id] = *instance->proxy;
  }
  return known;
}

namespace {

enum class Rank { Serves, Wanted, Leaves };

// The files were compiled so that no two of theirs want the same; what they do not tell of serves already,
// and gives up its place only when it takes no more requests.
Rank rank_of(const model::Desired& desired, const discovery::RoutedInstance& instance) {
  if (find_instance(desired, instance.id) != nullptr) return Rank::Wanted;
  if (std::ranges::binary_search(desired.broken, instance.id.service)) return Rank::Serves;
  const bool serves = std::ranges::any_of(
      instance.routes, [](const model::Route& route) { return route.traffic == model::Traffic::In; });
  return serves ? Rank::Serves : Rank::Leaves;
}

}  // namespace

std::vector<discovery::RoutedInstance> routed_instances(const model::Desired& desired,
                                                        const FrontDoors& doors, const model::Plan& plan) {
  std::vector<discovery::RoutedInstance> routed;
  for (const auto& [id, proxy] : doors) {
    const auto routes = plan.routes.find(id);
    routed.push_back({id, proxy, routes != plan.routes.end() ? routes->second : std::vector<model::Route>()});
  }
  std::ranges::stable_sort(routed, {}, [&](const auto& instance) { return rank_of(desired, instance); });
  return routed;
}

Json to_json(const model::Proxy& proxy) {
  Json json;
  json["port"] = proxy.port ? Json(*proxy.port) : Json();
  json["mode"] = model::to_text(proxy.mode);
  json["domains"] = Json::Array(proxy.domains.begin(), proxy.domains.end());
  return json;
}

std::optional<model::Proxy> proxy_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  model::Proxy proxy;
  if (json.at("port").is_int()) proxy.port = static_cast<int>(json.at("port").as_int());
  for (const model::ProxyMode mode : {model::ProxyMode::Http, model::ProxyMode::Tcp}) {
    if (json.at("mode").as_string() == model::to_text(mode)) proxy.mode = mode;
  }
  for (const Json& domain : json.at("domains").as_array()) proxy.domains.push_back(domain.as_string());
  return proxy;
}

}  // namespace slipway::reconcile
