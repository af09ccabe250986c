// The controller without its hands: what the control thread knows, and what one round makes of it.
//
// No I/O, no clock, no threads: the shell (Loop) feeds it what was read and carries out what it returns. The
// simulator drives the same class. Owned by the control thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "discovery/haproxy.h"
#include "discovery/proxy.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"
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
  // What decides. The simulator hands in a broken one to see that it is found.
  std::function<plan::Outcome(const plan::Inputs&)> planner = plan::decide;
};

// Everything the shell has to carry out after one observation, in this order: store, routes, steps, images.
struct Round {
  model::Plan plan;
  std::vector<discovery::RoutedInstance> routes;
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

  void set_desired(model::Desired desired);
  void set_overrides(std::vector<model::Override> overrides) { overrides_ = std::move(overrides); }
  // As stored by an earlier process; a text that cannot be read is forgotten, which only lengthens waits.
  void set_memory(const model::InstanceId& instance, const std::string& text);
  // The history that an earlier process left without an end: it goes on, or ends in the first round.
  void set_open_bounces(std::vector<state::BounceRecord> records);
  // What the tasks that are told of their drain have answered so far.
  void set_drain_reports(plan::DrainReports reports) { drain_reports_ = std::move(reports); }
  void set_shutting_down() { shutting_down_ = true; }
  bool shutting_down() const { return shutting_down_; }
  const model::Desired& desired() const { return desired_; }
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
  const std::vector<discovery::RoutedInstance>& routes() const { return routes_; }

  // What the API serves. `trouble`: why the picture may be stale.
  Snapshot snapshot(const std::string& trouble) const;

 private:
  void follow_images(Round& round);
  static void follow_tells(Round& round);
  void follow_one_offs(const model::Observed& observed, Round& round, Time now) const;
  void follow_memory(const plan::Memory& before, const FrontDoors& doors_before, Round& round) const;
  std::string remembered(const model::InstanceId& id) const;
  void follow_bounces(const model::Observed& observed, Round& round, Time now);
  void end_bounces(Round& round, Time now);
  const plan::BounceMemory* bounce_of(const model::InstanceId& id) const;
  void annotate(std::vector<model::InstanceStatus>& statuses) const;
  std::vector<std::string> endpoints_of(const model::Proxy& proxy) const;

  CoreSettings settings_;
  model::Desired desired_;
  std::vector<model::Override> overrides_;
  plan::Memory memory_;
  plan::Images images_;
  plan::DrainReports drain_reports_;
  std::map<std::pair<model::InstanceId, Time>, state::BounceRecord> open_bounces_;  // by their beginning
  std::map<model::InstanceId, std::string> step_errors_;
  FrontDoors front_doors_;
  std::vector<discovery::RoutedInstance> routes_;
  bool shutting_down_ = false;
  bool released_ = false;

  // Of the last round.
  bool looked_ = false;
  model::Observed observed_;
  std::vector<model::InstanceStatus> statuses_;
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
