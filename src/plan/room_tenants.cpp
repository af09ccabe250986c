#include "plan/room_tenants.h"

#include <algorithm>

namespace slipway::plan {
namespace {

bool is_before(const Spot& spot, NodeNumber node) {
  return spot.node < node;
}

}  // namespace

void Spots::add(NodeNumber node, int counted, int others) {
  auto it = std::lower_bound(spots_.begin(), spots_.end(), node, is_before);
  if (it == spots_.end() || it->node != node) it = spots_.insert(it, Spot{node, 0, 0});
  it->counted += counted;
  it->others += others;
  if (it->empty()) spots_.erase(it);
}

const Spot* Spots::find(NodeNumber node) const {
  const auto it = std::lower_bound(spots_.begin(), spots_.end(), node, is_before);
  return it != spots_.end() && it->node == node ? &*it : nullptr;
}

void Spots::add_all(std::vector<NodeNumber>& nodes) {
  std::sort(nodes.begin(), nodes.end());
  const auto old_end = static_cast<std::ptrdiff_t>(spots_.size());
  size_t at = 0;  // nodes come in order, and so do the spots that they meet
  for (auto node = nodes.begin(); node != nodes.end();) {
    const auto next = std::upper_bound(node, nodes.end(), *node);
    const auto count = static_cast<int32_t>(next - node);
    while (at < static_cast<size_t>(old_end) && spots_[at].node < *node) ++at;
    if (at < static_cast<size_t>(old_end) && spots_[at].node == *node) {
      spots_[at].counted += count;
    } else {
      spots_.push_back(Spot{*node, count, 0});
    }
    node = next;
  }
  std::inplace_merge(spots_.begin(), spots_.begin() + old_end, spots_.end(),
                     [](const Spot& a, const Spot& b) { return a.node < b.node; });
}

RevisionNumber Tenants::number_of(const model::Revision& revision) {
  const auto next = static_cast<RevisionNumber>(tenants_.size());
  const auto [it, is_new] = numbers_.try_emplace(revision.id, next);
  if (is_new) {
    tenants_.push_back(Tenant{revision.instance, demand_of(revision.spec), {}});
    by_instance_[revision.instance].push_back(next);
  }
  return it->second;
}

const Tenant* Tenants::find(const model::RevisionId& id) const {
  const auto it = numbers_.find(id);
  return it == numbers_.end() ? nullptr : &tenants_[it->second];
}

const Spots* Tenants::holders_of_port(int port) const {
  const auto it = ports_.find(port);
  return it == ports_.end() ? nullptr : &it->second;
}

void Tenants::change(const Seat& seat, int tasks) {
  Tenant& tenant = tenants_[seat.revision];
  tenant.spots.add(seat.node, seat.one_off ? 0 : tasks, seat.one_off ? tasks : 0);
  if (const int port = tenant.demand.host_port; port != 0) ports_[port].add(seat.node, tasks, 0);
}

void Tenants::add_all(RevisionNumber revision, std::vector<NodeNumber>& nodes) {
  Tenant& tenant = tenants_[revision];
  tenant.spots.add_all(nodes);
  if (const int port = tenant.demand.host_port; port != 0) ports_[port].add_all(nodes);
}

}  // namespace slipway::plan
