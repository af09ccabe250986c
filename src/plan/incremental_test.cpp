// An IncrementalPlanner against the whole plan: on inputs that change at random, whether they make sense or
// not; and that it thinks about no more instances than it has to.
#include "plan/incremental.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "support/builders.h"

namespace slipway::plan {
namespace {

constexpr Time kNow = Time(Duration(1'700'000'000'000));

// Inputs that can be changed in every part.
struct World {
  model::Desired desired;
  model::Observed observed;
  Routing routing{.known = true, .tasks = {}, .refused = {}};
  std::vector<model::Override> overrides;
  Images images;
  bool shutting_down = false;
  Time now = kNow;
  bool limited_room = false;
  int rebalance = 0;
  DrainReports drains;

  Inputs inputs(const Memory& memory) const {
    return {desired, observed,      routing, overrides,    images,    memory,
            true,    shutting_down, now,     limited_room, rebalance, drains};
  }
  model::Task& task(size_t number) { return observed.tasks.at(number); }
};

// Services a to e on four nodes, all as wanted: two tasks each.
World settled() {
  World world;
  for (int i = 0; i < 4; ++i) {
    model::Node node;
    node.id = model::NodeId(fmt::format("node-{}", i));
    node.cpus = 2;
    node.mem_mb = 4096;
    node.attributes["zone"] = i % 2 == 0 ? "east" : "west";
    world.observed.nodes.push_back(node);
  }
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    auto instance = test::instance(name + ".main", 2);
    instance.bounce.deadline = 60s;
    const auto revision = test::revision_of(instance);
    world.observed.revisions.push_back(test::observed_revision(revision, 2));
    for (int i = 0; i < 2; ++i) {
      auto task = test::healthy_task(revision, fmt::format("{}-{}", name, i), kNow - 1h);
      task.node = world.observed.nodes[static_cast<size_t>(i)].id;
      world.routing.tasks[task.id] = {.in = true};
      world.observed.tasks.push_back(task);
    }
    world.desired.instances.push_back(instance);
  }
  std::ranges::sort(world.observed.revisions, {}, [](const auto& seen) { return seen.revision.id; });
  return world;
}

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : random_(seed), spare_(settled()), world(settled()) {}

  void change() {
    const auto changes = 1 + random_.below(3);
    for (uint64_t i = 0; i < changes; ++i) change_one();
    world.now += Duration(random_.below(20'000));
    if (chance(30)) world.now -= 5min;
    world.observed.at = world.now - Duration(random_.below(5'000));
  }
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }

 private:
  SeededRandom random_;
  World spare_;  // what was taken away comes back from here

 public:
  World world;

 private:
  template <class List>
  auto& any(List& values) {
    return values[random_.below(values.size())];
  }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[random_.below(values.size())];
  }

  void change_one() {
    switch (random_.below(8)) {
      case 0:
        return change_files();
      case 1:
      case 2:
        return change_task(any(spare_.observed.tasks));
      case 3:
        return change_routing(any(spare_.observed.tasks).id);
      case 4:
        return change_revisions();
      case 5:
        return change_node(any(world.observed.nodes));
      case 6:
        return change_overrides();
      default:
        return change_rest();
    }
  }

  void change(model::Instance& instance) {
    instance.count = static_cast<int>(random_.below(5));
    instance.spec.env["VERSION"] = one_of<const char*>({"1", "1", "2"});
    instance.bounce.margin = one_of({1.0, 0.5});
    instance.bounce.auto_rollback = chance(2);
    instance.bounce.min_task_uptime = one_of({0s, 10s});
    instance.drain.method = one_of({model::DrainMethod::Proxy, model::DrainMethod::Http});
    if (chance(3)) instance.proxy.reset();
    if (chance(5)) instance.spec.image = {model::ImageKind::Reference, "docker://registry.test/a:1", ""};
    if (chance(8)) instance.kind = model::InstanceKind::Job;
  }

  void change_files() {
    auto& all = world.desired.instances;
    const model::Instance spare = any(spare_.desired.instances);
    const auto here = std::ranges::find(all, spare.id, &model::Instance::id);
    if (here == all.end()) {
      all.put(spare);
    } else if (chance(4)) {
      all.remove(spare.id);
      world.desired.broken.clear();
      if (chance(2)) world.desired.broken = {spare.id.service};
    } else {
      model::Instance changed = *here;
      change(changed);
      all.put(changed);
    }
    world.desired.problems.clear();
    if (chance(4))
      world.desired.problems.push_back({{"a/run.yaml", 1, 1}, spare.id.service, "", "wrong", ""});
  }

  void change_task(const model::Task& spare) {
    auto& all = world.observed.tasks;
    const auto here = std::ranges::find(all, spare.id, &model::Task::id);
    if (here == all.end()) {
      all.insert(std::ranges::lower_bound(all, spare.id, {}, &model::Task::id), spare);
      return;
    }
    if (chance(5)) {
      all.erase(here);
      return;
    }
    using enum model::TaskState;
    here->state = one_of({Pending, Starting, Running, Running, Running, Stopping, Failed, Lost});
    here->health = one_of(
        {model::Health::Healthy, model::Health::Healthy, model::Health::Unknown, model::Health::Unhealthy});
    here->healthy_since.reset();
    if (here->health == model::Health::Healthy) here->healthy_since = world.now;
    here->restarts = static_cast<int>(random_.below(5));
    here->node = here->state == Pending ? model::NodeId() : any(world.observed.nodes).id;
    here->one_off = chance(12);
  }

  void change_routing(const model::TaskId& task) {
    if (chance(4)) {
      world.routing.tasks.erase(task);
    } else {
      const bool in = chance(2);
      world.routing.tasks[task] = {in, !in, static_cast<int>(random_.below(2))};
    }
    world.routing.known = !chance(10);
    world.routing.down = chance(10) ? "not installed" : "";
    world.routing.refused.clear();
    if (chance(5)) world.routing.refused[any(spare_.desired.instances).id] = "port 8000 is taken";
    world.drains.clear();
    if (chance(3)) world.drains[task] = {true, chance(2), ""};
  }

  void change_revisions() {
    auto& all = world.observed.revisions;
    const auto spare = any(spare_.observed.revisions);
    const auto id_of = [](const auto& seen) { return seen.revision.id; };
    const auto here = std::ranges::find(all, spare.revision.id, id_of);
    if (here == all.end()) {
      all.insert(std::ranges::lower_bound(all, spare.revision.id, {}, id_of), spare);
    } else if (chance(4)) {
      all.erase(here);
    } else {
      here->count = static_cast<int>(random_.below(4));
    }
  }

  void change_node(model::Node& node) {
    node.ready = !chance(5);
    node.draining = chance(5);
    node.cpus = one_of({0.3, 2.0});
    node.reason = chance(4) ? "the disk is full" : "";
  }

  void change_overrides() {
    world.overrides.clear();
    using enum model::OverrideKind;
    while (chance(2)) {
      auto value = test::override_of("a.main", one_of({Stop, Scale, Pause, Restart, SkipHealth, Freeze}));
      value.instance = value.kind == Freeze ? model::InstanceId() : any(spare_.desired.instances).id;
      value.count = static_cast<int>(random_.below(4));
      value.nonce = "again";
      if (chance(2)) value.expires_at = world.now + Duration(random_.below(60'000));
      world.overrides.push_back(value);
    }
  }

  void change_rest() {
    world.limited_room = chance(2);
    world.rebalance = static_cast<int>(random_.below(3));
    world.shutting_down = chance(12);
    ImageStatus& image = world.images["docker://registry.test/a:1"];
    image.state = one_of({ImageState::Unknown, ImageState::Preparing, ImageState::Ready, ImageState::Failed});
    image.failures = image.state == ImageState::Failed ? 1 : 0;
    image.retry_at = world.now + 10s;
  }
};

void expect_same(const Outcome& outcome, const Outcome& whole) {
  EXPECT_EQ(outcome.plan.text(), whole.plan.text());
  EXPECT_EQ(outcome.plan.routes, whole.plan.routes);
  EXPECT_EQ(outcome.memory, whole.memory);
  EXPECT_EQ(outcome.memory_changes, whole.memory_changes);
  EXPECT_EQ(outcome.status, whole.status);
  EXPECT_EQ(outcome.wake_at, whole.wake_at);
  EXPECT_TRUE(same_answer(outcome, whole));
}

TEST(Incremental, AnswersAsTheWholePlanDoesWhateverHasChanged) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Chaos chaos(seed);
    IncrementalPlanner planner;
    Memory memory;
    for (int round = 0; round < 60; ++round) {
      if (round > 0) chaos.change();
      // Mostly the memory is handed back as it was lent, sometimes as a copy, seldom is it lost.
      if (chaos.chance(20)) memory.clear();
      const bool lent = round > 0 && memory == planner.outcome().memory && !chaos.chance(4);
      const Outcome whole = decide(chaos.world.inputs(memory));
      const Outcome& outcome = planner.decide(chaos.world.inputs(lent ? planner.outcome().memory : memory));
      expect_same(outcome, whole);
      ASSERT_FALSE(HasFailure()) << "seed " << seed << ", round " << round;
      memory = outcome.memory;
    }
  }
}

// Settled, and asked until nothing is left to be remembered.
class SettledPlanner : public ::testing::Test {
 protected:
  SettledPlanner() { EXPECT_EQ(settle(), std::vector<std::string>()); }

  // Who was thought about.
  std::vector<std::string> decide() {
    std::vector<std::string> names;
    for (const auto& id : planner_.decide(world_.inputs(planner_.outcome().memory)).planned)
      names.push_back(id.service);
    return names;
  }
  std::vector<std::string> settle() {
    for (int i = 0; i < 3; ++i) decide();
    return decide();
  }

  using Names = std::vector<std::string>;
  World world_ = settled();
  IncrementalPlanner planner_;
};

TEST_F(SettledPlanner, PlansTheInstanceOfATaskThatChanged) {
  world_.task(2).health = model::Health::Unhealthy;
  EXPECT_EQ(decide(), Names{"b"});
}

TEST_F(SettledPlanner, PlansTheInstanceWhoseTaskLeftTheLoadBalancer) {
  world_.routing.tasks[world_.task(9).id].in = false;
  EXPECT_EQ(decide(), Names{"e"});
}

TEST_F(SettledPlanner, PlansWhomTheFilesOrAnOverrideName) {
  world_.desired.instances.edit(3, [](model::Instance& instance) { instance.count = 3; });
  EXPECT_EQ(decide(), Names{"d"});
  world_.overrides = {test::override_of("a.main", model::OverrideKind::Pause)};
  EXPECT_EQ(decide(), (Names{"a", "d"})) << "d grows, and is asked anew as long as it does";
}

TEST_F(SettledPlanner, PlansWhoHasTasksOnANodeThatChanged) {
  world_.observed.nodes[3].draining = true;
  EXPECT_EQ(decide(), Names());
  world_.observed.nodes[0].draining = true;
  EXPECT_EQ(decide().size(), 5U);
}

TEST_F(SettledPlanner, PlansAgainWhenItsTimeHasCome) {
  auto value = test::override_of("c.main", model::OverrideKind::SkipHealth);
  value.expires_at = world_.now + 10s;
  world_.overrides = {value};
  settle();
  world_.now += 9s;
  EXPECT_EQ(decide(), Names());
  world_.now += 1s;
  EXPECT_EQ(decide(), Names{"c"});
}

TEST_F(SettledPlanner, ForgetsWhatIsGone) {
  world_.desired.instances.remove({"a", "main"});
  EXPECT_EQ(settle(), Names());
  std::erase_if(world_.observed.tasks, [](const auto& task) { return task.instance.service == "a"; });
  std::erase_if(world_.observed.revisions,
                [](const auto& seen) { return seen.revision.instance.service == "a"; });
  EXPECT_EQ(decide(), Names{"a"});
  EXPECT_EQ(planner_.outcome().status.size(), 4U);
  EXPECT_EQ(decide(), Names());
}

TEST_F(SettledPlanner, NewsOfOneInstanceIsAsGoodAsAWholeObservation) {
  world_.task(4).health = model::Health::Unhealthy;
  world_.task(4).healthy_since.reset();
  const Memory memory = planner_.outcome().memory;
  const Outcome whole = plan::decide(world_.inputs(memory));
  Seen seen = *planner_.seen(world_.task(4).instance);
  seen.engine = model::Sighting{seen.engine->revisions, {world_.task(4), world_.task(5)}};
  World old = settled();
  const Outcome& outcome = planner_.decide(old.inputs(memory), {{world_.task(4).instance, seen}});
  expect_same(outcome, whole);
  EXPECT_EQ(outcome.planned.size(), 1U);
}

}  // namespace
}  // namespace slipway::plan
