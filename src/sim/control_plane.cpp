#include "sim/control_plane.h"

#include <algorithm>

namespace slipway::sim {

namespace {

// As in Loop, but for the seconds between two idle looks: nothing is gained by many that see the same.
constexpr Duration kIdleInterval = 20s;
constexpr Duration kDrainInterval = 1s;
constexpr Duration kGather = 10ms;
constexpr Duration kFailureInterval = 1s;

reconcile::CoreSettings settings(int rebalance,
                                 std::function<const plan::Outcome&(const plan::Inputs&)> planner) {
  reconcile::CoreSettings settings;
  settings.cluster = "sim";
  settings.engine = "fake";
  settings.limited_room = true;
  settings.rebalance = rebalance;
  settings.planner = std::move(planner);
  return settings;
}

plan::Inputs with_memory(const plan::Inputs& inputs, const plan::Memory& memory) {
  return {inputs.desired,        inputs.observed,      inputs.routing,
          inputs.overrides,      inputs.images,        memory,
          inputs.restarts_tasks, inputs.shutting_down, inputs.now,
          inputs.limited_room,   inputs.rebalance,     inputs.drains};
}

}  // namespace

ControlPlane::ControlPlane(int number, Parts parts, const Ways& ways, Hooks hooks)
    : actor_{number, false},
      parts_(parts),
      hooks_(std::move(hooks)),
      recall_(ways.recall),
      core_(settings(ways.rebalance,
                     [this, planner = ways.planner](const plan::Inputs& inputs) -> const plan::Outcome& {
                       return decide(planner, inputs);
                     })),
      journal_(parts.store),
      applier_({parts.engine, parts.proxy, parts.store, journal_, store_mutex_, parts.stage.clock},
               [this] { return may_act(); }),
      teller_(
          parts.stage.clock,
          [this](const auto& wish, auto what, auto done) { hooks_.call(*this, wish, what, std::move(done)); },
          [this] { hint(0ms); }),
      due_(parts.stage.clock.steady_now()) {}

Status ControlPlane::start(const model::Desired& desired) {
  claim_ = TRY(parts_.store.claim());
  core_.set_overrides(TRY(parts_.store.overrides()));
  for (const auto& [instance, text] : TRY(parts_.store.memories()))
    core_.set_memory(instance, recall_ ? recall_(text) : text);
  core_.set_open_bounces(TRY(parts_.store.open_bounces()));
  if (TRY(parts_.store.going_down())) core_.set_shutting_down();
  core_.set_desired(desired);
  return {};
}

void ControlPlane::read_overrides() {
  if (const auto overrides = parts_.store.overrides()) core_.set_overrides(*overrides);
}

void ControlPlane::image_prepared(const model::Image& image, const Status& result) {
  core_.image_prepared(image, result, parts_.stage.clock.now());
  hint(0ms);
}

void ControlPlane::hint(Duration delay) {
  due_ = std::min(due_, parts_.stage.clock.steady_now() + std::max(delay, kGather));
}

void ControlPlane::next_in(Duration wait) {
  due_ = parts_.stage.clock.steady_now() + wait;
}

// The planner's answer, asked for twice and shown to the referee: the real planner once as it goes on from
// its last plan, as in production, and once from nothing.
const plan::Outcome& ControlPlane::decide(const Planner& planner, const plan::Inputs& lent) {
  // The memory may be part of the outcome that is about to be replaced.
  const plan::Memory memory = lent.memory;
  const plan::Inputs inputs = with_memory(lent, memory);
  files_ = inputs.desired;
  if (planner) outcome_ = planner(inputs);
  const plan::Outcome& outcome = planner ? outcome_ : incremental_.decide(lent);
  const plan::Outcome again = planner ? planner(inputs) : plan::decide(inputs);
  const discovery::ProxyState proxy = parts_.proxy.truth();
  Decision decision = decision_on(inputs, outcome, parts_.stage.picture(proxy), proxy);
  decision.plane = actor_.number;
  decision.look = looks_;
  decision.stale = parts_.engine.stale();
  decision.node_changes = node_changes_;
  const FaultTally& faults = parts_.stage.chance.tally();
  decision.state_kept =
      faults[static_cast<size_t>(Fault::StoreFull)] + faults[static_cast<size_t>(Fault::DiskLost)] == 0;
  parts_.stage.referee.decided(std::move(decision), {inputs, outcome, again});
  tell(outcome);
  return outcome;
}

// What is new for whoever reads the timeline.
void ControlPlane::tell(const plan::Outcome& outcome) {
  Timeline& timeline = parts_.stage.timeline;
  if (!timeline.recording()) return;
  for (const model::InstanceStatus& status : outcome.status) {
    std::string text = fmt::format("{} {} {} of {}: {}", status.id.text(), model::to_text(status.state),
                                   status.healthy, status.desired, status.reason);
    std::string& last = told_[status.id];
    if (text != last) timeline.note(actor_.number, "status", "{}", text);
    last = std::move(text);
  }
  for (const model::Step& step : outcome.plan.steps)
    timeline.note(actor_.number, "decide", "{}", step.text());
}

Status ControlPlane::may_act() {
  hooks_.between(*this);
  if (actor_.dead) return Error(ErrorCode::Internal, "the control plane has died");
  // Who cannot tell goes on: the newest claim is lost to nobody by a disk that fails.
  const Status mine = parts_.store.still_mine(claim_);
  if (!mine.has_value() && mine.error().code() == ErrorCode::Conflict) return mine;
  return {};
}

void ControlPlane::round() {
  Actor* const before = std::exchange(parts_.stage.acting, &actor_);
  in_round_ = true;
  ++rounds_;
  if (!look_and_act()) next_in(kFailureInterval);
  in_round_ = false;
  parts_.stage.acting = before;
}

// False when something failed, so that it is to be tried again soon.
bool ControlPlane::look_and_act() {
  node_changes_ = parts_.stage.node_changes;
  const auto observed = parts_.engine.observe(parts_.stage.clock.deadline_in(30s));
  const auto proxy = parts_.proxy.observe(parts_.stage.clock.deadline_in(10s));
  if (!observed.has_value()) return false;
  ++looks_;
  teller_.look(*observed);
  core_.set_drain_reports(teller_.reports());
  reconcile::Round round =
      core_.decide(*observed, reconcile::routing_from(proxy, core_.routes()), parts_.stage.clock.now());
  for (const model::Image& image : round.prepare) hooks_.fetch(*this, image);
  if (round.all_gone) {
    end_shutdown();
    return ended_;
  }
  if (round.drains || !round.plan.steps.empty()) last_work_ = parts_.stage.clock.steady_now();
  const bool in_step = proxy.has_value() && proxy->in_step;
  reconcile::Carried carried;
  if (round.idle() && in_step && !proxy_trouble_ && !store_trouble_) {
    core_.clear_step_errors();
    carried.round = std::move(round);
  } else {
    model::Generation seen = 0;
    for (const auto& revision : observed->revisions) seen = std::max(seen, revision.generation);
    carried = applier_.carry_out(std::move(round), seen);
  }
  finish(carried);
  return true;
}

void ControlPlane::finish(const reconcile::Carried& carried) {
  if (carried.halted) {
    parts_.stage.timeline.note(actor_.number, "plane", "ends: {}", carried.halted->text());
    ended_ = true;
    return;
  }
  teller_.follow(carried.round.tell);
  store_trouble_ = !carried.stored.has_value();
  proxy_trouble_ = !carried.proxy.has_value();
  bool failed = proxy_trouble_;
  core_.clear_step_errors();
  for (const auto& [instance, result] : carried.steps) {
    if (result.has_value()) continue;
    failed = true;
    core_.step_failed(instance, result.error().text());
  }
  if (failed) return next_in(kFailureInterval);
  const reconcile::Round& round = carried.round;
  parts_.stage.referee.carried_out(actor_.number, parts_.stage.picture(parts_.proxy.truth()));
  Duration wait = round.drains || round.entering ? kDrainInterval : kIdleInterval;
  if (store_trouble_) wait = std::min(wait, Duration(5s));
  if (round.wake_at) wait = std::clamp(*round.wake_at - parts_.stage.clock.now(), kGather, wait);
  const bool new_steps = !round.plan.steps.empty() && !round.repeated;
  if (round.repeated) wait = std::min(wait, kFailureInterval);
  next_in(new_steps || round.routes_changed ? kGather : wait);
}

void ControlPlane::end_shutdown() {
  const Status stopped = parts_.proxy.stop(parts_.stage.clock.deadline_in(10s));
  const Status released = parts_.engine.release(parts_.stage.clock.deadline_in(30s));
  ended_ = all_down_ = stopped.has_value() && released.has_value();
}

Decision decision_on(const plan::Inputs& inputs, const plan::Outcome& outcome, const Picture& picture,
                     const discovery::ProxyState& proxy) {
  Decision decision;
  decision.now = inputs.now;
  decision.routing_known = inputs.routing.known;
  for (const auto& [id, memory] : outcome.memory) {
    if (inputs.rebalance > 0 && memory.moving) ++decision.moving[id];
  }
  for (const model::InstanceStatus& status : outcome.status) {
    decision.terms[status.id] = terms_of(inputs, status.id, proxy.refused.contains(status.id));
    decision.aims[status.id] = status.revision;
  }
  for (const auto& revision : inputs.observed.revisions)
    decision.counts[revision.revision.id] = revision.count;
  std::set<model::NodeId> drained;
  for (const model::Node& node : inputs.observed.nodes) {
    if (node.draining) drained.insert(node.id);
  }
  for (const model::Task& task : inputs.observed.tasks) {
    if (task.one_off) continue;
    decision.seen[task.id] = task.state;
    decision.processes[task.id] = task.started_at;
    if (drained.contains(task.node)) ++decision.moving[task.instance];
    const auto truth = picture.find(task.id);
    TaskTruth seen = truth == picture.end() ? TaskTruth() : truth->second;
    seen.running = task.state == model::TaskState::Running;
    seen.healthy_since = task.healthy_since;
    const Terms& terms = decision.terms_for(task.instance);
    if (terms.happy(seen, inputs.now)) decision.happy[task.instance].insert(task.id);
  }
  return decision;
}

}  // namespace slipway::sim
