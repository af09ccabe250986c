#include "sim/broken_planners.h"

#include <algorithm>
#include <memory>

namespace slipway::sim {

namespace {

using model::Traffic;
using plan::Inputs;
using plan::Outcome;

// Decides as if the inputs were others.
template <class Change>
Outcome decide_with(const Inputs& inputs, Change change) {
  model::Desired desired = inputs.desired;
  model::Observed observed = inputs.observed;
  plan::Routing routing = inputs.routing;
  change(desired, observed, routing);
  return plan::decide({desired, observed, routing, inputs.overrides, inputs.images, inputs.memory,
                       inputs.restarts_tasks, inputs.shutting_down, inputs.now, inputs.limited_room,
                       inputs.rebalance, inputs.drains});
}

// 1: as if it did not matter how many are happy.
Outcome ignore_margin(const Inputs& inputs) {
  return decide_with(inputs, [](model::Desired& desired, auto&, auto&) {
    for (model::Instance& instance : desired.instances) instance.bounce.margin = 0.01;
  });
}

// 1: one task too many leaves the traffic.
Outcome drain_one_more(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (auto& [id, routes] : outcome.plan.routes) {
    const auto drains = std::ranges::find(routes, Traffic::Drain, &model::Route::traffic);
    const auto in = std::ranges::find(routes, Traffic::In, &model::Route::traffic);
    if (drains != routes.end() && in != routes.end()) in->traffic = Traffic::Drain;
  }
  return outcome;
}

// 1: what is on a node that is drained leaves at once.
Outcome leave_nodes_at_once(const Inputs& inputs) {
  std::set<model::NodeId> drained;
  for (const model::Node& node : inputs.observed.nodes) {
    if (node.draining) drained.insert(node.id);
  }
  Outcome outcome = plan::decide(inputs);
  for (const model::Task& task : inputs.observed.tasks) {
    if (task.state != model::TaskState::Running || !drained.contains(task.node)) continue;
    for (model::Route& route : outcome.plan.routes[task.instance]) {
      if (route.task == task.id) route.traffic = Traffic::Drain;
    }
  }
  return outcome;
}

bool removes(const plan::Outcome& outcome, const model::TaskId& task) {
  return std::ranges::any_of(outcome.plan.steps, [&](const model::Step& step) {
    const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action);
    return remove != nullptr && std::ranges::find(remove->tasks, task) != remove->tasks.end();
  });
}

// Whether the instance's tasks take part in their drains.
bool are_told(const Inputs& inputs, const model::InstanceId& id) {
  const auto& instances = inputs.desired->instances;
  const auto instance = std::ranges::find(instances, id, &model::Instance::id);
  return instance != instances.end() && (instance->drain.method == model::DrainMethod::Http ||
                                         instance->drain.method == model::DrainMethod::Command);
}

// 1: a stop that was asked for once is carried out, whatever has become of the others; but for what the load
// balancer may know and what is told, where that would break rules 2 and 3 as well.
Outcome insist_on_stops(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (const auto& [id, memory] : inputs.memory) {
    if (are_told(inputs, id)) continue;
    for (const auto& [asked, drain] : memory.drains) {
      const auto task = std::ranges::find(inputs.observed.tasks, asked, &model::Task::id);
      const bool runs = task != inputs.observed.tasks.end() && task->state == model::TaskState::Running;
      const auto routes = outcome.plan.routes.find(id);
      const bool routed = routes != outcome.plan.routes.end() && !routes->second.empty();
      if (!drain.stop_asked_at || !runs || routed || removes(outcome, asked)) continue;
      outcome.plan.steps.push_back({id, model::RemoveTasksStep{task->revision, {asked}, 10s}, "as asked"});
    }
  }
  return outcome;
}

// 2: as if no connection were open.
Outcome ignore_sessions(const Inputs& inputs) {
  return decide_with(inputs, [](auto&, auto&, plan::Routing& routing) {
    for (auto& [task, routed] : routing.tasks) routed.sessions = 0;
  });
}

// 2: what begins to drain is stopped at once.
Outcome stop_before_drain(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (const auto& [id, routes] : outcome.plan.routes) {
    for (const model::Route& route : routes) {
      const auto task = std::ranges::find(inputs.observed.tasks, route.task, &model::Task::id);
      if (route.traffic != Traffic::Drain || task == inputs.observed.tasks.end()) continue;
      outcome.plan.steps.push_back({id, model::RemoveTasksStep{task->revision, {route.task}, 10s}, "now"});
    }
  }
  return outcome;
}

// 2: whoever was told is taken to be done.
Outcome ask_nobody(const Inputs& inputs) {
  plan::DrainReports drains = inputs.drains;
  for (auto& [task, report] : drains) report.safe = true;
  return plan::decide({inputs.desired, inputs.observed, inputs.routing, inputs.overrides, inputs.images,
                       inputs.memory, inputs.restarts_tasks, inputs.shutting_down, inputs.now,
                       inputs.limited_room, inputs.rebalance, drains});
}

// 3: what is to drain is stopped at once, and goes on getting requests.
Outcome never_take_out(const Inputs& inputs) {
  Outcome outcome = stop_before_drain(inputs);
  for (auto& [id, routes] : outcome.plan.routes) {
    for (model::Route& route : routes) route.traffic = Traffic::In;
  }
  return outcome;
}

// 3: whoever had a place in the load balancer keeps it, dead or alive.
class KeepRoutes {
 public:
  Outcome operator()(const Inputs& inputs) {
    Outcome outcome = plan::decide(inputs);
    for (auto& [id, routes] : outcome.plan.routes) {
      for (const model::Route& old : kept_[id]) {
        if (std::ranges::find(routes, old.task, &model::Route::task) == routes.end()) routes.push_back(old);
      }
      std::ranges::sort(routes, {}, &model::Route::task);
      kept_[id] = routes;
    }
    return outcome;
  }

 private:
  std::map<model::InstanceId, std::vector<model::Route>> kept_;
};

// 4: one more than wanted.
Outcome scale_one_more(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (model::Step& step : outcome.plan.steps) {
    auto* scale = std::get_if<model::ScaleStep>(&step.action);
    if (scale != nullptr && scale->count > 0) ++scale->count;
  }
  return outcome;
}

// 4: as if there were room for everything.
Outcome ignore_room(const Inputs& inputs) {
  return plan::decide({inputs.desired, inputs.observed, inputs.routing, inputs.overrides, inputs.images,
                       inputs.memory, inputs.restarts_tasks, inputs.shutting_down, inputs.now, false,
                       inputs.rebalance, inputs.drains});
}

// 5: where nothing is to be done, what was done last is done again.
class RepeatLastPlan {
 public:
  Outcome operator()(const Inputs& inputs) {
    Outcome outcome = plan::decide(inputs);
    if (outcome.plan.steps.empty()) {
      outcome.plan.steps = last_;
    } else {
      last_ = outcome.plan.steps;
    }
    return outcome;
  }

 private:
  std::vector<model::Step> last_;
};

// 6: an answer that depends on how often it was asked.
class CountCalls {
 public:
  Outcome operator()(const Inputs& inputs) {
    Outcome outcome = plan::decide(inputs);
    if (++calls_ % 2 == 0) std::ranges::reverse(outcome.plan.steps);
    return outcome;
  }

 private:
  int calls_ = 0;
};

// 7: always one more thing to do, harmless as it is.
Outcome never_say_empty(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  if (!outcome.plan.steps.empty() || inputs.observed.revisions.empty()) return outcome;
  const model::Revision& revision = inputs.observed.revisions.front().revision;
  const model::TaskId nobody("nobody-" + to_text(inputs.now));
  outcome.plan.steps.push_back(
      {revision.instance, model::RemoveTasksStep{revision.id, {nobody}, 10s}, "to be sure"});
  return outcome;
}

// 4: what is old is never forgotten.
Outcome only_half_clean_up(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  std::erase_if(outcome.plan.steps, [](const model::Step& step) {
    return std::holds_alternative<model::RemoveRevisionStep>(step.action);
  });
  return outcome;
}

// 8: no word about why.
Outcome say_nothing(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (model::InstanceStatus& status : outcome.status) status.reason.clear();
  return outcome;
}

std::function<Options()> stateless(Outcome (*planner)(const Inputs&)) {
  return [planner] { return Options{.planner = planner}; };
}

// Copies of it share what it keeps.
template <class Kept>
std::function<Options()> stateful() {
  return [] {
    auto kept = std::make_shared<Kept>();
    return Options{.planner = [kept](const Inputs& inputs) { return (*kept)(inputs); }};
  };
}

// 1: a control plane that is started again has forgotten who had which place in the load balancer.
Options forget_doors() {
  return {.recall = [](const std::string& text) {
    Json json = Json::parse(text).value();
    json["front_door"] = Json();
    return json.dump();
  }};
}

// 9: whoever places looks at sizes alone.
Options ignore_rules() {
  return {.ignores_rules = true};
}

}  // namespace

const std::vector<BrokenPlanner>& broken_planners() {
  static const std::vector<BrokenPlanner> all = {
      {"ignore-margin", 1, stateless(ignore_margin)},
      {"drain-one-more", 1, stateless(drain_one_more)},
      {"insist-on-stops", 1, stateless(insist_on_stops)},
      {"leave-nodes-at-once", 1, stateless(leave_nodes_at_once)},
      {"forget-doors", 1, forget_doors},
      {"ask-nobody", 2, stateless(ask_nobody)},
      {"ignore-sessions", 2, stateless(ignore_sessions)},
      {"stop-before-drain", 2, stateless(stop_before_drain)},
      {"never-take-out", 3, stateless(never_take_out)},
      {"keep-routes", 3, stateful<KeepRoutes>()},
      {"scale-one-more", 4, stateless(scale_one_more)},
      {"half-clean-up", 4, stateless(only_half_clean_up)},
      {"ignore-room", 4, stateless(ignore_room)},
      {"repeat-last-plan", 5, stateful<RepeatLastPlan>()},
      {"count-calls", 6, stateful<CountCalls>()},
      {"never-say-empty", 7, stateless(never_say_empty)},
      {"say-nothing", 8, stateless(say_nothing)},
      {"ignore-rules", 9, ignore_rules},
  };
  return all;
}

}  // namespace slipway::sim
