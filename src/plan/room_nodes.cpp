#include "plan/room_nodes.h"

#include <algorithm>
#include <cmath>

namespace slipway::plan {
namespace {

int32_t clamped(int64_t amount, int32_t most) {
  return static_cast<int32_t>(std::clamp(amount, int64_t{0}, int64_t{most}));
}

int64_t thousandths(double cores) {
  if (!(cores > 0)) return 0;  // also of what is no number
  return std::llround(std::min(cores, double{kMostOfANode}) * 1000);
}

}  // namespace

Demand demand_of(const model::TaskSpec& spec) {
  constexpr int32_t kTooMuch = kMostOfANode + 1;
  const model::Resources& wanted = spec.resources;
  Demand demand;
  demand.amount[kCpu] = clamped(thousandths(wanted.cpus), kTooMuch);
  demand.amount[kMemory] = clamped(wanted.mem_mb, kTooMuch);
  demand.amount[kDisk] = clamped(wanted.disk_mb, kTooMuch);
  demand.amount[kGpus] = clamped(wanted.gpus, kTooMuch);
  if (spec.net == model::NetMode::Host) demand.host_port = spec.container_port.value_or(0);
  return demand;
}

NodeNumber NodeTable::name(const model::NodeId& id) {
  const auto [it, is_new] = numbers_.try_emplace(id, static_cast<NodeNumber>(ids_.size()));
  if (!is_new) return it->second;
  const NodeNumber node = it->second;
  ids_.push_back(id);
  state_.emplace_back();
  entries_.emplace_back().cls = classes_.class_of({});
  capacity_.emplace_back();
  used_.emplace_back();
  const auto at =
      std::lower_bound(by_id_.begin(), by_id_.end(), id,
                       [&](NodeNumber other, const model::NodeId& key) { return ids_[other] < key; });
  for (auto moved = by_id_.insert(at, node); moved != by_id_.end(); ++moved) {
    entries_[*moved].rank = static_cast<uint32_t>(moved - by_id_.begin());
  }
  return node;
}

NodeNumber NodeTable::set(const model::Node& node) {
  const NodeNumber number = name(node.id);
  entries_[number].cls = classes_.class_of(node.attributes);
  set_state(number, State{true, node.ready, node.draining});
  Amounts& capacity = capacity_[number];
  capacity[kCpu] = clamped(thousandths(node.cpus), kMostOfANode);
  capacity[kMemory] = clamped(node.mem_mb, kMostOfANode);
  capacity[kDisk] = node.disk_mb > 0 ? clamped(node.disk_mb, kMostOfANode) : kUntold;
  capacity[kGpus] = clamped(node.gpus, kMostOfANode);
  for (size_t i = 0; i < kResources; ++i) {
    const bool shared_out = capacity[i] > 0 && capacity[i] != kUntold;
    entries_[number].left.weight[i] = shared_out ? kWhole / capacity[i] : 0;
    recount(number, i);
  }
  return number;
}

void NodeTable::remove(const model::NodeId& id) {
  const auto it = numbers_.find(id);
  if (it != numbers_.end()) set_state(it->second, State{});
}

void NodeTable::set_state(NodeNumber node, State state) {
  state_[node] = state;
  entries_[node].open = state.known && state.ready && !state.draining;
}

void NodeTable::change(NodeNumber node, const Demand& demand, int tasks) {
  for (size_t i = 0; i < kResources; ++i) {
    used_[node][i] += int64_t{demand.amount[i]} * tasks;
    recount(node, i);
  }
}

void NodeTable::recount(NodeNumber node, size_t resource) {
  const int32_t capacity = capacity_[node][resource];
  entries_[node].left.free[resource] =
      capacity == kUntold ? kUntold : clamped(capacity - used_[node][resource], kMostOfANode);
}

}  // namespace slipway::plan
