// A cluster small enough to be obviously right, for driving the planner round by round: an engine, a load
// balancer and images, all in virtual time. Each round checks what must hold whatever the planner was asked.
//
// How a revision behaves is said in its environment, BEHAVIOUR: "good" (the default), "never" (runs and never
// becomes healthy), "sick" (fails its health check), "crash" (ends with exit code 3 as soon as it has
// started).
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/backoff.h"
#include "plan/bounce.h"
#include "plan/incremental.h"
#include "support/builders.h"

namespace slipway::test {

class TinyCluster {
 public:
  // What is wanted, for the test to change.
  model::Desired desired;
  std::vector<model::Override> overrides;
  bool shutting_down = false;

  // How the world is, for the test to change.
  Time now = Time(Duration(1'700'000'000'000));
  Duration start_time = 2s;  // from created to healthy
  Duration stop_time = 1s;
  Duration session_time = 3s;  // how long connections go on after their task drains
  Duration image_time = 5s;
  std::string image_failure;  // not empty: images fail with this
  bool proxy_known = true;
  std::map<model::InstanceId, std::string> refused;
  bool lose_steps = false;  // the engine is away: no step is applied
  bool check_floors = true;
  std::vector<model::Node> nodes;  // none: one that takes everything; sorted by id
  bool limited_room = false;
  int rebalance = 0;
  bool tells_safe = true;  // a task that is told to drain says, after session_time, that it is done

  // What came of it.
  plan::Outcome last;
  plan::Memory memory;
  std::vector<model::Event> events;
  std::vector<model::Step> steps;  // all that were applied

  void want(const model::Instance& instance) { desired.instances.put(instance); }

  // Observe, decide, check, apply.
  const plan::Outcome& round() {
    const model::Observed seen = observe();
    last = decide(seen);
    check(seen);
    const auto before = happy_by_instance(memory);
    sync_routes();
    if (!lose_steps) {
      for (const model::Step& step : last.plan.steps) apply(step);
      steps.insert(steps.end(), last.plan.steps.begin(), last.plan.steps.end());
    }
    if (check_floors) check_nobody_fell(before);
    // The memory crosses a restart every round.
    memory.clear();
    for (const auto& [id, value] : last.memory) {
      const auto read = plan::instance_memory_from_json(plan::to_json(value));
      EXPECT_TRUE(read.has_value() && *read == value) << id.text();
      if (read) memory[id] = *read;
    }
    events.insert(events.end(), last.events.begin(), last.events.end());
    return last;
  }

  void tick(Duration by = 1s) {
    now += by;
    for (auto& [name, image] : images_) advance_image(image);
    std::vector<model::TaskId> gone;
    for (auto& [id, task] : tasks_) {
      advance(task);
      if (task.ended_at && *task.ended_at <= now) gone.push_back(id);
    }
    for (const auto& id : gone) tasks_.erase(id);
    for (auto& [id, revision] : revisions_) fill(revision);
    for (auto& [id, server] : servers_) {
      if (server.seen.draining && now >= server.drained_at) server.seen.sessions = 0;
      if (!tasks_.contains(id)) server.seen.sessions = 0;
    }
  }

  // Rounds, a second each, until nothing is left to do and everything is as wanted. False when that takes too
  // long.
  bool settle(int rounds = 200) {
    for (int i = 0; i < rounds; ++i) {
      round();
      if (settled()) return true;
      tick();
    }
    return false;
  }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      round();
      tick();
    }
  }

  void add_node(const std::string& id, double cpus) {
    model::Node node;
    node.id = model::NodeId(id);
    node.cpus = cpus;
    node.mem_mb = 1 << 20;
    nodes.push_back(node);
  }
  model::Node& node(const std::string& id) {
    return *std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.id.str() == id; });
  }
  int on_node(const std::string& id) const {
    return count([&](const Running& task) { return task.seen.node.str() == id; });
  }

  // Nothing to do, nothing on its way.
  bool settled() const {
    if (!last.plan.empty()) return false;
    return std::all_of(last.status.begin(), last.status.end(), [](const model::InstanceStatus& status) {
      return status.draining.empty() &&
             (status.state == model::InstanceState::Running || status.state == model::InstanceState::Stopped);
    });
  }

  void kill(const model::TaskId& id) {
    Running& task = tasks_.at(id);
    if (task.seen.state == model::TaskState::Stopping) return;
    end(task, model::Exit{.code = {}, .signal = 9, .oom_killed = false});
  }
  void forget_memory() { memory.clear(); }

  const model::InstanceStatus& status(std::string_view id = "shop.web") const {
    for (const auto& status : last.status) {
      if (status.id.text() == id) return status;
    }
    static const model::InstanceStatus none;
    return none;
  }
  // Tasks that run and are healthy, of the revision with this VERSION; of all when empty.
  int healthy(const std::string& version = "") const {
    return count([&](const Running& task) {
      return task.seen.health == model::Health::Healthy && task.seen.state == model::TaskState::Running &&
             (version.empty() || task.version == version);
    });
  }
  // Tasks of the revision with this VERSION, in whatever state.
  int existing(const std::string& version) const {
    return count([&](const Running& task) { return task.version == version; });
  }
  int alive() const {
    return count([](const Running& task) { return task.seen.state != model::TaskState::Stopping; });
  }
  std::vector<model::TaskId> task_ids() const {
    std::vector<model::TaskId> ids;
    for (const auto& [id, task] : tasks_) ids.push_back(id);
    return ids;
  }
  model::Task& task(const model::TaskId& id) { return tasks_.at(id).seen; }
  size_t revisions() const { return revisions_.size(); }
  bool heard(const std::string& kind) const {
    return std::any_of(events.begin(), events.end(), [&](const auto& event) { return event.kind == kind; });
  }
  // The fewest tasks that served the instance after any round since the last reset.
  int lowest_happy(const model::InstanceId& id) const {
    const auto it = lowest_.find(id);
    return it == lowest_.end() ? 0 : it->second;
  }
  void reset_lowest() { lowest_.clear(); }

 private:
  struct Running {
    model::Task seen;
    std::string behaviour;
    std::string version;
    std::optional<Time> ended_at;  // of a stopping task
  };
  plan::IncrementalPlanner incremental_;
  struct Counted {
    model::Revision revision;
    int count = 0;
  };
  struct Server {
    plan::RoutedTask seen;
    Time drain_began{};
    Time drained_at{};
  };
  struct Prepared {
    plan::ImageStatus status;
    Time done_at{};
  };

  template <class Predicate>
  int count(Predicate predicate) const {
    return static_cast<int>(std::count_if(tasks_.begin(), tasks_.end(),
                                          [&](const auto& entry) { return predicate(entry.second); }));
  }

  model::Observed observe() const {
    model::Observed seen;
    seen.at = now;
    for (const auto& [id, counted] : revisions_) {
      seen.revisions.push_back(model::ObservedRevision{counted.revision, counted.count, 1});
    }
    for (const auto& [id, task] : tasks_) seen.tasks.push_back(task.seen);
    seen.nodes = nodes;
    return seen;
  }

  // The whole plan, held against one that goes on from the last.
  plan::Outcome decide(const model::Observed& seen) {
    plan::Routing routing;
    routing.known = proxy_known;
    routing.refused = refused;
    if (proxy_known) {
      for (const auto& [id, server] : servers_) routing.tasks[id] = server.seen;
    }
    plan::Images images;
    for (const auto& [name, image] : images_) images[name] = image.status;
    const plan::Inputs inputs{.desired = desired,
                              .observed = seen,
                              .routing = routing,
                              .overrides = overrides,
                              .images = images,
                              .memory = memory,
                              .restarts_tasks = true,
                              .shutting_down = shutting_down,
                              .now = now,
                              .limited_room = limited_room,
                              .rebalance = rebalance,
                              .drains = drain_reports()};
    plan::Outcome outcome = plan::decide(inputs);
    const plan::Outcome& again = incremental_.decide(inputs);
    EXPECT_EQ(outcome.plan, again.plan) << "the same input gave another plan";
    EXPECT_EQ(outcome.status, again.status) << "the same input gave another status";
    EXPECT_TRUE(plan::same_answer(outcome, again)) << "the same input gave another outcome";
    return outcome;
  }

  // What must hold of any outcome.
  void check(const model::Observed& seen) const {
    for (const model::InstanceStatus& status : last.status) {
      const bool as_wanted =
          status.state == model::InstanceState::Running || status.state == model::InstanceState::Stopped;
      EXPECT_TRUE(as_wanted || !status.reason.empty()) << status.id.text() << " has no reason";
      EXPECT_FALSE(status.causes.empty());
    }
    for (const auto& [id, routes] : last.plan.routes) {
      for (const model::Route& route : routes) {
        const model::Task& task = tasks_.at(route.task).seen;
        EXPECT_EQ(task.state, model::TaskState::Running) << task.id.str() << " is routed to";
        EXPECT_TRUE(route.traffic == model::Traffic::Drain || task.health == model::Health::Healthy ||
                    skips_health());
      }
    }
    for (const model::Step& step : last.plan.steps) {
      if (const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action)) check_removal(*remove);
      if (const auto* remove = std::get_if<model::RemoveRevisionStep>(&step.action)) {
        for (const model::Task& task : seen.tasks)
          EXPECT_NE(task.revision, remove->revision) << "it has tasks";
      }
    }
    EXPECT_TRUE(!last.wake_at || *last.wake_at > now);
  }

  bool skips_health() const {
    return std::any_of(overrides.begin(), overrides.end(),
                       [](const auto& value) { return value.kind == model::OverrideKind::SkipHealth; });
  }

  // A task is stopped only when nothing new is sent to it and its connections have ended, or have had their
  // time.
  void check_removal(const model::RemoveTasksStep& step) const {
    for (const model::TaskId& id : step.tasks) {
      const auto server = servers_.find(id);
      if (server == servers_.end() || tasks_.at(id).seen.state != model::TaskState::Running) continue;
      EXPECT_FALSE(server->second.seen.in) << id.str() << " is stopped while it gets requests";
      const bool had_its_time =
          now - server->second.drain_began >= drain_timeout(tasks_.at(id).seen.instance);
      EXPECT_TRUE(server->second.seen.sessions == 0 || had_its_time) << id.str() << " is stopped undrained";
    }
  }

  Duration drain_timeout(const model::InstanceId& id) const {
    for (const auto& instance : desired.instances) {
      if (instance.id == id) return instance.drain.timeout;
    }
    return model::Drain{}.timeout;
  }

  // `known` tells what drains, of tasks that no load balancer knows.
  bool is_happy(const Running& task, const plan::Memory& known) const {
    if (task.seen.state != model::TaskState::Running) return false;
    if (task.seen.health != model::Health::Healthy && !skips_health()) return false;
    for (const auto& instance : desired.instances) {
      if (instance.id != task.seen.instance || !instance.proxy || refused.contains(instance.id)) continue;
      const auto server = servers_.find(task.seen.id);
      return server != servers_.end() && server->second.seen.in;
    }
    const auto remembered = known.find(task.seen.instance);
    return remembered == known.end() || !remembered->second.drains.contains(task.seen.id);
  }

  std::map<model::InstanceId, int> happy_by_instance(const plan::Memory& known) const {
    std::map<model::InstanceId, int> happy;
    for (const auto& instance : desired.instances) happy[instance.id] = 0;
    for (const auto& [id, task] : tasks_) happy[task.seen.instance] += is_happy(task, known);
    return happy;
  }

  // Applying the plan may not take the happy tasks of an instance below its floor.
  void check_nobody_fell(const std::map<model::InstanceId, int>& before) {
    const auto after = happy_by_instance(last.memory);
    for (const auto& instance : desired.instances) {
      const int left = after.at(instance.id);
      auto [lowest, first] = lowest_.try_emplace(instance.id, left);
      if (!first) lowest->second = std::min(lowest->second, left);
      const auto method = instance.bounce.method;
      if (method == model::BounceMethod::Brutal || method == model::BounceMethod::DownThenUp) continue;
      const int wanted = status(instance.id.text()).desired;
      const int floor = std::min(plan::floor_of(wanted, instance.bounce.margin), before.at(instance.id));
      EXPECT_GE(left, floor) << instance.id.text() << " fell below its floor";
    }
  }

  void sync_routes() {
    if (!proxy_known) return;
    std::map<model::TaskId, Server> synced;
    for (const auto& [id, routes] : last.plan.routes) {
      if (refused.contains(id)) continue;
      for (const model::Route& route : routes) {
        const auto old = servers_.find(route.task);
        Server server = old == servers_.end() ? Server{} : old->second;
        const bool drains = route.traffic == model::Traffic::Drain;
        if (drains && !server.seen.draining) {
          server.drain_began = now;
          server.drained_at = now + session_time;
        }
        server.seen.in = !drains;
        server.seen.draining = drains;
        // Every other task is idle: connections alone must not be what keeps a routed task from being
        // stopped.
        if (!drains) server.seen.sessions = 2 * (route.address.port % 2);
        synced[route.task] = server;
      }
    }
    servers_ = std::move(synced);
  }

  void apply(const model::Step& step) {
    if (const auto* scale = std::get_if<model::ScaleStep>(&step.action)) {
      EXPECT_TRUE(scale->revision.spec.image.kind == model::ImageKind::HostFilesystem || scale->count == 0 ||
                  revisions_.contains(scale->revision.id) ||
                  images_[model::describe(scale->revision.spec.image)].status.state ==
                      plan::ImageState::Ready)
          << "started before its image is there";
      Counted& counted = revisions_[scale->revision.id];
      counted.revision = scale->revision;
      counted.count = scale->count;
      EXPECT_LE(live_of(scale->revision.id), scale->count) << "the engine would have to choose whom to stop";
      fill(counted);
    } else if (const auto* remove = std::get_if<model::RemoveTasksStep>(&step.action)) {
      for (const model::TaskId& id : remove->tasks) stop(id);
    } else if (const auto* gone = std::get_if<model::RemoveRevisionStep>(&step.action)) {
      revisions_.erase(gone->revision);
    } else if (const auto* prepare = std::get_if<model::PrepareStep>(&step.action)) {
      Prepared& image = images_[model::describe(prepare->image)];
      image.status.state = plan::ImageState::Preparing;
      image.done_at = now + image_time;
    } else if (const auto* tell = std::get_if<model::TellTaskStep>(&step.action)) {
      if (tell->drain) told_.try_emplace(tell->task, now);
      if (!tell->drain) told_.erase(tell->task);
    }
  }

  void stop(const model::TaskId& id) {
    const auto it = tasks_.find(id);
    if (it == tasks_.end() || it->second.seen.state == model::TaskState::Stopping) return;
    it->second.seen.state = model::TaskState::Stopping;
    it->second.seen.next_start_at.reset();
    it->second.ended_at = now + stop_time;
    --revisions_.at(it->second.seen.revision).count;
  }

  int live_of(const model::RevisionId& id) const {
    return count([&](const Running& task) {
      return task.seen.revision == id && task.seen.state != model::TaskState::Stopping;
    });
  }

  plan::DrainReports drain_reports() const {
    plan::DrainReports reports;
    for (const auto& [task, at] : told_) {
      reports[task] = {.told = true, .safe = tells_safe && now - at >= session_time, .error = ""};
    }
    return reports;
  }

  // The emptiest node with room; no node where nothing has.
  void place(Running& task, const model::TaskSpec& spec) {
    const model::Node* best = nullptr;
    for (const model::Node& node : nodes) {
      const double used = spec.resources.cpus * on_node(node.id.str());
      const bool has_room = node.ready && !node.draining && used + spec.resources.cpus <= node.cpus + 1e-9;
      if (has_room && (best == nullptr || on_node(node.id.str()) < on_node(best->id.str()))) best = &node;
    }
    if (best != nullptr) task.seen.node = best->id;
  }

  void fill(const Counted& counted) {
    for (int live = live_of(counted.revision.id); live < counted.count; ++live) {
      Running task;
      task.seen = pending_task(counted.revision, "t" + std::to_string(1000 + ++last_task_), now);
      task.seen.state = model::TaskState::Starting;
      const auto& env = counted.revision.spec.env;
      task.behaviour = env.contains("BEHAVIOUR") ? env.at("BEHAVIOUR") : "good";
      task.version = env.contains("VERSION") ? env.at("VERSION") : "";
      place(task, counted.revision.spec);
      tasks_.emplace(task.seen.id, task);
    }
  }

  void end(Running& task, model::Exit exit) {
    task.seen.state = model::TaskState::Failed;
    task.seen.health = model::Health::Unknown;
    task.seen.healthy_since.reset();
    task.seen.last_exit = exit;
    task.seen.addresses.clear();
    task.seen.next_start_at = now + Backoff{}.delay(++task.seen.restarts);
    task.seen.last_lines = {"the last words of " + task.seen.id.str()};
  }

  void advance(Running& task) {
    model::Task& seen = task.seen;
    if (seen.state == model::TaskState::Stopping) return;
    if (!nodes.empty() && seen.node.empty()) {
      place(task, revisions_.at(seen.revision).revision.spec);
      seen.created_at = now;
      if (seen.node.empty()) return;
    }
    if (seen.next_start_at) {
      if (*seen.next_start_at > now) return;
      seen.next_start_at.reset();
      seen.state = model::TaskState::Starting;
      seen.started_at = now;
      return;
    }
    const Duration age = now - seen.started_at.value_or(seen.created_at);
    if (seen.state == model::TaskState::Starting && age >= 1s) {
      if (task.behaviour == "crash")
        return end(task, model::Exit{.code = 3, .signal = {}, .oom_killed = false});
      seen.state = model::TaskState::Running;
      seen.addresses = {model::Address{.ip = "10.0.0.1", .port = ++last_port_, .container_port = 80}};
    }
    if (seen.state != model::TaskState::Running || age < start_time) return;
    if (task.behaviour == "sick") {
      seen.health = model::Health::Unhealthy;
      seen.reason = "http check: status 500";
    } else if (task.behaviour == "good" && seen.health != model::Health::Healthy) {
      seen.health = model::Health::Healthy;
      seen.healthy_since = now;
    }
  }

  void advance_image(Prepared& image) {
    if (image.status.state != plan::ImageState::Preparing || now < image.done_at) return;
    image.status.reason = image_failure;
    image.status.state = image_failure.empty() ? plan::ImageState::Ready : plan::ImageState::Failed;
    if (!image_failure.empty()) image.status.retry_at = now + Backoff{}.delay(++image.status.failures);
  }

  std::map<model::RevisionId, Counted> revisions_;
  std::map<model::TaskId, Running> tasks_;
  std::map<model::TaskId, Server> servers_;
  std::map<std::string, Prepared> images_;
  std::map<model::TaskId, Time> told_;
  std::map<model::InstanceId, int> lowest_;
  int last_task_ = 0;
  int last_port_ = 20000;
};

inline void set_version(model::Instance& instance, const std::string& version,
                        const std::string& behaviour = "good") {
  instance.spec.env["VERSION"] = version;
  instance.spec.env["BEHAVIOUR"] = behaviour;
}

// A cluster where version 1 of this instance is up and all is quiet.
inline TinyCluster settled_with(const model::Instance& instance) {
  TinyCluster cluster;
  cluster.want(instance);
  EXPECT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.healthy("1"), instance.count);
  cluster.reset_lowest();
  return cluster;
}

}  // namespace slipway::test
