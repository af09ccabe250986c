// What all parts of one simulation share: time, chance, the world, and who is acting just now. One thread.
#pragma once

#include <memory>

#include "engine/fake/fake_engine.h"
#include "sim/chance.h"
#include "sim/referee.h"
#include "sim/told_tasks.h"

namespace slipway::sim {

// A control plane as the world sees it.
struct Actor {
  int number = 0;  // 1 for the first that was started; 0: nobody
  bool dead = false;
};

struct Stage {
  Stage(uint64_t seed, engine::fake::Options nodes, bool recording)
      : timeline(clock, recording),
        chance(seed ^ 0x9e3779b97f4a7c15, timeline),
        world_random(seed),
        cluster(std::make_shared<engine::fake::FakeCluster>(clock, world_random, std::move(nodes))),
        told(seed ^ 0x7f4a7c15),
        referee(timeline) {}
  Stage(const Stage&) = delete;

  // Nothing happens in between: to the next instant at which something falls due in the world, or to `at`.
  void advance_to(SteadyTime at) {
    while (true) {
      const auto due = cluster->with([](engine::fake::World& world) { return world.next_due(); });
      const SteadyTime next = due ? std::min(std::max(*due, clock.steady_now()), at) : at;
      clock.advance(std::chrono::ceil<Duration>(next - clock.steady_now()));
      cluster->with([](engine::fake::World&) {});
      if (next >= at) return;
    }
  }

  // All that is, as against what anybody believes.
  Picture picture(const discovery::ProxyState& proxy) {
    Picture all = take_picture(*cluster, proxy);
    for (const model::TaskId& task : told.told(all)) all[task].told = true;
    return all;
  }

  FakeClock clock;
  Timeline timeline;
  Chance chance;
  SeededRandom world_random;
  std::shared_ptr<engine::fake::FakeCluster> cluster;
  ToldTasks told;
  Referee referee;
  Actor nobody;
  Actor* acting = &nobody;  // whose round it is

  int64_t node_changes = 0;  // nodes lost, back, drained, undrained: who has looked before knows less

  // Until when faults that last go on.
  SteadyTime engine_back{};
  SteadyTime proxy_back{};
  SteadyTime store_back{};
};

}  // namespace slipway::sim
