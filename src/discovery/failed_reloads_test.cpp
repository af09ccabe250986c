#include "discovery/failed_reloads.h"

#include <gtest/gtest.h>

namespace slipway::discovery {
namespace {

TEST(FailedReloads, HoldATextBackForLongerEachTimeItFails) {
  FakeClock clock;
  FailedReloads failed;
  EXPECT_FALSE(failed.objection("a", clock.steady_now()));
  failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  EXPECT_EQ(failed.objection("a", clock.steady_now() + 999ms)->text(), "no");
  EXPECT_FALSE(failed.objection("a", clock.steady_now() + 1s));
  failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  EXPECT_TRUE(failed.objection("a", clock.steady_now() + 1s));
  for (int i = 0; i < 100; ++i) failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  EXPECT_FALSE(failed.objection("a", clock.steady_now() + 5min));
}

TEST(FailedReloads, LetAnotherTextBeTriedAtOnce) {
  FakeClock clock;
  FailedReloads failed;
  failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  EXPECT_FALSE(failed.objection("b", clock.steady_now()));
}

TEST(FailedReloads, AreForgottenWhenWhatIsWantedIsServed) {
  FakeClock clock;
  FailedReloads failed;
  for (int i = 0; i < 5; ++i) failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  failed.clear();
  EXPECT_FALSE(failed.objection("a", clock.steady_now()));
  failed.add("a", Error(ErrorCode::Unavailable, "no"), clock.steady_now());
  EXPECT_FALSE(failed.objection("a", clock.steady_now() + 1s));
}

}  // namespace
}  // namespace slipway::discovery
