// One control plane of a simulation: Core and Applier, as in reconcile::Loop, without its threads.
//
// What Loop does in hops between threads is done here in one go; what may come between two of its actions
// comes in the hook that is called before each.
#pragma once

#include <functional>
#include <mutex>

#include "reconcile/applier.h"
#include "reconcile/task_teller.h"
#include "sim/faulty_engine.h"
#include "sim/faulty_proxy.h"
#include "sim/faulty_store.h"

namespace slipway::sim {

class ControlPlane {
 public:
  // In the place of the real planner; empty: the real one, which is held against a plan made from nothing.
  using Planner = std::function<plan::Outcome(const plan::Inputs&)>;
  struct Ways {
    Planner planner;
    int rebalance = 0;
    std::function<std::string(const std::string&)> recall = {};  // of what it has stored; unset: all
  };
  struct Parts {
    Stage& stage;
    FaultyEngine& engine;
    FaultyProxy& proxy;
    FaultyStore& store;
  };
  // `between`: called before every action; may mark the actor dead. `fetch`: an image is to be prepared.
  // `call`: a task is called; what it answers goes to the last, unless the control plane is dead by then.
  struct Hooks {
    std::function<void(ControlPlane&)> between;
    std::function<void(ControlPlane&, const model::Image&)> fetch;
    std::function<void(ControlPlane&, const model::TellTaskStep&, reconcile::TaskCall,
                       std::function<void(const Status&)>)>
        call;
  };

  ControlPlane(int number, Parts parts, const Ways& ways, Hooks hooks);

  // Takes the store over and reads it. An error leaves it useless.
  Status start(const model::Desired& desired);
  void round();

  void set_desired(const model::Desired& desired) { core_.set_desired(desired); }
  void read_overrides();
  void shut_down() { core_.set_shutting_down(); }
  void image_prepared(const model::Image& image, const Status& result);
  void hint(Duration delay);

  Actor& actor() { return actor_; }
  bool in_round() const { return in_round_; }
  // It has lost the store to another and does nothing more, or has taken everything down.
  bool ended() const { return ended_; }
  bool all_down() const { return all_down_; }
  SteadyTime due() const { return due_; }
  // Of the rounds so far: how many, how many decided on steps, and when the last of these was.
  int rounds() const { return rounds_; }
  SteadyTime last_work() const { return last_work_; }

 private:
  const plan::Outcome& decide(const Planner& planner, const plan::Inputs& inputs);
  void tell(const plan::Outcome& outcome);
  Status may_act();
  bool look_and_act();
  void finish(const reconcile::Carried& carried);
  void end_shutdown();
  void next_in(Duration wait);

  Actor actor_;
  Parts parts_;
  Hooks hooks_;
  std::function<std::string(const std::string&)> recall_;
  plan::IncrementalPlanner incremental_;
  plan::Outcome outcome_;         // of another planner
  Shared<model::Desired> files_;  // the referee looks back at those of the last decision
  reconcile::Core core_;
  reconcile::Journal journal_;
  std::mutex store_mutex_;
  reconcile::Applier applier_;
  reconcile::TaskTeller teller_;
  state::Claim claim_ = 0;
  bool proxy_trouble_ = false;
  bool store_trouble_ = false;
  bool in_round_ = false;
  bool ended_ = false;
  bool all_down_ = false;
  int rounds_ = 0;
  int64_t looks_ = 0;
  int64_t node_changes_ = 0;  // of the stage, at the last look
  SteadyTime due_{};
  SteadyTime last_work_{};
  std::map<model::InstanceId, std::string> told_;
};

// What a referee needs to know of a decision; `proxy`: how the load balancer is.
Decision decision_on(const plan::Inputs& inputs, const plan::Outcome& outcome, const Picture& picture,
                     const discovery::ProxyState& proxy);

}  // namespace slipway::sim
