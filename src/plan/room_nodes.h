// The nodes of a Room (room.h) as tables of numbers, and what is left on each.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/observed.h"
#include "plan/room_classes.h"

namespace slipway::plan {

// A node by its place in the tables; a node that comes back has the number that it had.
using NodeNumber = uint32_t;

// What tasks use up. Whole numbers: thousandths of a core, MB, pieces.
enum Resource : uint8_t { kCpu, kMemory, kDisk, kGpus };
constexpr size_t kResources = 4;

// No node has more of anything (a million cores, a petabyte of memory); what says more counts as so much.
constexpr int32_t kMostOfANode = 1 << 30;
// Of a node that does not say how much it has: any amount fits, for ever.
constexpr int32_t kUntold = INT32_MAX;
// A whole node, for shares: the unit that fractions of different resources have in common.
constexpr int64_t kWhole = int64_t{1} << 40;

// What one task of a revision takes.
struct Demand {
  std::array<int32_t, kResources> amount{};  // at most kMostOfANode + 1, which fits nowhere that is told
  int host_port = 0;                         // a port of the node itself; 0: none
  bool operator==(const Demand&) const = default;
};
Demand demand_of(const model::TaskSpec& spec);

// What is left of one node.
struct Left {
  std::array<int32_t, kResources> free{};    // never below 0, also where more is used than there is
  std::array<int64_t, kResources> weight{};  // kWhole / capacity; 0 where there is none or it is not told

  // Written out, as the next one: a compiler at -O2 leaves loops of four as they are, at half the speed.
  bool fits(const Demand& demand) const {
    const auto& need = demand.amount;
    return need[kCpu] <= free[kCpu] && need[kMemory] <= free[kMemory] && need[kDisk] <= free[kDisk] &&
           need[kGpus] <= free[kGpus];
  }
  // What would be left of the resource after one more such task, as a part of kWhole.
  int64_t spare_of(Resource resource, const Demand& demand) const {
    const int64_t spare = int64_t{free[resource] - demand.amount[resource]} * weight[resource];
    return weight[resource] != 0 ? spare : kWhole;
  }
  // The same of the resource that is then scarcest.
  int64_t spare_after(const Demand& demand) const {
    return std::min(std::min(spare_of(kCpu, demand), spare_of(kMemory, demand)),
                    std::min(spare_of(kDisk, demand), spare_of(kGpus, demand)));
  }
};

class NodeTable {
 public:
  // What the inner loop of a placement reads of a node, in one cache line: it reads all of it or only the
  // first few bytes, so arrays of their own would cost more.
  struct alignas(64) Entry {
    ClassNumber cls = 0;
    uint32_t rank = 0;  // 0 is the node whose id comes first
    bool open = false;  // known, ready and not draining
    Left left;
  };

  // Adds the node, or replaces what is known of it; what runs there stays. Returns its number.
  NodeNumber set(const model::Node& node);
  // The number of a node of which nothing is known yet but its name.
  NodeNumber name(const model::NodeId& id);
  // The node is there no more; it keeps its number, and what was taken there.
  void remove(const model::NodeId& id);

  void take(NodeNumber node, const Demand& demand) { change(node, demand, 1); }
  void give_back(NodeNumber node, const Demand& demand) { change(node, demand, -1); }

  size_t size() const { return ids_.size(); }
  const model::NodeId& id(NodeNumber node) const { return ids_[node]; }
  bool known(NodeNumber node) const { return state_[node].known; }
  bool ready(NodeNumber node) const { return state_[node].ready; }
  bool draining(NodeNumber node) const { return state_[node].draining; }
  ClassNumber class_of(NodeNumber node) const { return entries_[node].cls; }
  uint32_t rank(NodeNumber node) const { return entries_[node].rank; }
  const Left& left(NodeNumber node) const { return entries_[node].left; }
  const Entry* entries() const { return entries_.data(); }
  int32_t capacity(NodeNumber node, Resource resource) const { return capacity_[node][resource]; }
  const std::vector<NodeNumber>& by_id() const { return by_id_; }
  const NodeClasses& classes() const { return classes_; }

 private:
  struct State {
    bool known = false;
    bool ready = false;
    bool draining = false;
  };
  using Amounts = std::array<int32_t, kResources>;
  using Sums = std::array<int64_t, kResources>;

  void change(NodeNumber node, const Demand& demand, int tasks);
  void set_state(NodeNumber node, State state);
  void recount(NodeNumber node, size_t resource);

  NodeClasses classes_;
  std::unordered_map<model::NodeId, NodeNumber> numbers_;
  std::vector<NodeNumber> by_id_;

  // One entry a node.
  std::vector<model::NodeId> ids_;
  std::vector<State> state_;
  std::vector<Entry> entries_;
  std::vector<Amounts> capacity_;  // kUntold where the node does not say
  std::vector<Sums> used_;
};

}  // namespace slipway::plan
