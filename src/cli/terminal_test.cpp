#include "cli/terminal.h"

#include <csignal>

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

TEST(OnInterruptDeathTest, SaysHowToComeBackAndEndsAsCtrlCDoes) {
  EXPECT_EXIT(
      {
        const OnInterrupt come_back("It goes on.");
        raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "It goes on\\.");
}

TEST(OnInterruptDeathTest, SaysNothingOnceTheWaitIsOver) {
  EXPECT_EXIT(
      {
        { const OnInterrupt come_back("It goes on."); }
        raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "^$");
}

TEST(Terminal, HasAUsableSizeWhereThereIsNone) {
  EXPECT_EQ(terminal_size(-1).rows, 24);
  EXPECT_EQ(terminal_size(-1).columns, 80);
}

}  // namespace
}  // namespace slipway::cli
