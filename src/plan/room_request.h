// One revision's rules, worked out against a Room (room.h) as it is: for every class of nodes, for every
// node, and what the revision has where already. What a placement and its explanation both begin with.
#pragma once

#include <string>
#include <vector>

#include "model/revision.h"
#include "plan/room_nodes.h"
#include "plan/room_tenants.h"

namespace slipway::plan {

// An attribute whose values are counted: to spread over, or with a limit.
struct Facet {
  const std::string* attribute = nullptr;
  const AttributeColumn* column = nullptr;
  int limit = 0;                // most tasks where it has one value; 0: none
  std::vector<int32_t> counts;  // by value: tasks of the revision

  ValueNumber bucket(ClassNumber cls) const { return column->bucket_of(cls); }
  bool is_full(ValueNumber value) const { return limit > 0 && counts[value] >= limit; }
};

class Request {
 public:
  // Borrows all three until the next call.
  void prepare(const NodeTable& nodes, const Tenants& tenants, const model::Revision& revision);

  const Demand& demand() const { return demand_; }
  const model::Placement& placement() const { return revision_->spec.placement; }
  // By class: as NodeClasses::judge says.
  int32_t verdict(ClassNumber cls) const { return verdicts_[cls]; }
  size_t classes() const { return verdicts_.size(); }

  // The attributes to spread over, in order, then those with a limit.
  std::vector<Facet>& facets() { return facets_; }
  const std::vector<Facet>& facets() const { return facets_; }
  size_t spread_facets() const { return placement().spread.size(); }

  // What bars a single node, whatever is free there: kOpen, kPortTaken, kNodeIsFull (max_per_node), or the
  // number of the rule apart_from. The first that holds, in the order port, apart_from, max_per_node.
  static constexpr int32_t kOpen = -1;
  static constexpr int32_t kPortTaken = -2;
  static constexpr int32_t kNodeIsFull = -3;
  bool bars_some() const { return !bars_.empty(); }
  int32_t bar(NodeNumber node) const { return bars_.empty() ? kOpen : bars_[node]; }

  // Tasks of the revision on the node that count.
  int32_t tasks_on(NodeNumber node) const;
  // All filters but whether the node is open.
  bool admits(NodeNumber node) const;

 private:
  void bar_nodes(const Tenants& tenants);
  void bar_node(NodeNumber node, int32_t bar);
  void count_facets();
  void add_facet(const std::string& attribute, int limit);

  const NodeTable* nodes_ = nullptr;
  const model::Revision* revision_ = nullptr;
  const Spots* spots_ = nullptr;
  Demand demand_;
  std::vector<int32_t> verdicts_;
  std::vector<Facet> facets_;
  std::vector<int32_t> bars_;  // by node; empty where no rule bars any
};

}  // namespace slipway::plan
