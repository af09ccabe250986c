// Chooses nodes for many tasks of one revision at once. Part of Room (room.h).
//
// The nodes are read once for the whole batch. Those that are alike to every limit and every attribute to
// spread over are one group, and each group keeps a heap of its nodes, best first; only as many as there are
// tasks to place, for no task of the batch can go further down. A heap of the groups says which group is
// next. It may be out of date for a group that shares a value with another: counts only grow during a batch,
// so a group's place in the heap is never too low, and is mended when the group comes to the top.
#pragma once

#include <vector>

#include "plan/room_request.h"

namespace slipway::plan {

class Picker {
 public:
  // Appends to `picked`, one entry a task, at most `tasks`, and takes their room in `nodes`. The request's
  // counts change with each. What it allocates it keeps for the next batch.
  void pick(NodeTable& nodes, Request& request, int tasks, std::vector<NodeNumber>& picked);

 private:
  // Better is less. By what is spare after the task, the most or the least, then by id.
  struct Candidate {
    int64_t cost = 0;
    uint32_t rank = 0;
    NodeNumber node = 0;
    bool operator<(const Candidate& other) const {
      return cost != other.cost ? cost < other.cost : rank < other.rank;
    }
  };
  struct Group {
    std::vector<Candidate> best;  // a heap, the best in front, once all nodes are read
    Candidate limit;              // what is no better is no use: there are enough that are
  };

  void group_classes();
  void split_groups(const Facet& facet);
  void split_many_groups(const Facet& facet);
  void read_nodes();
  void offer(Group& group, const Candidate& candidate) const;
  void open_groups();
  bool pick_one(std::vector<NodeNumber>& picked);
  void take(uint32_t group);

  // What is spare, times this, is the cost.
  int64_t packing_sign() const;
  int32_t& count(uint32_t group, size_t facet);
  bool is_closed(uint32_t group);
  bool note_counts(uint32_t group);
  bool is_later(uint32_t a, uint32_t b) const;

  // Of the batch under way.
  NodeTable* nodes_ = nullptr;
  Request* request_ = nullptr;
  size_t wanted_ = 0;
  size_t used_groups_ = 0;

  std::vector<int32_t> group_of_;  // by class; -1: its nodes break a rule
  std::vector<int32_t> parts_;     // by group and bucket of the facet that is being split by: the new group
  std::vector<ValueNumber> buckets_;  // by group and facet
  std::vector<int32_t> noted_;        // by group and spread facet: the count when it was last put in order
  std::vector<Group> groups_;         // used_groups_ of them, the others are spare
  std::vector<uint32_t> order_;       // heap of groups, the next one in front
  std::vector<int32_t> tasks_on_;     // by node: placed in this batch; all 0 between batches
};

}  // namespace slipway::plan
