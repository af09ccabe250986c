// The planner with a memory of its last call: it thinks anew about the instances for which anything is
// different, and tells of all others what it said last.
//
// Its answer is that of decide(), byte for byte, whatever it was asked before: what it keeps is a saving and
// no input. An instance is planned again when its part of the inputs has changed, when what is to be
// remembered of it did in the last call, when its time has come (wake_at), and in every call as long as its
// answer hangs on others (room that is shared). Owned by one thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/growth.h"
#include "plan/planner.h"
#include "plan/round.h"
#include "plan/seen.h"

namespace slipway::plan {

class IncrementalPlanner {
 public:
  // One pass over the whole observation finds what is news. The outcome is good until the next call, and may
  // lend the next inputs its memory, which is then not compared. Inputs are not kept, but for `desired`.
  const Outcome& decide(const Inputs& inputs);

  // Where it is known what is news, so that the cost is that of the news: nothing is seen of other instances
  // than at the last call. Of the observation, the routing and the drains of `inputs` it reads only the time,
  // nodes and whether the load balancer could be asked; nodes are as before too.
  using News = std::vector<std::pair<model::InstanceId, Seen>>;
  const Outcome& decide(const Inputs& inputs, const News& news);

  const Outcome& outcome() const { return outcome_; }
  Outcome take_outcome() { return std::move(outcome_); }  // of a planner that is needed no more
  // What was seen of an instance at the last call; null where it is not known.
  const Seen* seen(const model::InstanceId& id) const;
  const Shared<std::vector<model::Node>>& nodes() const { return nodes_; }

 private:
  // Side by side with ids_, small because every call looks at all of them.
  struct Mark {
    Time wake_at = Time::max();
    bool dirty = true;   // to be planned in this call
    bool again = false;  // and in the next, whatever comes
    bool has_steps = false;
    bool asks_image = false;
  };
  struct Entry {
    Seen seen;
    std::vector<model::Step> steps;
    std::string image;  // that it asked for
    ImageStatus image_status;
  };
  // What all instances have in common.
  struct Common {
    bool routing_known = false;
    std::string routing_down;
    bool restarts_tasks = false;
    bool shutting_down = false;
    bool limited_room = false;
    int rebalance = 0;
    bool operator==(const Common&) const = default;
  };

  // What is different from the last call.
  void compare_files(const Shared<model::Desired>& desired);
  void compare_overrides(const std::vector<model::Override>& overrides);
  void compare_observation(const Inputs& inputs);
  void compare_nodes(const std::vector<model::Node>& nodes);
  void compare_memory(const Memory& memory);
  void compare_rest(const Inputs& inputs);

  void admit(std::vector<model::InstanceId> ids);
  void touch(const model::InstanceId& id);
  void touch_service(const std::string& service);
  void touch_all();
  size_t find(const model::InstanceId& id) const;  // ids_.size() where it is not known
  const model::Instance* wanted(const model::InstanceId& id) const;

  const Outcome& plan(const Inputs& inputs);
  void plan_one(size_t number, Round round);
  void keep_routes(const model::InstanceId& id, std::optional<std::vector<model::Route>> routes);
  bool keep_memory(size_t number, InstanceMemory after);
  void drop_gone();
  void sum_up();
  Room furnish(const std::vector<model::Node>& nodes) const;

  Time now_{};
  Common common_;
  Shared<model::Desired> desired_;
  std::vector<model::Override> overrides_;
  Shared<std::vector<model::Node>> nodes_;
  ClosedNodes closed_nodes_;
  std::vector<model::Task> one_offs_;

  // Side by side, sorted by id, as is outcome_.status.
  std::vector<model::InstanceId> ids_;
  std::vector<Mark> marks_;
  std::vector<Entry> entries_;

  Outcome outcome_;
};

}  // namespace slipway::plan
