#include "sim/scenario.h"

#include <algorithm>

#include "base/check.h"
#include "engine/fake/behaviour.h"

namespace slipway::sim {

using model::BounceMethod;
using model::DrainMethod;
using model::OverrideKind;

namespace {
constexpr BounceMethod kMethods[] = {BounceMethod::Crossover, BounceMethod::Crossover, BounceMethod::Brutal,
                                     BounceMethod::UpThenDown, BounceMethod::DownThenUp};
constexpr double kMargins[] = {1, 1, 0.9, 0.75, 0.66, 0.5, 0.34, 0.1};
constexpr OverrideKind kOverrides[] = {OverrideKind::Stop,  OverrideKind::Scale,   OverrideKind::Scale,
                                       OverrideKind::Pause, OverrideKind::Restart, OverrideKind::SkipHealth};
}  // namespace

// What may happen to files and overrides, and how often one against the other.
struct ChangeTable {
  const char* name;
  uint64_t weight;
  void (Scenario::*make)(state::Store& store);

  static const std::vector<ChangeTable>& all() {
    static const std::vector<ChangeTable> table = {
        {"a good version", 6, &Scenario::good_version}, {"some version", 5, &Scenario::some_version},
        {"another count", 4, &Scenario::scale},         {"other settings", 3, &Scenario::settings},
        {"stop or start", 1, &Scenario::stop_or_start}, {"remove or add", 1, &Scenario::remove_or_add},
        {"break or mend", 2, &Scenario::break_or_mend}, {"override", 3, &Scenario::override_one},
        {"freeze or thaw", 1, &Scenario::freeze},       {"lift an override", 2, &Scenario::lift},
        {"other rules", 1, &Scenario::other_rules},     {"a node's drain", 2, &Scenario::drain_or_undrain},
    };
    return table;
  }
};

std::vector<std::string> Scenario::change_names() {
  std::vector<std::string> names;
  for (const ChangeTable& change : ChangeTable::all()) names.emplace_back(change.name);
  return names;
}

Scenario::Scenario(uint64_t seed, Parts parts)
    : random_(seed ^ 0xd1b54a32d192ed03),
      clock_(parts.clock),
      timeline_(parts.timeline),
      engine_(parts.engine),
      grounds_(parts.grounds),
      changes_(ChangeTable::all().size()) {
  constexpr const char* kNames[][2] = {
      {"mail", "worker"}, {"shop", "main"}, {"shop", "worker"}, {"tools", "main"}};
  const size_t first = random_.below(4);
  for (size_t i = first; i < 4; ++i)
    instances_.push_back(draw_instance(kNames[i][0], kNames[i][1], 8000 + static_cast<int>(i)));
}

model::Instance Scenario::draw_instance(const std::string& service, const std::string& name, int port) {
  model::Instance instance;
  instance.id = {service, name};
  instance.count = static_cast<int>(chance(6) ? 1 + random_.below(10) : 1 + random_.below(5));
  instance.spec.container_port = 80;
  instance.spec.stop_grace = seconds(1, 10);
  instance.spec.max_launch_delay = seconds(5, 30);
  if (!chance(3)) {
    // One time in ten it wants the port of another, and is refused.
    instance.proxy =
        model::Proxy{.port = chance(10) ? 8001 : port, .mode = model::ProxyMode::Http, .domains = {}};
  }
  draw_bounce(instance.bounce);
  draw_drain(instance);
  draw_health(instance.spec);
  draw_placement(instance.id, instance.spec);
  new_version(instance, "good");
  return instance;
}

void Scenario::draw_bounce(model::Bounce& bounce) {
  bounce.method = kMethods[random_.below(std::size(kMethods))];
  bounce.margin = kMargins[random_.below(std::size(kMargins))];
  bounce.min_task_uptime = chance(2) ? 0s : seconds(1, 15);
  bounce.deadline = seconds(30, 180);
  bounce.canary = chance(3) ? static_cast<int>(1 + random_.below(3)) : 0;
  bounce.canary_time = seconds(5, 60);
  bounce.auto_rollback = chance(3);
}

void Scenario::draw_drain(model::Instance& instance) {
  instance.drain.method = instance.proxy && !chance(5) ? DrainMethod::Proxy : DrainMethod::Noop;
  if (chance(4)) instance.drain.method = chance(2) ? DrainMethod::Http : DrainMethod::Command;
  instance.drain.timeout = seconds(2, 30);
  instance.drain.params.clear();
  if (instance.drain.method != DrainMethod::Http && instance.drain.method != DrainMethod::Command) return;
  instance.drain.params = {{"drain", "/drain"}, {"undrain", "/undrain"}};
  if (!chance(4)) instance.drain.params["safe"] = "/drained";
}

// Each rule one time in some, so that most seeds have one, and some an impossible set.
void Scenario::draw_placement(const model::InstanceId& id, model::TaskSpec& spec) {
  using model::SelectorOperator;
  static const model::NodeSelector kSelectors[] = {{"zone", SelectorOperator::In, {"a"}},
                                                   {"zone", SelectorOperator::NotIn, {"b"}},
                                                   {"disk", SelectorOperator::Exists, {}},
                                                   {"gpu", SelectorOperator::DoesNotExist, {}},
                                                   {"generation", SelectorOperator::Gt, {"3"}}};
  spec.placement = {};
  if (!grounds_.placed) return;
  spec.resources.cpus = 1;
  model::Placement& placement = spec.placement;
  if (chance(4)) placement.selectors = {kSelectors[random_.below(std::size(kSelectors))]};
  if (chance(5)) placement.max_per_node = static_cast<int>(1 + random_.below(2));
  if (chance(6)) placement.max_per["zone"] = static_cast<int>(1 + random_.below(3));
  if (chance(6) && id.service != "mail") placement.apart_from = {{"mail", ""}};
  if (chance(2)) placement.spread = {"zone"};
  if (chance(4)) placement.packing = model::Packing::Pack;
}

void Scenario::draw_health(model::TaskSpec& spec) {
  if (chance(5)) {
    spec.health = {};
    return;
  }
  spec.health.mode = model::HealthMode::Http;
  spec.health.interval = seconds(3, 10);
  spec.health.grace_period = seconds(5, 40);
  spec.health.max_consecutive_failures = static_cast<int>(1 + random_.below(3));
}

void Scenario::new_version(model::Instance& instance, std::string_view behaviour) {
  instance.spec.env["VERSION"] = std::to_string(++version_);
  instance.spec.env["BEHAVIOUR"] = behaviour;
  if (chance(3))
    instance.spec.image = {model::ImageKind::Build, instance.id.service, std::to_string(version_)};
}

model::Desired Scenario::desired() const {
  model::Desired desired;
  desired.broken.assign(broken_.begin(), broken_.end());
  for (const model::Instance& instance : instances_) {
    if (!removed_.contains(instance.id) && !broken_.contains(instance.id.service))
      desired.instances.push_back(instance);
  }
  return desired;
}

void Scenario::change(state::Store& store) {
  uint64_t sum = 0;
  for (const ChangeTable& change : ChangeTable::all()) sum += change.weight;
  uint64_t pick = random_.below(sum);
  for (size_t i = 0; i < changes_.size(); ++i) {
    const ChangeTable& change = ChangeTable::all()[i];
    if (pick < change.weight) {
      ++changes_[i];
      timeline_.note(0, "change", "{}", change.name);
      return (this->*change.make)(store);
    }
    pick -= change.weight;
  }
}

void Scenario::mend(state::Store& store) {
  broken_.clear();
  removed_.clear();
  for (model::Instance& instance : instances_) {
    new_version(instance, "good");
    // What starts too slowly for its deadline would be rolled back, and rightly.
    instance.bounce.auto_rollback = false;
    // These may be impossible to keep; the others are possible on the spare nodes.
    model::Placement& placement = instance.spec.placement;
    placement.max_per_node = 0;
    placement.max_per.clear();
    placement.apart_from.clear();
  }
  const std::set<model::NodeId> drained = drained_;
  for (const model::NodeId& node : drained) {
    if (grounds_.placed && chance(2)) continue;  // the spare nodes can take what is on it
    while (!set_draining(store, node, false)) {
    }
  }
  const auto overrides = store.overrides();
  CHECK(overrides.has_value());
  for (const model::Override& value : *overrides) {
    const bool lasts =
        !value.expires_at && (value.kind == OverrideKind::Stop || value.kind == OverrideKind::Scale ||
                              value.kind == OverrideKind::Restart);
    if (!lasts) CHECK(store.remove_override(value.instance, value.kind).has_value());
  }
}

void Scenario::good_version(state::Store&) {
  new_version(any(), "good");
}

void Scenario::some_version(state::Store&) {
  const auto& all = engine::fake::kBehaviours;
  const auto behaviour = all[random_.below(std::size(all))];
  model::Instance& instance = any();
  new_version(instance, to_text(behaviour));
  timeline_.note(0, "change", "{} is {} now", instance.id.text(), to_text(behaviour));
}

void Scenario::scale(state::Store&) {
  any().count = static_cast<int>(random_.below(7));
}

void Scenario::settings(state::Store&) {
  model::Instance& instance = any();
  if (chance(2)) draw_bounce(instance.bounce);
  if (chance(2)) draw_drain(instance);
  if (chance(4)) draw_health(instance.spec);
}

void Scenario::stop_or_start(state::Store&) {
  model::Instance& instance = any();
  instance.desired_state = instance.desired_state == "stop" ? "start" : "stop";
}

void Scenario::remove_or_add(state::Store&) {
  const model::InstanceId id = any().id;
  if (removed_.erase(id) == 0) removed_.insert(id);
}

void Scenario::break_or_mend(state::Store&) {
  const std::string service = any().id.service;
  if (broken_.erase(service) == 0) broken_.insert(service);
}

void Scenario::put(state::Store& store, model::Override value) {
  value.owner = "ana";
  value.created_at = clock_.now();
  // A full disk refuses it, which the user is told.
  if (store.put_override(value).has_value())
    timeline_.note(0, "change", "{} {} {}", value.instance.text(), to_text(value.kind), value.count);
}

void Scenario::override_one(state::Store& store) {
  model::Override value;
  value.instance = any().id;
  value.kind = kOverrides[random_.below(std::size(kOverrides))];
  value.count = static_cast<int>(random_.below(7));
  value.nonce = std::to_string(++version_);
  if (value.kind != OverrideKind::Restart && !chance(4)) value.expires_at = clock_.now() + seconds(5, 120);
  put(store, value);
}

void Scenario::freeze(state::Store& store) {
  model::Override value;
  value.kind = OverrideKind::Freeze;
  value.expires_at = clock_.now() + seconds(5, 120);
  put(store, value);
}

void Scenario::lift(state::Store& store) {
  const model::InstanceId id = any().id;
  for (const OverrideKind kind : kOverrides) {
    if (!store.remove_override(id, kind).has_value()) return;
  }
}

void Scenario::other_rules(state::Store&) {
  model::Instance& instance = any();
  draw_placement(instance.id, instance.spec);
}

void Scenario::drain_or_undrain(state::Store& store) {
  const auto& nodes = grounds_.options.nodes;
  const engine::fake::NodeOptions& node = nodes[random_.below(nodes.size())];
  if (is_spare(node)) return;
  const model::NodeId id(node.id);
  set_draining(store, id, !drained_.contains(id));
}

// As Loop does it. False where the engine refuses, which the user is told.
bool Scenario::set_draining(state::Store& store, const model::NodeId& node, bool draining) {
  const auto generation = store.next_generation(0);
  if (!generation.has_value()) return false;
  const Deadline deadline = clock_.deadline_in(Duration(30s));
  const Status done =
      draining ? engine_.drain(node, *generation, deadline) : engine_.undrain(node, *generation, deadline);
  timeline_.note(0, "change", "{} is {}drained{}", node.str(), draining ? "" : "un",
                 done.has_value() ? "" : ": " + done.error().text());
  if (!done.has_value()) return false;
  if (draining) {
    drained_.insert(node);
  } else {
    drained_.erase(node);
  }
  return true;
}

}  // namespace slipway::sim
