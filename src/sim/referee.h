// Watches every action of every control plane, and says when a rule is broken.
//
// It stands at the boundary between control plane and world, and judges by the world: what a planner believed
// is no excuse, but what it could not know is. "Could not know" is exact: what an observation that it was
// served did not show.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/fake/world.h"
#include "sim/terms.h"
#include "sim/timeline.h"

namespace slipway::sim {

constexpr int kInvariants = 9;

// One round's decision and what it stood on.
struct Decision {
  int plane = 0;
  int64_t look = 0;        // grows with every observation that is served
  bool stale = false;      // the observation was an old one
  bool state_kept = true;  // all that was to be stored so far has been, and none of it was lost
  Time now{};
  bool routing_known = false;
  std::map<model::InstanceId, Terms> terms;
  std::map<model::TaskId, model::TaskState> seen;          // the tasks of the observation
  std::map<model::TaskId, std::optional<Time>> processes;  // when each of these was started
  std::map<model::RevisionId, int> counts;                 // the revisions of the observation
  // Tasks that are to go on elsewhere: by the observation on a node that is drained, or moved for balance.
  std::map<model::InstanceId, int> moving;
  int64_t node_changes = 0;  // of the stage when it looked
  // Happy by the observation, and by the load balancer at the time.
  std::map<model::InstanceId, std::set<model::TaskId>> happy;
  std::map<model::InstanceId, model::RevisionId> aims;  // the revision that the planner says is wanted

  const Terms& terms_for(const model::InstanceId& id) const;
};

// What the planner was asked, and what it said, twice.
struct Answer {
  const plan::Inputs& inputs;
  const plan::Outcome& outcome;
  const plan::Outcome& again;
};

// One thing that a control plane did to the world, and what came of it at once.
struct Act {
  const model::Action* step = nullptr;  // null: the load balancer was told its routes
  model::Generation generation = 0;
  Time now{};
  bool done = false;                      // the world took it, whatever the answer
  int64_t node_changes = 0;               // of the stage
  std::set<model::TaskId> done_draining;  // told of it, and done with their work
  // Refused by the load balancer before or after: it takes and gives back their places of its own accord.
  std::set<model::InstanceId> refused;
  Picture before;
  Picture after;
};

// The end of it all: faults have stopped, and there was time to heal.
struct Rest {
  bool quiet = false;       // the plan became empty and stayed so
  std::string not_quiet;    // why not
  bool going_down = false;  // nothing is to be left
  Time now{};
  std::map<model::InstanceId, Terms> terms;
  std::vector<model::ObservedRevision> revisions;
  std::set<model::NodeId> drained_nodes;
  std::set<model::TaskId> told;  // to drain, and not since that they stay
  Picture picture;
};

struct Violation {
  int invariant = 0;  // 1 to 9, as in docs/internals/simulator.md
  std::string name;
  std::string text;  // what was seen
  Duration at{};     // virtual, since the beginning
};

// A rule. Each hook may look at whatever it needs; the referee calls all of them, in order.
class Invariant {
 public:
  Invariant(int number, std::string_view name) : number_(number), name_(name) {}
  virtual ~Invariant() = default;
  virtual void decided(const Decision&, const Answer&) {}
  virtual void acted(const Decision&, const Act&) {}
  virtual void carried_out(const Decision&, const Picture&) {}  // all of a round, without a failure
  virtual void looked(const engine::fake::World&) {}            // what was observed, or would be
  virtual void rested(const Rest&) {}

  int number() const { return number_; }
  std::string_view name() const { return name_; }
  int64_t checks() const { return checks_; }
  const std::string& broken() const { return broken_; }  // empty while it holds

 protected:
  template <class... Args>
  void expect(bool holds, fmt::format_string<Args...> format, Args&&... args) {
    ++checks_;
    if (!holds && broken_.empty()) broken_ = fmt::format(format, std::forward<Args>(args)...);
  }

 private:
  const int number_;
  const std::string_view name_;
  int64_t checks_ = 0;
  std::string broken_;
};

std::vector<std::unique_ptr<Invariant>> all_invariants();
std::unique_ptr<Invariant> placement_invariant();  // placement_rule.cpp

class Referee {
 public:
  explicit Referee(const Timeline& timeline) : timeline_(timeline), invariants_(all_invariants()) {}

  void decided(Decision decision, const Answer& answer);
  void acted(int plane, const Act& act);
  void carried_out(int plane, const Picture& picture);
  void looked(const engine::fake::World& world);
  void rested(const Rest& rest);

  const std::optional<Violation>& violation() const { return violation_; }
  std::array<int64_t, kInvariants> checks() const;

 private:
  void collect();

  const Timeline& timeline_;
  std::vector<std::unique_ptr<Invariant>> invariants_;
  std::map<int, Decision> decisions_;  // the last of each plane
  std::optional<Violation> violation_;
};

}  // namespace slipway::sim
