#include "plan/growth.h"

#include <fmt/format.h>

#include "base/text.h"
#include "plan/view.h"

namespace slipway::plan {
namespace {

constexpr Duration kRestBetweenMoves = 5min;

// Tasks have to leave nodes that are being drained, and there is no other.
bool nowhere_to_go(const Round& round) {
  const auto& nodes = round.in.observed.nodes;
  return !nodes.empty() && std::none_of(nodes.begin(), nodes.end(),
                                        [](const model::Node& node) { return node.ready && !node.draining; });
}

// "no node takes tasks: 2 are being drained (a, b), 1 is not ready (c)".
std::string closed_text(const std::vector<model::Node>& nodes) {
  constexpr size_t kNamed = 3;
  std::vector<std::string> clauses;
  const auto count = [&](bool ready, std::string_view what) {
    std::vector<std::string> names;
    for (const model::Node& node : nodes) {
      if (node.ready == ready) names.push_back(node.id.str());
    }
    if (names.empty()) return;
    const size_t all = names.size();
    if (all > kNamed) {
      names.resize(kNamed);
      names.emplace_back("...");
    }
    clauses.push_back(fmt::format("{} {} {} ({})", all, all == 1 ? "is" : "are", what, join(names, ", ")));
  };
  count(true, "being drained");
  count(false, "not ready");
  return "no node takes tasks: " + join(clauses, ", ");
}

bool is_steady(const Round& round) {
  const RevisionView* view = round.current();
  return view != nullptr && !round.memory.bounce && round.memory.drains.empty() && !round.memory.moving &&
         view->count == round.wanted.count && view->happy() == round.wanted.count && round.old_left() == 0;
}

std::string value_of(const Round& round, const model::NodeId& id, const std::string& attribute) {
  const model::Node* node = find_node(round, id);
  if (node == nullptr) return "";
  const auto value = node->attributes.find(attribute);
  return value == node->attributes.end() ? "" : value->second;
}

// Tasks by node, or by the value of the first attribute that they are spread over.
struct Crowd {
  std::map<model::NodeId, int> by_node;
  std::map<std::string, int> by_value;
};

Crowd crowd_of(const Round& round, const RevisionView& view, const std::string& attribute) {
  Crowd crowd;
  for (const TaskView& task : view.tasks) {
    ++crowd.by_node[task.task->node];
    if (!attribute.empty()) ++crowd.by_value[value_of(round, task.task->node, attribute)];
  }
  return crowd;
}

}  // namespace

int with_room(Round& round, int more) {
  round.hangs_on_all = true;
  if (nowhere_to_go(round)) {
    round.no_room = closed_text(round.in.observed.nodes);
    return 0;
  }
  if (!round.room.is_limited()) return more;
  Room& room = round.room.get();
  const auto granted = static_cast<int>(room.place_many(round.wanted.revision, more).size());
  if (granted < more) {
    round.no_room = fmt::format("{} of {} more fit{}; {}", granted, more, granted == 1 ? "s" : "",
                                room.explain(round.wanted.revision).text());
  }
  return granted;
}

void balance(Round& round, int& moves_left) {
  InstanceMemory& memory = round.memory;
  if (round.in.rebalance <= 0 || !round.room.is_limited() || !is_steady(round)) return;
  if (memory.moved_at && *memory.moved_at + kRestBetweenMoves > round.in.now)
    return round.wake(*memory.moved_at + kRestBetweenMoves);
  const RevisionView& view = *round.current();
  const auto& spread = round.wanted.revision.spec.placement.spread;
  const std::string attribute = spread.empty() ? "" : spread.front();
  const Crowd crowd = crowd_of(round, view, attribute);
  const bool may_gain = static_cast<int>(crowd.by_node.size()) < view.count || !attribute.empty();
  if (!may_gain) return;
  round.hangs_on_all = true;
  if (moves_left <= 0) return;

  Room& room = round.room.get();
  const auto better = room.place(round.wanted.revision);
  if (!better) return;
  room.give_back(round.wanted.revision, *better);
  const auto there = crowd.by_node.find(*better);
  const int on_better = there == crowd.by_node.end() ? 0 : there->second;
  const auto value = crowd.by_value.find(value_of(round, *better, attribute));
  const int of_value = value == crowd.by_value.end() ? 0 : value->second;
  for (auto last = view.tasks.rbegin(); last != view.tasks.rend(); ++last) {
    const model::NodeId& node = last->task->node;
    const std::string own = value_of(round, node, attribute);
    const bool evens_values = !attribute.empty() && crowd.by_value.at(own) >= of_value + 2;
    const bool same_value = attribute.empty() || own == value_of(round, *better, attribute);
    if (!evens_values && !(same_value && crowd.by_node.at(node) >= on_better + 2)) continue;
    --moves_left;
    memory.moving = last->task->id;
    memory.moved_at = round.in.now;
    round.say("moving", fmt::format("{} from {}, which has more of them than {}", last->task->id.str(),
                                    node.str(), better->str()));
    return;
  }
}

}  // namespace slipway::plan
