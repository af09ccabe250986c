// Which revision has how many tasks on which node. Part of Room (room.h).
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "model/observed.h"
#include "plan/room_nodes.h"

namespace slipway::plan {

// The tasks of one revision on one node.
struct Spot {
  NodeNumber node = 0;
  int32_t counted = 0;  // by limits and by spread
  int32_t others = 0;   // one-off tasks: they take room, and are nobody's count
  bool empty() const { return counted == 0 && others == 0; }
};

// Sorted by node. A vector: a revision has as many entries as it has nodes, reads them all for each batch,
// and changes one at a time.
class Spots {
 public:
  void add(NodeNumber node, int counted, int others);
  const Spot* find(NodeNumber node) const;
  // `nodes`, one entry a counted task, is sorted by this call.
  void add_all(std::vector<NodeNumber>& nodes);
  const std::vector<Spot>& all() const { return spots_; }

 private:
  std::vector<Spot> spots_;
};

using RevisionNumber = uint32_t;

struct Tenant {
  model::InstanceId instance;
  Demand demand;
  Spots spots;
};

// A revision that was seen once is remembered, in about 200 bytes, for the life of the table.
class Tenants {
 public:
  struct Seat {
    RevisionNumber revision = 0;
    NodeNumber node = 0;
    bool one_off = false;
    bool operator==(const Seat&) const = default;
  };

  RevisionNumber number_of(const model::Revision& revision);
  // Null of a revision that was never seen.
  const Tenant* find(const model::RevisionId& id) const;
  const Tenant& tenant(RevisionNumber revision) const { return tenants_[revision]; }

  void add(const Seat& seat) { change(seat, 1); }
  void remove(const Seat& seat) { change(seat, -1); }
  // One counted task on each of `nodes`, which is sorted by this call.
  void add_all(RevisionNumber revision, std::vector<NodeNumber>& nodes);

  // Of these tasks a host port is taken on these nodes; null where nobody has it.
  const Spots* holders_of_port(int port) const;
  // Calls back with the Spots of each revision that `other` means, without those of `self`.
  template <class Visit>
  void visit(const model::ApartFrom& other, const model::InstanceId& self, Visit visit_spots) const {
    for (auto it = by_instance_.lower_bound({other.service, other.instance}); it != by_instance_.end();
         ++it) {
      const auto& [id, revisions] = *it;
      if (id.service != other.service || (!other.instance.empty() && id.instance != other.instance)) break;
      if (id == self) continue;
      for (const RevisionNumber revision : revisions) visit_spots(tenants_[revision].spots);
    }
  }

 private:
  void change(const Seat& seat, int tasks);

  std::vector<Tenant> tenants_;
  std::unordered_map<model::RevisionId, RevisionNumber> numbers_;
  std::map<model::InstanceId, std::vector<RevisionNumber>> by_instance_;
  std::unordered_map<int, Spots> ports_;
};

}  // namespace slipway::plan
