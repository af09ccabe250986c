#include "sim/rehearsal.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "engine/fake/world.h"
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
        clock_(std::max(FakeClock().now(), question.start.at)),
        random_(question.seed),
        world_(options_of(question), random_),
        timeline_(clock_, question.timeline) {}

  RehearsalReport run();

 private:
  void set_up();
  void plan_faults();
  void round();
  void look(const plan::Outcome& outcome);
  void look_at(const model::InstanceStatus& status, int& serving);
  void route(const plan::Outcome& outcome);
  void apply(const model::Step& step);
  bool wait();
  bool as_wanted(const plan::Outcome& outcome) const;
  void advance(SteadyTime to);

  const RehearsalQuestion& question_;
  FakeClock clock_;
  SeededRandom random_;
  engine::fake::World world_;
  Timeline timeline_;
  RehearsalReport report_;

  plan::Routing routing_{.known = true, .tasks = {}, .refused = {}};
  std::map<SteadyTime, std::vector<model::TaskId>> session_ends_;
  plan::Images images_;
  plan::Memory memory_;
  engine::fake::Agenda faults_;
  std::optional<Time> wake_at_;
  std::unordered_set<model::TaskId> known_;
  model::Generation generation_ = 0;
  int lost_now_ = 0;  // lost tasks whose replacements have not been counted yet
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
  world_.each_task([&](const model::Task& task) {
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

void Rehearsal::route(const plan::Outcome& outcome) {
  std::map<model::TaskId, plan::RoutedTask> next;
  for (const auto& [id, routes] : outcome.plan.routes) {
    for (const model::Route& route : routes) {
      const bool drain = route.traffic == model::Traffic::Drain;
      const auto before = routing_.tasks.find(route.task);
      const bool was_in = before != routing_.tasks.end() && before->second.in;
      plan::RoutedTask now{.in = !drain, .draining = drain, .sessions = 0};
      if (drain && before != routing_.tasks.end()) now.sessions = before->second.sessions;
      if (drain && was_in) {
        now.sessions = 1;
        session_ends_[clock_.steady_now() + question_.session_time].push_back(route.task);
      }
      next.emplace_hint(next.end(), route.task, now);
    }
  }
  routing_.tasks = std::move(next);
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

void Rehearsal::look_at(const model::InstanceStatus& status, int& serving) {
  InstanceRehearsal& instance = report_.instances[status.id];
  const int here = std::min(status.healthy, status.desired);
  serving += here;
  const bool up = instance.lowest.has_value() || (first_ ? here > 0 : here == status.desired);
  if (up)
    instance.lowest =
        status.desired == instance.desired ? std::min(instance.lowest.value_or(here), here) : here;
  instance.desired = status.desired;
  instance.reason = status.reason;
  instance.to = status.revision;
  if (status.bounce) instance.from = status.bounce->from;
  if (!status.reason.empty()) instance.done = timeline_.elapsed();
  const size_t room = status.reason.find("not all tasks have room");
  if (room != std::string::npos && instance.room.empty()) instance.room = status.reason.substr(room);
}

void Rehearsal::look(const plan::Outcome& outcome) {
  int serving = 0, wanted = 0;
  for (const model::InstanceStatus& status : outcome.status) {
    look_at(status, serving);
    wanted += status.desired;
    for (const model::Task& task : status.seen->tasks) {
      if (task.state == model::TaskState::Lost) ++lost_now_;
      if (known_.insert(task.id).second) ++report_.started;
    }
  }
  report_.moved = std::max<int64_t>(report_.moved, lost_now_);
  lost_now_ = 0;
  if (first_ || serving - wanted < report_.lowest - report_.lowest_of) {
    report_.lowest = serving;
    report_.lowest_of = wanted;
    report_.lowest_at = timeline_.elapsed();
  }
  report_.wanted = wanted;
  first_ = false;
}

bool Rehearsal::as_wanted(const plan::Outcome& outcome) const {
  if (!outcome.plan.steps.empty()) return false;
  return std::all_of(outcome.status.begin(), outcome.status.end(), [](const model::InstanceStatus& status) {
    return status.draining.empty() &&
           (status.state == InstanceState::Running || status.state == InstanceState::Stopped);
  });
}

void Rehearsal::round() {
  const model::Observed observed = world_.observe();
  const plan::Outcome outcome = plan::decide(plan::Inputs{.desired = question_.desired,
                                                          .observed = observed,
                                                          .routing = routing_,
                                                          .overrides = question_.overrides,
                                                          .images = images_,
                                                          .memory = memory_,
                                                          .restarts_tasks = true,
                                                          .shutting_down = false,
                                                          .now = clock_.now(),
                                                          .limited_room = question_.limited_room,
                                                          .rebalance = question_.rebalance});
  ++report_.rounds;
  look(outcome);
  resting_ = as_wanted(outcome);
  memory_ = outcome.memory;
  wake_at_ = outcome.wake_at;
  route(outcome);
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
