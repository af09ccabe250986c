// The rule about places, judged by the nodes and tasks of the world, without any of the code that places.
#include <algorithm>

#include "engine/fake/world.h"
#include "model/placement_check.h"
#include "sim/referee.h"

namespace slipway::sim {

namespace {

using engine::fake::NodeOptions;
using engine::fake::World;

struct Seat {
  const model::Task* task = nullptr;
  const model::Revision* revision = nullptr;
  const NodeOptions* node = nullptr;
};

std::string value_of(const NodeOptions& node, const std::string& attribute) {
  const auto value = node.attributes.find(attribute);
  return value == node.attributes.end() ? "" : value->second;
}

bool holds(const model::NodeSelector& selector, const NodeOptions& node) {
  const bool has = node.attributes.contains(selector.attribute);
  const std::string value = value_of(node, selector.attribute);
  const bool listed = std::ranges::find(selector.values, value) != selector.values.end();
  switch (selector.op) {
    case model::SelectorOperator::In:
      return has && listed;
    case model::SelectorOperator::NotIn:
      return !has || !listed;
    case model::SelectorOperator::Exists:
      return has;
    case model::SelectorOperator::DoesNotExist:
      return !has;
    case model::SelectorOperator::Gt:
      return model::whole_number(value) > model::whole_number(selector.values.front());
    case model::SelectorOperator::Lt:
      return has && model::whole_number(value) < model::whole_number(selector.values.front());
  }
  return false;
}

// Those that take room: on a node, and neither lost nor ended for good.
std::vector<Seat> seats_in(const World& world) {
  std::map<model::NodeId, const NodeOptions*> nodes;
  for (const NodeOptions& node : world.options().nodes) nodes[model::NodeId(node.id)] = &node;
  std::vector<Seat> seats;
  world.each_task([&](const model::Task& task, const model::Revision& revision) {
    const auto node = nodes.find(task.node);
    const bool ended = task.state == model::TaskState::Exited || task.state == model::TaskState::Failed;
    const bool gone = task.state == model::TaskState::Lost || (ended && !task.next_start_at);
    if (!task.one_off && !gone && node != nodes.end()) seats.push_back({&task, &revision, node->second});
  });
  return seats;
}

// 9. When a task is first seen on a node, the node has what its selectors ask for, no more tasks of its
// revision are there and where an attribute has the same value than its limits allow, and none that it is to
// be apart from was there before it. No node ever carries more than it has.
class WhereRulesAllow final : public Invariant {
 public:
  WhereRulesAllow() : Invariant(9, "tasks are only where their rules and the nodes allow") {}

  void looked(const World& world) override {
    const std::vector<Seat> seats = seats_in(world);
    std::map<const NodeOptions*, double> cpus;
    std::set<model::TaskId> now;
    for (const Seat& seat : seats) {
      cpus[seat.node] += seat.revision->spec.resources.cpus;
      now.insert(seat.task->id);
      if (!seen_.contains(seat.task->id)) judge(seat, seats);
    }
    for (const auto& [node, used] : cpus)
      expect(used <= node->cpus + 1e-6, "node {} has {} cpus and carries {}", node->id, node->cpus, used);
    seen_ = std::move(now);
  }

 private:
  void judge(const Seat& seat, const std::vector<Seat>& seats) {
    const model::Placement& rules = seat.revision->spec.placement;
    for (const model::NodeSelector& selector : rules.selectors) {
      expect(holds(selector, *seat.node), "{} is on {} against {}", seat.task->id.str(), seat.node->id,
             selector.text());
    }
    const auto same = [&](auto&& with) {
      return std::ranges::count_if(
          seats, [&](const Seat& other) { return other.revision->id == seat.revision->id && with(other); });
    };
    const auto here = same([&](const Seat& other) { return other.node == seat.node; });
    expect(rules.max_per_node == 0 || here <= rules.max_per_node, "{} of {} are on {}, and {} may be", here,
           seat.revision->id.str(), seat.node->id, rules.max_per_node);
    for (const auto& [attribute, most] : rules.max_per) {
      const auto there = same([&](const Seat& other) {
        return value_of(*other.node, attribute) == value_of(*seat.node, attribute);
      });
      expect(there <= most, "{} of {} are where {} is {}, and {} may be", there, seat.revision->id.str(),
             attribute, value_of(*seat.node, attribute), most);
    }
    for (const model::ApartFrom& rule : rules.apart_from) {
      const bool beside = std::ranges::any_of(seats, [&](const Seat& other) {
        const model::InstanceId& id = other.task->instance;
        const bool meant =
            id.service == rule.service && (rule.instance.empty() || id.instance == rule.instance);
        return meant && id != seat.task->instance && other.node == seat.node &&
               seen_.contains(other.task->id);
      });
      expect(!beside, "{} is on {} beside {}", seat.task->id.str(), seat.node->id, rule.text());
    }
  }

  std::set<model::TaskId> seen_;
};

}  // namespace

std::unique_ptr<Invariant> placement_invariant() {
  return std::make_unique<WhereRulesAllow>();
}

}  // namespace slipway::sim
