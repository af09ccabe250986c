// What would happen: the planner with a cluster that exists only in memory, from one wish to the next.
//
// Behind `slipway plan` (a cluster as it is, and other files) and `slipway simulate` (any cluster, with
// faults). Virtual time, one thread, one seed: the same question has the same answer. New tasks become
// healthy after a start-up time that is drawn; connections end soon after their drain; images are at hand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/fake/behaviour.h"
#include "model/override.h"
#include "model/plan.h"
#include "plan/planner.h"
#include "sim/timeline.h"

namespace slipway::sim {

struct RehearsalQuestion {
  model::Observed start;  // nodes, and what runs on them
  model::Desired desired;
  std::vector<model::Override> overrides;
  bool limited_room = true;  // the nodes take no more than they have
  int rebalance = 0;
  uint64_t seed = 1;
  engine::fake::Spread start_time{engine::fake::Spread::Shape::Uniform, 1s, 3s};
  Duration session_time = 1s;  // how long connections go on after their task drains
  int lost_nodes = 0;          // nodes that fail, at random times in the first minute
  Duration away = 5min;        // for so long
  Duration limit = 6h;         // of virtual time, then it is said not to have converged
  bool timeline = true;        // false: no steps and no timeline, for speed
};

// A step as it was taken.
struct TakenStep {
  Duration at{};
  model::Step step;
};

struct InstanceRehearsal {
  int desired = 0;
  std::optional<int>
      lowest;          // fewest serving tasks at any moment since it was up; nothing where it never was
  Duration done{};     // when it was last not as wanted; 0: never
  std::string room;    // not empty: for some time not all tasks had room, and why
  std::string reason;  // at the end; empty when all is as wanted
  std::vector<model::RevisionId> from;
  model::RevisionId to;
};

struct RehearsalReport {
  bool converged = false;
  Duration took{};  // until all was as wanted for good
  int rounds = 0;   // of the planner
  int64_t steps = 0;
  int64_t started = 0;  // tasks, those in the place of lost ones included
  int64_t moved = 0;    // of these: in the place of one whose node was lost
  int wanted = 0;       // tasks in all
  int lowest = 0;       // the fewest that served at one moment, of those wanted at that moment
  int lowest_of = 0;
  Duration lowest_at{};
  std::map<model::InstanceId, InstanceRehearsal> instances;
  std::vector<TakenStep> taken;
  std::vector<Entry> timeline;
  model::Observed end;  // to go on from
};

RehearsalReport rehearse(const RehearsalQuestion& question);

}  // namespace slipway::sim
