#include "sim/simulation.h"

#include <algorithm>
#include <csignal>

#include "base/check.h"

namespace slipway::sim {

namespace {

constexpr Duration kShortestTrouble = 2min;
constexpr Duration kLongestTrouble = 10min;
// No step for so long: longer than any wait that the scenarios have (backoffs, deadlines, canaries).
constexpr Duration kQuiet = 8min;
// By then, and after so many rounds, all must be at rest. The longest way there: every instance is stalled,
// has failed many times, and is replaced in slices.
constexpr Duration kHealing = 2h;
constexpr int64_t kHealingRounds = 4000;

engine::fake::Spread start_of(SeededRandom random) {
  using Shape = engine::fake::Spread::Shape;
  constexpr Shape kShapes[] = {Shape::Fixed, Shape::Uniform, Shape::LongTail};
  engine::fake::Spread spread;
  spread.shape = kShapes[random.below(3)];
  spread.low = Duration(static_cast<int64_t>(200 + random.below(8000)));
  spread.high = spread.low + Duration(static_cast<int64_t>(random.below(20'000)));
  return spread;
}

}  // namespace

Simulation::Simulation(uint64_t seed, const Options& options)
    : seed_(seed),
      options_(options),
      start_(start_of(SeededRandom(seed ^ 0xa5a5))),
      grounds_(Grounds::draw(seed, options.ignores_rules)),
      stage_(seed, grounds_.options, options.recording),
      proxy_(stage_),
      engine_(stage_, [this] { return proxy_.truth(); }),
      scenario_(seed, {stage_.clock, stage_.timeline, engine_, grounds_}),
      store_(std::make_unique<FaultyStore>(stage_)) {
  stage_.cluster->with([this](engine::fake::World& world) {
    world.set_draw([this](const model::Revision& revision, Random& random) {
      const auto word = revision.spec.env.find("BEHAVIOUR");
      const auto behaviour =
          word == revision.spec.env.end() ? std::nullopt : engine::fake::behaviour_from(word->second);
      auto knobs =
          engine::fake::draw_knobs(behaviour.value_or(engine::fake::Behaviour::Good), start_, random);
      knobs.stop_delay = Duration(static_cast<int64_t>(random.below(2000)));
      knobs.ignores_stop_signal = random.below(10) == 0;
      return knobs;
    });
  });
  set_spares_ready(false);
  engine_.watch([this] { hint(); });
}

void Simulation::set_spares_ready(bool ready) {
  for (const engine::fake::NodeOptions& node : grounds_.options.nodes) {
    if (is_spare(node)) set_node_ready(model::NodeId(node.id), ready);
  }
}

void Simulation::set_node_ready(const model::NodeId& node, bool ready) {
  ++stage_.node_changes;
  stage_.cluster->with(
      [&](engine::fake::World& world) { CHECK(world.set_node_ready(node, ready).has_value()); });
}

// ---- control planes

ControlPlane* Simulation::start_plane() {
  restart_due_ = false;
  ControlPlane::Hooks hooks;
  hooks.between = [this](ControlPlane& plane) { between(plane); };
  hooks.fetch = [this](ControlPlane& plane, const model::Image& image) { fetch(plane, image); };
  hooks.call = [this](ControlPlane& plane, const auto& wish, auto what, auto done) {
    call(plane, wish, what, std::move(done));
  };
  auto plane = std::make_unique<ControlPlane>(
      ++started_, ControlPlane::Parts{stage_, engine_, proxy_, *store_},
      ControlPlane::Ways{options_.planner, grounds_.rebalance, options_.recall}, std::move(hooks));
  const Status started = plane->start(scenario_.desired());
  stage_.timeline.note(started_, "plane", "starts{}",
                       started.has_value() ? "" : ": " + started.error().text());
  if (!started.has_value()) return nullptr;
  planes_.push_back(std::move(plane));
  return planes_.back().get();
}

// What may come between two actions of one round: its end, time, and the rounds of another control plane.
void Simulation::between(ControlPlane& plane) {
  const int number = plane.actor().number;
  if (stage_.chance.strikes(Fault::PlaneDies, 80, number)) plane.actor().dead = true;
  if (plane.actor().dead) return;
  if (stage_.chance.strikes(Fault::SlowAction, 30, number))
    stage_.advance_to(now() + stage_.chance.between(10ms, 4s));
  if (planes_.size() < 2 && stage_.chance.strikes(Fault::SecondPlane, 200)) start_plane();
  if (planes_.size() < 2) return;
  for (size_t i = 0; i < planes_.size(); ++i) {
    ControlPlane& other = *planes_[i];
    if (!other.in_round() && !other.ended() && !other.actor().dead && stage_.chance.below(3) == 0)
      run_round(other);
  }
}

void Simulation::run_round(ControlPlane& plane) {
  ++rounds_;
  plane.round();
  last_work_ = std::max(last_work_, plane.last_work());
}

// Those that have ended are gone, and somebody starts another in a while.
void Simulation::bury() {
  std::erase_if(planes_, [&](const auto& plane) {
    all_down_ = all_down_ || plane->all_down();
    return plane->ended() || plane->actor().dead;
  });
  if (!planes_.empty() || restart_due_ || all_down_) return;
  restart_due_ = true;
  if (stage_.chance.strikes(Fault::DiskLost, 6)) {
    store_ = std::make_unique<FaultyStore>(stage_);
    going_down_ = false;
  }
  later(stage_.chance.quiet() ? Duration(1s) : stage_.chance.between(100ms, 40s), [this] {
    restart_due_ = false;
    if (planes_.empty()) start_plane();
  });
}

ControlPlane* Simulation::find(int number) {
  for (const auto& plane : planes_) {
    if (plane->actor().number == number && !plane->actor().dead) return plane.get();
  }
  return nullptr;
}

void Simulation::fetch(ControlPlane& plane, const model::Image& image) {
  const int number = plane.actor().number;
  later(stage_.chance.between(100ms, 30s), [this, number, image] {
    if (ControlPlane* still = find(number))
      still->image_prepared(image, engine_.prepare(image, stage_.clock.deadline_in(20min)));
  });
}

void Simulation::call(ControlPlane& plane, const model::TellTaskStep& wish, reconcile::TaskCall what,
                      std::function<void(const Status&)> done) {
  const int number = plane.actor().number;
  const bool deaf = stage_.chance.strikes(Fault::TaskDeaf, 6, number);
  const bool mute = !deaf && stage_.chance.strikes(Fault::TaskMute, 6, number);
  const Duration time = deaf || mute ? Duration(5s) : stage_.chance.between(10ms, 2s);
  later(time, [this, number, wish, what, deaf, mute, done] {
    Status answer = Error(ErrorCode::Timeout, "the task did not answer in time");
    if (!deaf) {
      const Status heard = stage_.told.hear(wish, what, stage_.picture(proxy_.truth()), now());
      if (!mute) answer = heard;
    }
    if (find(number) != nullptr) done(answer);
  });
}

void Simulation::hint() {
  for (const auto& plane : planes_) {
    if (stage_.chance.strikes(Fault::HintLost, 10)) continue;
    const bool late = stage_.chance.strikes(Fault::HintLate, 10);
    plane->hint(late ? stage_.chance.between(1s, 15s) : Duration(300ms));
  }
}

// ---- trouble

void Simulation::change() {
  if (stage_.chance.quiet()) return;
  scenario_.change(*store_);
  if (stage_.chance.below(300) == 0) {
    going_down_ = store_->set_going_down(true).has_value();
    stage_.timeline.note(0, "change", "everything is to go");
  }
  tell_planes();
  later(stage_.chance.between(1s, 45s), [this] { change(); });
}

void Simulation::tell_planes() {
  for (const auto& plane : planes_) {
    plane->set_desired(scenario_.desired());
    plane->read_overrides();
    if (going_down_) plane->shut_down();
    plane->hint(0ms);
  }
}

void Simulation::strike() {
  if (stage_.chance.quiet()) return;
  strike_world();
  strike_plane();
  later(stage_.chance.between(100ms, 12s), [this] { strike(); });
}

void Simulation::strike_world() {
  Chance& chance = stage_.chance;
  if (chance.strikes(Fault::TaskDies, 4)) {
    std::vector<model::TaskId> running;
    for (const auto& [id, task] : stage_.picture(proxy_.truth())) {
      if (task.running) running.push_back(id);
    }
    if (!running.empty()) {
      const model::TaskId victim = running[chance.below(running.size())];
      stage_.timeline.note(0, "fault", "{} dies", victim.str());
      stage_.cluster->with(
          [&](engine::fake::World& world) { CHECK(world.kill_task(victim, SIGSEGV).has_value()); });
    }
  }
  if (chance.strikes(Fault::NodeLost, 20)) node_lost();
  if (chance.strikes(Fault::PortTaken, 25)) port_taken();
  if (chance.strikes(Fault::EngineOutage, 15)) stage_.engine_back = now() + chance.between(1s, 60s);
  if (chance.strikes(Fault::ProxyOutage, 15)) stage_.proxy_back = now() + chance.between(1s, 60s);
  if (chance.strikes(Fault::StoreFull, 15)) stage_.store_back = now() + chance.between(1s, 60s);
  if (chance.strikes(Fault::ProxyDies, 25)) proxy_.die();
  if (chance.strikes(Fault::ClockJumps, 25)) {
    const Duration jump = chance.between(1s, 10min);
    stage_.clock.jump_wall(chance.below(2) == 0 ? jump : -jump);
  }
}

void Simulation::strike_plane() {
  Chance& chance = stage_.chance;
  if (chance.strikes(Fault::PlaneDies, 20) && !planes_.empty())
    planes_[chance.below(planes_.size())]->actor().dead = true;
  if (chance.strikes(Fault::HintDoubled, 5)) {
    for (const auto& plane : planes_) plane->hint(0ms);
  }
  if (planes_.size() == 1 && chance.strikes(Fault::SecondPlane, 25)) start_plane();
}

void Simulation::node_lost() {
  const auto& nodes = grounds_.options.nodes;
  const engine::fake::NodeOptions& node = nodes[stage_.chance.below(nodes.size())];
  if (is_spare(node)) return;
  const model::NodeId id(node.id);
  set_node_ready(id, false);
  later(stage_.chance.between(1s, 120s), [this, id] { set_node_ready(id, true); });
}

void Simulation::port_taken() {
  const auto& instances = scenario_.instances();
  proxy_.refuse(instances[stage_.chance.below(instances.size())].id);
  later(stage_.chance.between(1s, 60s), [this] { proxy_.refuse_none(); });
}

void Simulation::calm_down() {
  stage_.timeline.note(0, "change", "the faults stop, and everything is mended");
  stage_.chance.be_quiet();
  stage_.engine_back = stage_.proxy_back = stage_.store_back = now();
  proxy_.refuse_none();
  set_spares_ready(true);
  scenario_.mend(*store_);
  tell_planes();
}

// ---- time

void Simulation::later(Duration wait, std::function<void()> action) {
  agenda_.add(now() + wait, std::move(action));
}

// The next thing that falls due before `end`. False when there is none.
bool Simulation::step(SteadyTime end) {
  bury();
  SteadyTime next = agenda_.next().value_or(end);
  ControlPlane* due = nullptr;
  for (const auto& plane : planes_) {
    if (plane->due() >= next) continue;
    next = plane->due();
    due = plane.get();
  }
  const auto world = stage_.cluster->with([](engine::fake::World& w) { return w.next_due(); });
  if (world && *world < std::min(next, end)) {
    stage_.advance_to(*world);
    return true;
  }
  if (next >= end) return false;
  stage_.advance_to(std::max(next, now()));
  if (due != nullptr) {
    run_round(*due);
  } else {
    agenda_.take().second();
  }
  return true;
}

void Simulation::run_until(SteadyTime end) {
  while (!stage_.referee.violation() && !all_down_ && step(end)) {
  }
  if (!stage_.referee.violation() && !all_down_) stage_.advance_to(end);
}

Rest Simulation::rest(bool quiet, std::string why) {
  Rest rest;
  rest.quiet = quiet;
  rest.not_quiet = std::move(why);
  rest.going_down = all_down_;
  rest.now = stage_.clock.now();
  const model::Desired desired = scenario_.desired();
  const auto overrides = store_->overrides().value_or(std::vector<model::Override>());
  const model::Observed observed =
      stage_.cluster->with([](engine::fake::World& world) { return world.observe(); });
  const discovery::ProxyState proxy = proxy_.truth();
  const plan::Routing routing;
  const plan::Images images;
  const plan::Memory memory;
  const plan::Inputs inputs{desired, observed, routing,     overrides, images,
                            memory,  true,     going_down_, rest.now};
  for (const model::Instance& instance : desired.instances) {
    Terms& terms = rest.terms[instance.id] =
        terms_of(inputs, instance.id, proxy.refused.contains(instance.id));
    terms.instance = &*std::ranges::find(scenario_.instances(), instance.id, &model::Instance::id);
  }
  for (const model::Node& node : observed.nodes) {
    if (node.draining) rest.drained_nodes.insert(node.id);
  }
  rest.revisions = observed.revisions;
  rest.picture = stage_.picture(proxy);
  rest.told = stage_.told.told(rest.picture);
  return rest;
}

// Until nothing was planned for long, or for ever.
void Simulation::heal() {
  const SteadyTime latest = now() + kHealing;
  const int64_t most_rounds = rounds_ + kHealingRounds;
  last_work_ = now();
  while (!stage_.referee.violation() && !all_down_) {
    if (now() - last_work_ >= kQuiet) break;
    if (now() >= latest || rounds_ > most_rounds) {
      stage_.referee.rested(
          rest(false, fmt::format("still at work {} and {} rounds after the faults stopped",
                                  to_text(std::chrono::floor<Duration>(now() - (latest - kHealing))),
                                  rounds_ - (most_rounds - kHealingRounds))));
      return;
    }
    run_until(now() + 30s);
  }
  if (!stage_.referee.violation()) stage_.referee.rested(rest(true, ""));
}

Report Simulation::run() {
  later(0ms, [this] { change(); });
  later(20s, [this] { strike(); });
  start_plane();
  const SteadyTime calm = now() + stage_.chance.between(kShortestTrouble, kLongestTrouble);
  run_until(calm);
  if (!stage_.referee.violation()) {
    calm_down();
    heal();
  }
  Report report;
  report.seed = seed_;
  report.virtual_time = stage_.timeline.elapsed();
  report.rounds = rounds_;
  report.faults = stage_.chance.tally();
  report.changes = scenario_.changes();
  report.checks = stage_.referee.checks();
  report.violation = stage_.referee.violation();
  if (report.violation)
    stage_.timeline.note(0, "violation", "invariant {}: {}", report.violation->invariant,
                         report.violation->text);
  report.timeline = stage_.timeline.entries();
  return report;
}

Report simulate(uint64_t seed, const Options& options) {
  return Simulation(seed, options).run();
}

}  // namespace slipway::sim
