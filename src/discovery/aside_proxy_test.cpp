#include "discovery/aside_proxy.h"

#include <gtest/gtest.h>

namespace slipway::discovery {
namespace {

// Answers when it may, with the number of calls that it has taken as sessions of "t".
class HeldProxy final : public Proxy {
 public:
  struct Hold {
    Mutex mutex;
    Condition changed;
    bool held = false;
    int begun = 0;
    int stopped = 0;

    void set(bool value) {
      const Lock lock(mutex);
      held = value;
      changed.notify_all();
    }
  };
  explicit HeldProxy(Hold& hold) : hold_(hold) {}

  Result<ProxyState> sync(const std::vector<RoutedInstance>&, Deadline deadline) override {
    return observe(deadline);
  }
  Result<ProxyState> observe(Deadline) override {
    const Lock lock(hold_.mutex);
    ProxyState state;
    state.servers[model::TaskId("t")].sessions = ++hold_.begun;
    while (hold_.held) hold_.changed.wait(hold_.mutex);
    return state;
  }
  Status stop(Deadline) override {
    const Lock lock(hold_.mutex);
    ++hold_.stopped;
    return {};
  }

 private:
  Hold& hold_;
};

class AsideProxyTest : public ::testing::Test {
 protected:
  ~AsideProxyTest() override { hold_.set(false); }
  Deadline soon() const { return clock_.deadline_in(30s); }
  static int call_of(const Result<ProxyState>& state) {
    return state ? state->servers.at(model::TaskId("t")).sessions : 0;
  }

  SystemClock clock_;
  HeldProxy::Hold hold_;
};

TEST_F(AsideProxyTest, PassesOnWhatIsAnswered) {
  AsideProxy proxy(std::make_unique<HeldProxy>(hold_), clock_, 30s);
  EXPECT_EQ(call_of(proxy.observe(soon())), 1);
  EXPECT_EQ(call_of(proxy.sync({}, soon())), 2);
  EXPECT_TRUE(proxy.stop(soon()));
  EXPECT_EQ(hold_.stopped, 1);
}

// That these calls return at all, while the load balancer does not, is what is tested.
TEST_F(AsideProxyTest, KeepsNobodyWaitingForOneThatDoesNotAnswer) {
  AsideProxy proxy(std::make_unique<HeldProxy>(hold_), clock_, 10ms);
  hold_.set(true);
  for (int i = 0; i < 3; ++i) {
    const auto seen = i == 1 ? proxy.sync({}, soon()) : proxy.observe(soon());
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code(), ErrorCode::Timeout);
  }
  EXPECT_FALSE(proxy.stop(clock_.deadline_in(10ms)));
  hold_.set(false);
}

TEST_F(AsideProxyTest, NeverTellsAnOlderAnswer) {
  AsideProxy proxy(std::make_unique<HeldProxy>(hold_), clock_, 10ms);
  hold_.set(true);
  ASSERT_FALSE(proxy.sync({}, soon()));
  ASSERT_FALSE(proxy.observe(soon()));
  hold_.set(false);
  Result<ProxyState> seen = proxy.observe(soon());
  while (!seen) seen = proxy.observe(soon());
  EXPECT_GE(call_of(seen), 2) << "what the sync told was true before it was asked now";
}

TEST_F(AsideProxyTest, StopsWhenTheCallUnderWayHasEnded) {
  AsideProxy proxy(std::make_unique<HeldProxy>(hold_), clock_, 10ms);
  hold_.set(true);
  ASSERT_FALSE(proxy.observe(soon()));
  hold_.set(false);
  EXPECT_TRUE(proxy.stop(soon()));
  EXPECT_EQ(hold_.stopped, 1);
}

}  // namespace
}  // namespace slipway::discovery
