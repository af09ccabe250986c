// A random life of a small cluster, lived by plan::Room and by its naive twin at once: nodes come, change and
// go, tasks are seen and vanish, others are placed. For the property test and the fuzzer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "plan/room.h"
#include "support/placement_twin.h"

namespace slipway::test {

class PlacementCase {
 public:
  explicit PlacementCase(Random& random) : random_(random) {
    const auto nodes = 1 + below(8);
    for (size_t i = 0; i < nodes; ++i) set_node();
    for (size_t i = 0; i < kRevisions; ++i) revisions_.push_back(revision(i));
  }

  // Returns what the two disagree about; empty while they agree.
  std::string run(int steps) {
    for (int step = 0; step < steps; ++step) {
      const std::string difference = act();
      if (!difference.empty()) return fmt::format("step {}: {}", step, difference);
    }
    return "";
  }

 private:
  static constexpr size_t kRevisions = 6;

  size_t below(uint64_t bound) { return static_cast<size_t>(random_.below(bound)); }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }
  template <class T>
  T any_of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

  std::string act() {
    const model::Revision& revision = revisions_[below(kRevisions)];
    switch (below(8)) {
      case 0:
        set_node();
        return "";
      case 1:
        if (chance(3)) remove_node();
        return "";
      case 2:
        occupy();
        return "";
      case 3:
        vacate();
        return "";
      case 4:
        return give_back();
      case 5:
        return place(revision);
      case 6:
        return place_many(revision, static_cast<int>(below(12)));
      default:
        return explain(revision);
    }
  }

  model::NodeId any_node() { return model::NodeId(fmt::format("n{}", below(10))); }

  void set_node() {
    model::Node node;
    node.id = any_node();
    node.ready = !chance(8);
    node.draining = chance(8);
    node.cpus = any_of<double>({0, 1, 2, 4, 4, 8});
    node.mem_mb = any_of<int64_t>({0, 512, 1000, 4096, 4096});
    node.disk_mb = any_of<int64_t>({0, 0, 3000, 8192});
    node.gpus = any_of<int64_t>({0, 0, 1, 3});
    if (chance(2)) node.attributes["zone"] = any_of<std::string>({"a", "b", "c", ""});
    if (chance(2)) node.attributes["rack"] = any_of<std::string>({"1", "2", "10", "-3", "x"});
    if (chance(3)) node.attributes["pool"] = any_of<std::string>({"big", "default", "big"});
    room_.set_node(node);
    twin_.set_node(node);
  }

  void remove_node() {
    const model::NodeId id = any_node();
    room_.remove_node(id);
    twin_.remove_node(id);
  }

  model::NodeSelector selector() {
    model::NodeSelector selector;
    selector.attribute = any_of<std::string>({"zone", "rack", "rack", "pool", "nowhere"});
    selector.op = any_of<model::SelectorOperator>(
        {model::SelectorOperator::In, model::SelectorOperator::NotIn, model::SelectorOperator::Exists,
         model::SelectorOperator::DoesNotExist, model::SelectorOperator::Gt, model::SelectorOperator::Lt});
    const auto values = below(3);
    for (size_t i = 0; i < values; ++i) {
      selector.values.push_back(any_of<std::string>({"a", "b", "", "1", "2", "10", "-1", "big"}));
    }
    return selector;
  }

  model::Placement placement() {
    model::Placement placement;
    if (chance(5)) placement.pool = "big";
    while (chance(3) && placement.selectors.size() < 3) placement.selectors.push_back(selector());
    if (chance(3)) placement.max_per_node = static_cast<int>(1 + below(2));
    if (chance(4)) placement.max_per["zone"] = static_cast<int>(below(4));
    if (chance(6)) placement.max_per["rack"] = static_cast<int>(1 + below(3));
    while (chance(4) && placement.apart_from.size() < 2) {
      placement.apart_from.push_back(
          {any_of<std::string>({"shop", "data"}), any_of<std::string>({"", "web", "db"})});
    }
    while (chance(2) && placement.spread.size() < 3) {
      placement.spread.push_back(any_of<std::string>({"zone", "rack", "pool", "nowhere"}));
    }
    if (chance(2)) placement.packing = model::Packing::Pack;
    return placement;
  }

  model::Revision revision(size_t number) {
    model::Revision revision;
    revision.id = model::RevisionId(fmt::format("r{}", number));
    revision.instance = any_of<model::InstanceId>({{"shop", "web"}, {"shop", "api"}, {"data", "db"}});
    model::TaskSpec& spec = revision.spec;
    spec.resources.cpus = any_of<double>({0, 0.1, 0.5, 1});
    spec.resources.mem_mb = any_of<int64_t>({0, 64, 300, 512, 5000});
    spec.resources.disk_mb = any_of<int64_t>({0, 100, 1024});
    spec.resources.gpus = any_of<int64_t>({0, 0, 0, 1});
    if (chance(5)) spec.net = model::NetMode::Host;
    if (chance(2)) spec.container_port = static_cast<int>(8000 + below(2));
    spec.placement = placement();
    return revision;
  }

  void occupy() {
    model::Task task;
    task.id = model::TaskId(fmt::format("t{}", below(30)));
    const model::Revision& revision = revisions_[below(kRevisions)];
    task.revision = revision.id;
    task.instance = revision.instance;
    if (!chance(8)) task.node = any_node();
    task.one_off = chance(6);
    task.state = any_of<model::TaskState>({model::TaskState::Running, model::TaskState::Pending,
                                           model::TaskState::Stopping, model::TaskState::Failed,
                                           model::TaskState::Exited, model::TaskState::Lost});
    if (chance(2)) task.next_start_at = Time();
    room_.occupy(task, revision);
    twin_.occupy(task, revision);
  }

  void vacate() {
    const model::TaskId id(fmt::format("t{}", below(30)));
    room_.vacate(id);
    twin_.vacate(id);
  }

  struct Placed {
    size_t revision;
    model::NodeId node;
  };

  void remember(const model::Revision& revision, const model::NodeId& node) {
    placed_.push_back(Placed{static_cast<size_t>(&revision - revisions_.data()), node});
  }

  std::string give_back() {
    if (placed_.empty()) return "";
    const auto at = placed_.begin() + static_cast<std::ptrdiff_t>(below(placed_.size()));
    room_.give_back(revisions_[at->revision], at->node);
    twin_.give_back(revisions_[at->revision], at->node);
    placed_.erase(at);
    return "";
  }

  static std::string name(const std::optional<model::NodeId>& node) { return node ? node->str() : "none"; }

  std::string place(const model::Revision& revision) {
    const auto mine = room_.place(revision);
    const auto theirs = twin_.place(revision);
    if (mine) remember(revision, *mine);
    if (mine == theirs) return "";
    return fmt::format("{} goes to {}, and to {} by the twin", revision.id.str(), name(mine), name(theirs));
  }

  std::string place_many(const model::Revision& revision, int tasks) {
    const auto nodes = room_.place_many(revision, tasks);
    for (size_t i = 0; i < static_cast<size_t>(tasks); ++i) {
      const auto theirs = twin_.place(revision);
      const auto mine = i < nodes.size() ? std::optional(room_.node_id(nodes[i])) : std::nullopt;
      if (mine) remember(revision, *mine);
      if (mine != theirs) {
        return fmt::format("{} of {}: task {} goes to {}, and to {} by the twin", tasks, revision.id.str(), i,
                           name(mine), name(theirs));
      }
    }
    return "";
  }

  static PlacementTwin::Counts counts(const plan::Explanation& explanation) {
    PlacementTwin::Counts counts;
    for (const plan::Exclusion& exclusion : explanation.exclusions) {
      counts.emplace_back(exclusion.filter, exclusion.nodes);
    }
    return counts;
  }

  std::string explain(const model::Revision& revision) const {
    const plan::Explanation now = room_.explain(revision);
    if (counts(now) != twin_.exclusions(revision)) return "other nodes are excluded: " + now.text();
    std::vector<model::NodeId> best = twin_.ranked(revision);
    if (static_cast<size_t>(now.fitting) != best.size()) return "other nodes fit: " + now.text();
    best.resize(now.best.size());
    for (size_t i = 0; i < best.size(); ++i) {
      if (now.best[i].node != best[i]) return "other nodes are best: " + now.text();
    }
    const plan::Explanation ever = room_.explain_ever(revision);
    if (counts(ever) != twin_.exclusions_ever(revision)) return "others could never: " + ever.text();
    return "";
  }

  Random& random_;
  plan::Room room_;
  PlacementTwin twin_;
  std::vector<model::Revision> revisions_;
  std::vector<Placed> placed_;
};

}  // namespace slipway::test
