#include "plan/planner.h"

#include <set>

#include "plan/choose.h"
#include "plan/drain.h"
#include "plan/growth.h"
#include "plan/image.h"
#include "plan/progress.h"
#include "plan/round.h"
#include "plan/routes.h"
#include "plan/status.h"
#include "plan/steps.h"
#include "plan/view.h"
#include "plan/wanted.h"

namespace slipway::plan {
namespace {

// Everything that is known of one instance, from the files and from the engine.
struct Known {
  const model::Instance* instance = nullptr;
  Sighting sighting;
};

std::map<model::InstanceId, Known> gather(const Inputs& inputs) {
  std::map<model::InstanceId, Known> all;
  for (const model::Instance& instance : inputs.desired.instances) {
    // Jobs and ad hoc runs are not kept running, so they are not planned here.
    if (instance.kind == model::InstanceKind::Service) all[instance.id].instance = &instance;
  }
  for (const model::ObservedRevision& observed : inputs.observed.revisions) {
    all[observed.revision.instance].sighting.revisions.push_back(&observed);
  }
  for (const model::Task& task : inputs.observed.tasks) {
    if (!task.one_off) all[task.instance].sighting.tasks.push_back(&task);
  }
  return all;
}

// What all instances of one call have in common.
struct Common {
  const Inputs& in;
  SharedRoom room;
  int moves_left;  // for the sake of balance

  explicit Common(const Inputs& inputs) : in(inputs), room(inputs), moves_left(inputs.rebalance) {
    for (const auto& [id, memory] : inputs.memory) moves_left -= memory.moving.has_value();
  }
};

void decide_tasks(Round& round, int& moves_left) {
  if (round.wanted.count == 0) {
    drop_bounce(round, round.wanted.none_why.empty() ? "none is wanted" : round.wanted.none_why);
    choose_all(round);
  } else {
    await_image(round);
    follow_bounce(round);
    choose_wanted(round);
    choose_old(round);
  }
  settle_drains(round);
  tell_tasks(round);
  add_steps(round);
  if (round.wanted.count == 0) return;
  finish_bounce(round);
  if (!round.no_room.empty()) round.memory.moving.reset();  // nor is there room to move for balance
  balance(round, moves_left);
}

Round plan_instance(Common& common, const model::InstanceId& id, const Known& known) {
  Wanted wanted = wanted_of(common.in, id, known.instance, known.sighting.revisions);
  Round round = open_round(common.in, common.room, std::move(wanted), known.sighting);
  if (round.wanted.frozen()) {
    // Its deadline must not run while we hold it up ourselves; what drains goes on draining, and nothing is
    // stopped.
    drop_bounce(round, round.wanted.frozen_why);
  } else {
    decide_tasks(round, common.moves_left);
  }
  return round;
}

// Instances that share an image ask for it once.
void add_steps(const Round& round, std::set<std::string>& images, model::Plan& plan) {
  for (const model::Step& step : round.steps) {
    const auto* prepare = std::get_if<model::PrepareStep>(&step.action);
    if (prepare == nullptr || images.insert(model::describe(prepare->image)).second)
      plan.steps.push_back(step);
  }
}

}  // namespace

Outcome decide(const Inputs& inputs) {
  Outcome outcome;
  Common common(inputs);
  std::set<std::string> images;
  for (const auto& [id, known] : gather(inputs)) {
    const Round round = plan_instance(common, id, known);
    add_steps(round, images, outcome.plan);
    if (auto routes = routes_of(round)) outcome.plan.routes.emplace(id, std::move(*routes));
    if (round.memory != InstanceMemory{}) outcome.memory.emplace(id, round.memory);
    outcome.status.push_back(status_of(round));
    outcome.events.insert(outcome.events.end(), round.events.begin(), round.events.end());
    if (round.wake_at && (!outcome.wake_at || *round.wake_at < *outcome.wake_at))
      outcome.wake_at = round.wake_at;
  }
  return outcome;
}

}  // namespace slipway::plan
