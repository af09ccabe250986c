// The nodes of a Room (room.h) as columns of numbers, and what is left on each.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/observed.h"
#include "plan/room_classes.h"

namespace slipway::plan {

// A node by its place in the columns; a node that comes back has the number that it had.
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

// What is left of one node, in the form that the inner loop of a placement reads: one cache line.
struct Left {
  std::array<int32_t, kResources> free{};    // never below 0, also where more is used than there is
  std::array<int64_t, kResources> weight{};  // kWhole / capacity; 0 where there is none or it is not told

  bool fits(const Demand& demand) const {
    bool all = true;
    for (size_t i = 0; i < kResources; ++i) all &= demand.amount[i] <= free[i];
    return all;
  }
  // What would be left, after one more such task, of the resource that is then scarcest, as a part of kWhole.
  int64_t spare_after(const Demand& demand) const {
    int64_t least = kWhole;
    for (size_t i = 0; i < kResources; ++i) {
      const int64_t spare = int64_t{free[i] - demand.amount[i]} * weight[i];
      least = weight[i] != 0 && spare < least ? spare : least;
    }
    return least;
  }
};

class NodeTable {
 public:
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
  // Known, ready and not draining.
  bool open(NodeNumber node) const { return open_[node] != 0; }
  ClassNumber class_of(NodeNumber node) const { return class_[node]; }
  // 0 is the node whose id comes first.
  uint32_t rank(NodeNumber node) const { return rank_[node]; }
  const Left& left(NodeNumber node) const { return left_[node]; }
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
  std::vector<uint32_t> rank_;
  std::vector<State> state_;
  std::vector<char> open_;
  std::vector<ClassNumber> class_;
  std::vector<Left> left_;
  std::vector<Amounts> capacity_;  // kUntold where the node does not say
  std::vector<Sums> used_;
};

}  // namespace slipway::plan
