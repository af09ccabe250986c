// The controller without its hands: what the control thread knows, and what one round makes of it.
//
// No I/O, no clock, no threads: the shell (Loop) feeds it what was read and carries out what it returns. The
// simulator drives the same class. Owned by the control thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "discovery/haproxy.h"
#include "discovery/proxy.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"
#include "plan/incremental.h"
#include "plan/planner.h"
#include "reconcile/control.h"
#include "reconcile/front_doors.h"

namespace slipway::reconcile {

struct CoreSettings {
  std::string cluster;
  std::string engine;
  std::string config_path;
  bool restarts_tasks = true;
  bool limited_room = false;
  int rebalance = 0;
  std::string proxy_bind = "127.0.0.1";
  int proxy_http_port = 0;
  // What decides, where it is not the planner of the Core itself: the simulator looks over its shoulder, and
  // hands in broken ones to see that they are found. The outcome is good until the next call.
  std::function<const plan::Outcome&(const plan::Inputs&)> planner = {};
};

// Everything the shell has to carry out after one observation, in this order: store, routes, steps, images.
struct Round {
  model::Plan plan;  // its steps; what it routes is in `routes`
  Shared<std::vector<discovery::RoutedInstance>> routes;
  bool routes_changed = false;                                      // since the last round
  std::vector<std::pair<model::InstanceId, std::string>> memories;  // changed ones; empty text: forget
  std::vector<state::BounceRecord> bounces;                         // begun, ended or stalled just now
  std::vector<model::Event> events;
  std::vector<model::Image> prepare;      // to fetch or build in the background
  std::vector<model::TellTaskStep> tell;  // tasks to be told of their drain, in the background
  std::optional<Time> wake_at;
  bool entering = false;  // something is routed that the load balancer does not show yet: look again soon
  bool drains = false;    // something drains: look again soon
  bool all_gone = false;  // shutting down, and nothing is left
  bool repeated = false;  // the steps are those of the last round, which did not help yet: no hurry

  std::vector<model::TaskId> collect;  // one-off tasks that nobody fetched: to forget

  // Nothing to write, to route or to do.
  bool idle() const {
    return plan.steps.empty() && collect.empty() && !routes_changed && memories.empty() && bounces.empty() &&
           events.empty();
  }
};

class Core {
 public:
  explicit Core(CoreSettings settings) : settings_(std::move(settings)) {}
  Core(const Core&) = delete;

  void set_desired(Shared<model::Desired> desired) { desired_ = std::move(desired); }
  void set_source(model::SourceStatus source) { source_ = std::move(source); }
  void set_overrides(std::vector<model::Override> overrides) { overrides_ = std::move(overrides); }
  // As stored by an earlier process; a text that cannot be read is forgotten, which only lengthens waits.
  void set_memory(const model::InstanceId& instance, const std::string& text);
  // The history that an earlier process left without an end: it goes on, or ends in the first round.
  void set_open_bounces(std::vector<state::BounceRecord> records);
  // What the tasks that are told of their drain have answered so far.
  void set_drain_reports(plan::DrainReports reports) { drain_reports_ = std::move(reports); }
  void set_shutting_down() { shutting_down_ = true; }
  bool shutting_down() const { return shutting_down_; }
  const model::Desired& desired() const { return *desired_; }
  // Who has which port and domains, for the compiler of the files: they stay with whoever has them.
  const FrontDoors& doors() const { return front_doors_; }

  Round decide(const model::Observed& observed, const plan::Routing& routing, Time now);

  // Results of what the shell carried out.
  void image_prepared(const model::Image& image, const Status& result, Time now);
  // Why a step of this instance failed, until the next round has been carried out.
  void step_failed(const model::InstanceId& instance, const std::string& text) {
    step_errors_[instance] = text;
  }
  void clear_step_errors() { step_errors_.clear(); }
  void set_released() { released_ = true; }
  const std::vector<discovery::RoutedInstance>& routes() const { return *routes_; }

  // What the API serves. `trouble`: why the picture may be stale.
  Snapshot snapshot(const std::string& trouble) const;

 private:
  const plan::Outcome& think(const model::Observed& observed, const plan::Routing& routing, Time now);
  void follow_routes(Round& round);
  void follow_instances(const plan::Routing& routing, Round& round, Time at);
  bool is_entering(const model::InstanceId& id, const plan::Routing& routing) const;
  void follow_images(Round& round);
  static void follow_tells(Round& round);
  void follow_one_offs(const model::Observed& observed, Round& round, Time now);
  void follow_memory(Round& round) const;
  std::string remembered(const model::InstanceId& id) const;
  void follow_bounces(Round& round, Time now);
  void end_bounces(Round& round, Time now);
  const plan::BounceMemory* bounce_of(const model::InstanceId& id) const;
  void annotate(std::vector<Shared<model::InstanceStatus>>& statuses) const;
  std::vector<std::string> endpoints_of(const model::Proxy& proxy) const;

  // As of the last round, else as set before the first.
  const plan::Memory& memory() const { return outcome_ != nullptr ? outcome_->memory : first_memory_; }

  CoreSettings settings_;
  plan::IncrementalPlanner planner_;
  Shared<model::Desired> desired_;
  model::SourceStatus source_;
  std::vector<model::Override> overrides_;
  plan::Memory first_memory_;
  plan::Images images_;
  plan::DrainReports drain_reports_;
  std::map<std::pair<model::InstanceId, Time>, state::BounceRecord> open_bounces_;  // by their beginning
  std::map<model::InstanceId, std::string> step_errors_;
  FrontDoors front_doors_;
  std::set<model::InstanceId> moved_doors_;  // whose front door is not what is stored
  Shared<std::vector<discovery::RoutedInstance>> routes_;
  bool shutting_down_ = false;
  bool released_ = false;

  // Of the last round. What is kept by instance is brought up to date for those that were planned anew.
  const plan::Outcome* outcome_ = nullptr;  // the planner's; null before the first
  Shared<model::Desired> routed_desired_;   // the files that `routes_` stand on
  std::map<model::InstanceId, Shared<model::InstanceStatus>> statuses_;
  std::set<model::InstanceId> draining_;
  std::set<model::InstanceId> entering_;   // routed, and not seen in the load balancer yet
  std::set<model::InstanceId> unsettled_;  // not as wanted
  std::vector<model::Task> one_offs_;
  Shared<std::vector<model::Node>> nodes_;
  std::string isolation_;
  Time seen_at_{};
  model::Generation generation_ = 0;
  std::vector<model::Override> in_force_;
  model::Plan plan_;
  bool settled_ = false;
};

// Whether two snapshots tell the same, whenever they were taken.
bool same_picture(const Snapshot& a, const Snapshot& b);

// What the load balancer told, as the planner wants it.
plan::Routing routing_from(const Result<discovery::ProxyState>& state,
                           const std::vector<discovery::RoutedInstance>& routes);

}  // namespace slipway::reconcile
