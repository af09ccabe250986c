#include "sim/rehearsal.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "engine/fake/world.h"
#include "plan/incremental.h"
#include "sim/room_placer.h"

namespace slipway::sim {
namespace {

using model::InstanceState;

// What happens within so long is looked at together; with many tasks longer, as a round takes longer there.
constexpr Duration kGather = 1s;
constexpr int64_t kTasksASecond = 40'000;
constexpr Duration kFaultWindow = 60s;

engine::fake::Options options_of(const RehearsalQuestion& question) {
  engine::fake::Options options;
  options.nodes.clear();
  for (const model::Node& node : question.start.nodes) {
    engine::fake::NodeOptions there;
    there.id = node.id.str();
    if (question.limited_room) {
      there.cpus = node.cpus;
      there.mem_mb = node.mem_mb;
    }
    there.attributes = node.attributes;
    options.nodes.push_back(std::move(there));
  }
  options.placer = std::make_shared<RoomPlacer>();
  return options;
}

class Rehearsal {
 public:
  explicit Rehearsal(const RehearsalQuestion& question)
      : question_(question),
        desired_(question.desired),
        clock_(std::max(FakeClock().now(), question.start.at)),
        random_(question.seed),
        world_(options_of(question), random_),
        timeline_(clock_, question.timeline) {}

  RehearsalReport run();

 private:
  // What is counted of each instance.
  struct Share {
    int serving = 0;
    int wanted = 0;
    int lost = 0;  // tasks whose replacements have not been seen yet
    int unsettled = 0;
    bool troubled = false;  // there is a reason

    void add(const Share& other, int sign) {
      serving += sign * other.serving;
      wanted += sign * other.wanted;
      lost += sign * other.lost;
      unsettled += sign * other.unsettled;
    }
  };

  void set_up();
  void plan_faults();
  void round();
  void look(const plan::Outcome& outcome);
  void look_at(const model::InstanceStatus& status, bool was_troubled);
  static Share share_of(const model::InstanceStatus& status);
  void route(const plan::Outcome& outcome, const model::InstanceId& id);
  void apply(const model::Step& step);
  bool wait();
  void advance(SteadyTime to);

  const RehearsalQuestion& question_;
  const Shared<model::Desired> desired_;
  FakeClock clock_;
  SeededRandom random_;
  engine::fake::World world_;
  Timeline timeline_;
  RehearsalReport report_;

  plan::Routing routing_{.known = true, .tasks = {}, .refused = {}};
  std::map<SteadyTime, std::vector<model::TaskId>> session_ends_;
  plan::Images images_;
  plan::IncrementalPlanner planner_;
  std::map<model::InstanceId, std::vector<model::TaskId>> routed_;  // sorted
  engine::fake::Agenda faults_;
  std::optional<Time> wake_at_;
  std::unordered_set<model::TaskId> known_;
  model::Generation generation_ = 0;
  std::map<model::InstanceId, Share> shares_;
  Share all_;  // the sum of them
  Duration last_round_at_{};
  bool resting_ = false;
  bool first_ = true;
};

void Rehearsal::set_up() {
  advance(clock_.steady_now());
  world_.set_draw([this](const model::Revision&, Random& random) {
    return engine::fake::draw_knobs(engine::fake::Behaviour::Good, question_.start_time, random);
  });
  for (const auto& revision : question_.start.revisions)
    generation_ = std::max(generation_, revision.generation);
  world_.adopt(question_.start);
  for (const model::Node& node : question_.start.nodes) {
    if (!node.ready) static_cast<void>(world_.set_node_ready(node.id, false));
    if (node.draining) static_cast<void>(world_.set_draining(node.id, true, generation_));
  }
  world_.each_task([&](const model::Task& task, const model::Revision&) {
    known_.insert(task.id);
    if (task.state == model::TaskState::Running && task.health == model::Health::Healthy)
      routing_.tasks[task.id] = {.in = true, .draining = false, .sessions = 0};
  });
  for (const model::Instance& instance : question_.desired.instances)
    images_[model::describe(instance.spec.image)] = {plan::ImageState::Ready, "", {}, 0};
}

void Rehearsal::plan_faults() {
  std::vector<model::NodeId> nodes;
  for (const model::Node& node : question_.start.nodes) nodes.push_back(node.id);
  for (int i = 0; i < question_.lost_nodes && !nodes.empty(); ++i) {
    const auto index = static_cast<std::ptrdiff_t>(random_.below(nodes.size()));
    const model::NodeId node = nodes[static_cast<size_t>(index)];
    nodes.erase(nodes.begin() + index);
    const Duration at(static_cast<int64_t>(random_.below(static_cast<uint64_t>(kFaultWindow.count()))));
    faults_.add(clock_.steady_now() + at, [this, node] {
      timeline_.note(0, "fault", "node {} is lost", node.str());
      static_cast<void>(world_.set_node_ready(node, false));
    });
    faults_.add(clock_.steady_now() + at + question_.away, [this, node] {
      timeline_.note(0, "fault", "node {} is back", node.str());
      static_cast<void>(world_.set_node_ready(node, true));
    });
  }
}

// The world, and the faults that fall due on the way.
void Rehearsal::advance(SteadyTime to) {
  while (faults_.next() && *faults_.next() <= to) {
    auto [at, action] = faults_.take();
    clock_.advance(std::chrono::ceil<Duration>(std::max(at, clock_.steady_now()) - clock_.steady_now()));
    world_.advance(clock_.steady_now(), clock_.now());
    action();
  }
  clock_.advance(std::chrono::ceil<Duration>(to - clock_.steady_now()));
  world_.advance(clock_.steady_now(), clock_.now());
  while (!session_ends_.empty() && session_ends_.begin()->first <= clock_.steady_now()) {
    for (const model::TaskId& task : session_ends_.begin()->second) {
      const auto routed = routing_.tasks.find(task);
      if (routed != routing_.tasks.end() && routed->second.draining) routed->second.sessions = 0;
    }
    session_ends_.erase(session_ends_.begin());
  }
}

// What the load balancer does with the tasks of one instance from now on.
void Rehearsal::route(const plan::Outcome& outcome, const model::InstanceId& id) {
  const auto routes = outcome.plan.routes.find(id);
  const std::vector<model::TaskId> before = std::exchange(routed_[id], {});
  if (routes != outcome.plan.routes.end()) {
    for (const model::Route& route : routes->second) {
      routed_[id].push_back(route.task);
      plan::RoutedTask& now = routing_.tasks[route.task];
      const bool drain = route.traffic == model::Traffic::Drain;
      if (!drain) now.sessions = 0;
      if (drain && now.in) {
        now.sessions = 1;
        session_ends_[clock_.steady_now() + question_.session_time].push_back(route.task);
      }
      now.in = !drain;
      now.draining = drain;
    }
  }
  for (const model::TaskId& task : before) {
    if (!std::ranges::binary_search(routed_[id], task)) routing_.tasks.erase(task);
  }
}

void Rehearsal::apply(const model::Step& step) {
  ++report_.steps;
  timeline_.note(1, "step", "{}", step.text());
  if (question_.timeline) report_.taken.push_back({timeline_.elapsed(), step});
  if (const auto* scale = std::get_if<model::ScaleStep>(&step.action)) {
    static_cast<void>(world_.scale(scale->revision, scale->count, generation_));
  } else if (const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action)) {
    static_cast<void>(world_.remove_tasks(remove->revision, remove->tasks, remove->grace, generation_));
  } else if (const auto* gone = std::get_if<model::RemoveRevisionStep>(&step.action)) {
    static_cast<void>(world_.remove(gone->revision, gone->grace, generation_));
  }
}

void Rehearsal::look_at(const model::InstanceStatus& status, bool was_troubled) {
  InstanceRehearsal& instance = report_.instances[status.id];
  const int here = std::min(status.healthy, status.desired);
  const bool up = instance.lowest.has_value() || (first_ ? here > 0 : here == status.desired);
  if (up)
    instance.lowest =
        status.desired == instance.desired ? std::min(instance.lowest.value_or(here), here) : here;
  instance.desired = status.desired;
  instance.reason = status.reason;
  instance.to = status.revision;
  if (status.bounce) instance.from = status.bounce->from;
  // A trouble that nobody spoke of again lasted until the last round at least.
  if (was_troubled) instance.done = last_round_at_;
  if (!status.reason.empty()) instance.done = timeline_.elapsed();
  const size_t room = status.reason.find("not all tasks have room");
  if (room != std::string::npos && instance.room.empty()) instance.room = status.reason.substr(room);
  for (const model::Task& task : status.seen->tasks) {
    if (known_.insert(task.id).second) ++report_.started;
  }
}

// The share of one instance in the sums over all.
Rehearsal::Share Rehearsal::share_of(const model::InstanceStatus& status) {
  Share share;
  share.serving = std::min(status.healthy, status.desired);
  share.wanted = status.desired;
  share.lost =
      static_cast<int>(std::ranges::count(status.seen->tasks, model::TaskState::Lost, &model::Task::state));
  const bool rests = status.draining.empty() &&
                     (status.state == InstanceState::Running || status.state == InstanceState::Stopped);
  share.unsettled = rests ? 0 : 1;
  share.troubled = !status.reason.empty();
  return share;
}

// Others than those that were planned anew are as they were.
void Rehearsal::look(const plan::Outcome& outcome) {
  for (const model::InstanceId& id : outcome.planned) {
    const Share before = std::exchange(shares_[id], {});
    all_.add(before, -1);
    const auto status = std::ranges::lower_bound(outcome.status, id, {}, &model::InstanceStatus::id);
    if (status == outcome.status.end() || status->id != id) continue;
    look_at(*status, before.troubled);
    all_.add(shares_[id] = share_of(*status), 1);
  }
  report_.moved = std::max<int64_t>(report_.moved, all_.lost);
  if (first_ || all_.serving - all_.wanted < report_.lowest - report_.lowest_of) {
    report_.lowest = all_.serving;
    report_.lowest_of = all_.wanted;
    report_.lowest_at = timeline_.elapsed();
  }
  report_.wanted = all_.wanted;
  last_round_at_ = timeline_.elapsed();
  first_ = false;
}

void Rehearsal::round() {
  const model::Observed observed = world_.observe();
  const plan::Outcome& outcome = planner_.decide(plan::Inputs{.desired = desired_,
                                                              .observed = observed,
                                                              .routing = routing_,
                                                              .overrides = question_.overrides,
                                                              .images = images_,
                                                              .memory = planner_.outcome().memory,
                                                              .restarts_tasks = true,
                                                              .shutting_down = false,
                                                              .now = clock_.now(),
                                                              .limited_room = question_.limited_room,
                                                              .rebalance = question_.rebalance});
  ++report_.rounds;
  look(outcome);
  resting_ = outcome.plan.steps.empty() && all_.unsettled == 0;
  wake_at_ = outcome.wake_at;
  for (const model::InstanceId& id : outcome.rerouted) route(outcome, id);
  if (!outcome.plan.steps.empty()) ++generation_;
  for (const model::Step& step : outcome.plan.steps) apply(step);
  if (!resting_) report_.took = timeline_.elapsed();
}

// Until something is worth another look. False when nothing will come, or the time is over.
bool Rehearsal::wait() {
  const SteadyTime end = SteadyTime() + question_.limit;
  const uint64_t version = world_.version();
  bool first = true;
  while (clock_.steady_now() < end) {
    SteadyTime next = end;
    if (const auto due = world_.next_due()) next = std::min(next, *due);
    if (const auto fault = faults_.next()) next = std::min(next, *fault);
    if (!session_ends_.empty()) next = std::min(next, session_ends_.begin()->first);
    const SteadyTime wake = wake_at_ ? clock_.steady_now() + (*wake_at_ - clock_.now()) : end;
    const bool balances = question_.rebalance > 0 && wake_at_;
    const bool quiet = resting_ && !balances && !faults_.next() && session_ends_.empty();
    if (quiet && world_.version() == version && !first) return false;
    const Duration gather = kGather + Duration(1000 * report_.wanted / kTasksASecond);
    next = std::min({std::max(next, clock_.steady_now() + (first ? gather : Duration(1ms))), wake, end});
    const bool sessions = !session_ends_.empty() && session_ends_.begin()->first <= next;
    advance(next);
    first = false;
    if (world_.version() != version || next >= wake || sessions) return true;
  }
  return false;
}

RehearsalReport Rehearsal::run() {
  set_up();
  plan_faults();
  do {
    round();
  } while (wait());
  for (const auto& [id, share] : shares_) {
    if (share.troubled) report_.instances[id].done = last_round_at_;
  }
  report_.converged = resting_;
  report_.timeline = timeline_.entries();
  report_.end = world_.observe();
  return std::move(report_);
}

}  // namespace

RehearsalReport rehearse(const RehearsalQuestion& question) {
  return Rehearsal(question).run();
}

}  // namespace slipway::sim
