#include "reconcile/front_doors.h"

#include <gmock/gmock.h>

namespace slipway::reconcile {
namespace {

using testing::ElementsAre;

model::InstanceId main_of(const std::string& service) {
  return {service, "main"};
}

model::Desired wanting(const std::vector<std::string>& services) {
  model::Desired desired;
  for (const std::string& service : services) {
    model::Instance instance;
    instance.id = main_of(service);
    instance.proxy.emplace().port = 18000;
    desired.instances.push_back(instance);
  }
  return desired;
}

model::Plan routing(const std::string& service, model::Traffic traffic) {
  model::Plan plan;
  plan.routes[main_of(service)] = {{model::TaskId(service + "-1"), {"10.0.0.1", 80}, traffic}};
  return plan;
}

// Of api, which the files want, and web, which had its port before.
std::vector<std::string> order(model::Desired desired, const model::Plan& plan) {
  model::Proxy door;
  door.port = 18000;
  const FrontDoors doors = {{main_of("api"), door}, {main_of("web"), door}};
  std::vector<std::string> services;
  for (const auto& instance : routed_instances(desired, doors, plan)) services.push_back(instance.id.service);
  return services;
}

TEST(RoutedInstances, WhatServesComesBeforeWhatIsNewThoughItsFilesAreBroken) {
  model::Desired desired = wanting({"api"});
  desired.broken = {"web"};
  EXPECT_THAT(order(desired, {}), ElementsAre("web", "api"));
}

TEST(RoutedInstances, WhatIsGoneFromTheFilesGivesUpItsPlaceWhenItTakesNoMoreRequests) {
  EXPECT_THAT(order(wanting({"api"}), routing("web", model::Traffic::In)), ElementsAre("web", "api"));
  EXPECT_THAT(order(wanting({"api"}), routing("web", model::Traffic::Drain)), ElementsAre("api", "web"));
}

TEST(RoutedInstances, OfTheWantedAllAreEqual) {
  EXPECT_THAT(order(wanting({"api", "web"}), routing("web", model::Traffic::In)), ElementsAre("api", "web"));
}

}  // namespace
}  // namespace slipway::reconcile
