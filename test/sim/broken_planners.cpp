#include "sim/broken_planners.h"

#include <algorithm>
#include <memory>

namespace slipway::sim {

namespace {

using model::Traffic;
using plan::Inputs;
using plan::Outcome;
using Planner = std::function<Outcome(const Inputs&)>;

// Decides as if the inputs were others.
template <class Change>
Outcome decide_with(const Inputs& inputs, Change change) {
  model::Desired desired = inputs.desired;
  model::Observed observed = inputs.observed;
  plan::Routing routing = inputs.routing;
  change(desired, observed, routing);
  return plan::decide({desired, observed, routing, inputs.overrides, inputs.images, inputs.memory,
                       inputs.restarts_tasks, inputs.shutting_down, inputs.now});
}

// 1: as if it did not matter how many are happy.
Outcome ignore_margin(const Inputs& inputs) {
  return decide_with(inputs, [](model::Desired& desired, auto&, auto&) {
    for (size_t i = 0; i < desired.instances.size(); ++i)
      desired.instances.edit(i, [](model::Instance& instance) { instance.bounce.margin = 0.01; });
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

bool removes(const plan::Outcome& outcome, const model::TaskId& task) {
  return std::ranges::any_of(outcome.plan.steps, [&](const model::Step& step) {
    const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action);
    return remove != nullptr && std::ranges::find(remove->tasks, task) != remove->tasks.end();
  });
}

// 1: a stop that was asked for once is carried out, whatever has become of the others; but for what the load
// balancer may know, where that would break rule 3 as well.
Outcome insist_on_stops(const Inputs& inputs) {
  Outcome outcome = plan::decide(inputs);
  for (const auto& [id, memory] : inputs.memory) {
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

std::function<Planner()> stateless(Outcome (*planner)(const Inputs&)) {
  return [planner] { return Planner(planner); };
}

// Copies of it share what it keeps.
template <class Kept>
std::function<Planner()> stateful() {
  return [] {
    auto kept = std::make_shared<Kept>();
    return Planner([kept](const Inputs& inputs) { return (*kept)(inputs); });
  };
}

}  // namespace

const std::vector<BrokenPlanner>& broken_planners() {
  static const std::vector<BrokenPlanner> all = {
      {"ignore-margin", 1, stateless(ignore_margin)},
      {"drain-one-more", 1, stateless(drain_one_more)},
      {"insist-on-stops", 1, stateless(insist_on_stops)},
      {"ignore-sessions", 2, stateless(ignore_sessions)},
      {"stop-before-drain", 2, stateless(stop_before_drain)},
      {"never-take-out", 3, stateless(never_take_out)},
      {"keep-routes", 3, stateful<KeepRoutes>()},
      {"scale-one-more", 4, stateless(scale_one_more)},
      {"half-clean-up", 4, stateless(only_half_clean_up)},
      {"repeat-last-plan", 5, stateful<RepeatLastPlan>()},
      {"count-calls", 6, stateful<CountCalls>()},
      {"never-say-empty", 7, stateless(never_say_empty)},
      {"say-nothing", 8, stateless(say_nothing)},
  };
  return all;
}

}  // namespace slipway::sim
