// Many seeds of trouble against the tiny cluster: whatever is asked and whatever breaks, its checks hold in
// every round; and once the trouble ends, the plan becomes empty with everything as wanted. A failure names
// its seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "support/tiny_cluster.h"

namespace slipway::plan {
namespace {

using model::BounceMethod;
using model::OverrideKind;

constexpr int kSeeds = 150;
constexpr int kTroubledRounds = 120;

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : random_(seed) {
    instances_ = {test::instance("shop.web", 3), test::worker("shop.worker", 2),
                  test::instance("tools.admin", 1)};
    instances_[2].proxy->port = 8001;
    for (auto& instance : instances_) {
      instance.bounce.deadline = 60s;
      instance.drain.timeout = 10s;
      instance.spec.max_launch_delay = 20s;
      cluster.want(instance);
    }
  }

  void one_round() {
    cluster.proxy_known = !chance(10);
    cluster.lose_steps = chance(10);
    if (chance(15)) cluster.forget_memory();
    if (chance(5)) change(instances_[random_.below(instances_.size())]);
    if (chance(6)) kill_someone();
    if (chance(20)) override_something();
    if (chance(20)) break_or_mend_files();
    if (chance(8)) cluster.start_time = Duration(1000 + 1000 * random_.below(10));
    cluster.image_failure = chance(4) ? "no such base image" : "";
    cluster.round();
    cluster.tick(Duration(500 * (1 + random_.below(6))));
  }

  // No more faults, and code that works.
  void calm_down() {
    cluster.proxy_known = true;
    cluster.lose_steps = false;
    cluster.image_failure.clear();
    cluster.overrides.clear();
    cluster.desired = {};
    for (auto& instance : instances_) {
      instance.spec.env["BEHAVIOUR"] = "good";
      cluster.want(instance);
    }
  }

  void expect_as_wanted() {
    for (const auto& instance : instances_) {
      const auto& status = cluster.status(instance.id.text());
      EXPECT_EQ(status.healthy, instance.count) << instance.id.text();
      EXPECT_EQ(status.seen->tasks.size(), static_cast<size_t>(instance.count)) << instance.id.text();
      EXPECT_LE(status.seen->revisions.size(), 1U);
    }
  }

  test::TinyCluster cluster;

 private:
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }

  void change(model::Instance& instance) {
    constexpr BounceMethod kMethods[] = {BounceMethod::Crossover, BounceMethod::Brutal,
                                         BounceMethod::UpThenDown, BounceMethod::DownThenUp};
    constexpr const char* kBehaviours[] = {"good", "good", "good", "never", "sick", "crash"};
    switch (random_.below(5)) {
      case 0:
        instance.bounce.method = kMethods[random_.below(4)];
        break;
      case 1:
        instance.bounce.margin = static_cast<double>(1 + random_.below(10)) / 10;
        break;
      case 2:
        instance.count = static_cast<int>(random_.below(6));
        break;
      case 3:
        instance.bounce.min_task_uptime = Duration(1000 * random_.below(8));
        break;
      default:
        instance.spec.env["VERSION"] = std::to_string(++version_);
        instance.spec.env["BEHAVIOUR"] = kBehaviours[random_.below(6)];
        if (chance(2)) instance.spec.image = {model::ImageKind::Build, "shop", std::to_string(version_ / 2)};
    }
    cluster.want(instance);
  }

  void kill_someone() {
    const auto ids = cluster.task_ids();
    if (!ids.empty()) cluster.kill(ids[random_.below(ids.size())]);
  }

  void override_something() {
    constexpr OverrideKind kKinds[] = {OverrideKind::Stop, OverrideKind::Scale, OverrideKind::Pause,
                                       OverrideKind::Restart};
    auto value = test::override_of(instances_[random_.below(3)].id.text(), kKinds[random_.below(4)]);
    value.count = static_cast<int>(random_.below(5));
    value.nonce = std::to_string(++version_);
    if (value.kind != OverrideKind::Restart)
      value.expires_at = cluster.now + Duration(1000 * random_.below(40));
    std::erase_if(cluster.overrides, [&](const auto& other) {
      return other.instance == value.instance && other.kind == value.kind;
    });
    cluster.overrides.push_back(value);
  }

  void break_or_mend_files() {
    const bool broken = !cluster.desired.broken.empty();
    cluster.desired = {};
    if (!broken) cluster.desired.broken = {"shop"};
    for (const auto& instance : instances_) {
      if (broken || instance.id.service != "shop") cluster.want(instance);
    }
  }

  SeededRandom random_;
  std::vector<model::Instance> instances_;
  int version_ = 1;
};

TEST(Chaos, NeverBreaksARuleAndHealsWhenItEnds) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chaos chaos(seed);
    for (int i = 0; i < kTroubledRounds && !testing::Test::HasFailure(); ++i) chaos.one_round();
    chaos.calm_down();
    EXPECT_TRUE(chaos.cluster.settle()) << chaos.cluster.last.plan.text();
    chaos.expect_as_wanted();
    const size_t steps = chaos.cluster.steps.size();
    chaos.cluster.run(20);
    EXPECT_EQ(chaos.cluster.steps.size(), steps) << "it did not stay quiet";
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace slipway::plan
