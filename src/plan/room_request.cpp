#include "plan/room_request.h"

#include <algorithm>

namespace slipway::plan {
namespace {

const Spots kNoSpots;

}  // namespace

void Request::prepare(const NodeTable& nodes, const Tenants& tenants, const model::Revision& revision) {
  nodes_ = &nodes;
  revision_ = &revision;
  const Tenant* tenant = tenants.find(revision.id);
  spots_ = tenant != nullptr ? &tenant->spots : &kNoSpots;
  demand_ = demand_of(revision.spec);
  nodes.classes().judge(placement(), verdicts_);
  bars_.clear();
  bar_nodes(tenants);
  count_facets();
}

void Request::bar_nodes(const Tenants& tenants) {
  if (demand_.host_port != 0) {
    if (const Spots* holders = tenants.holders_of_port(demand_.host_port)) {
      for (const Spot& spot : holders->all()) bar_node(spot.node, kPortTaken);
    }
  }
  for (size_t i = 0; i < placement().apart_from.size(); ++i) {
    tenants.visit(placement().apart_from[i], revision_->instance, [&](const Spots& spots) {
      for (const Spot& spot : spots.all()) bar_node(spot.node, static_cast<int32_t>(i));
    });
  }
  if (const int most = placement().max_per_node; most > 0) {
    for (const Spot& spot : spots_->all()) {
      if (spot.counted >= most) bar_node(spot.node, kNodeIsFull);
    }
  }
}

void Request::bar_node(NodeNumber node, int32_t bar) {
  if (bars_.empty()) bars_.assign(nodes_->size(), kOpen);
  if (bars_[node] == kOpen) bars_[node] = bar;
}

void Request::add_facet(const std::string& attribute, int limit) {
  const AttributeColumn& column = nodes_->classes().column(attribute);
  facets_.push_back(Facet{&attribute, &column, limit, std::vector<int32_t>(column.values.size(), 0)});
}

void Request::count_facets() {
  facets_.clear();
  for (const std::string& attribute : placement().spread) add_facet(attribute, 0);
  for (const auto& [attribute, most] : placement().max_per) add_facet(attribute, std::max(most, 1));
  if (facets_.empty()) return;
  for (const Spot& spot : spots_->all()) {
    if (!nodes_->known(spot.node)) continue;
    const ClassNumber cls = nodes_->class_of(spot.node);
    for (Facet& facet : facets_) facet.counts[facet.bucket(cls)] += spot.counted;
  }
}

int32_t Request::tasks_on(NodeNumber node) const {
  const Spot* spot = spots_->find(node);
  return spot != nullptr ? spot->counted : 0;
}

bool Request::admits(NodeNumber node) const {
  const ClassNumber cls = nodes_->class_of(node);
  return verdict(cls) == NodeClasses::kKeepsAll && nodes_->left(node).fits(demand_) && bar(node) == kOpen &&
         std::none_of(facets_.begin(), facets_.end(),
                      [&](const Facet& facet) { return facet.is_full(facet.bucket(cls)); });
}

}  // namespace slipway::plan
