#include "engine/local/probe_turns.h"

#include <string>

#include <gtest/gtest.h>

namespace slipway::engine::local {
namespace {

model::RevisionId revision(const char* name) {
  return model::RevisionId(name);
}

// The probes that may begin now, in order.
std::string begun(ProbeTurns& turns) {
  std::string text;
  while (const auto turn = turns.next()) text += std::to_string(turn->probe) + " ";
  return text;
}

TEST(ProbeTurns, OneRevisionHasFewUnderWayAndTheRestWaits) {
  ProbeTurns turns(8, 2);
  for (uint64_t i = 1; i <= 4; ++i) turns.wait(revision("a"), i);
  EXPECT_EQ(begun(turns), "1 2 ");
  turns.end(revision("a"));
  EXPECT_EQ(begun(turns), "3 ");
}

TEST(ProbeTurns, RevisionsThatWaitGetTheirTurnOneAfterTheOther) {
  ProbeTurns turns(4, 4);
  for (uint64_t i = 1; i <= 4; ++i) turns.wait(revision("a"), i);
  EXPECT_EQ(begun(turns), "1 2 3 4 ");
  turns.wait(revision("a"), 5);
  turns.wait(revision("a"), 6);
  turns.wait(revision("b"), 7);
  turns.wait(revision("c"), 8);
  for (int i = 0; i < 4; ++i) turns.end(revision("a"));
  EXPECT_EQ(begun(turns), "7 8 5 6 ");
}

TEST(ProbeTurns, NeverMoreThanTheLimitAreUnderWay) {
  ProbeTurns turns(3, 2);
  for (uint64_t i = 1; i <= 2; ++i) {
    turns.wait(revision("a"), i);
    turns.wait(revision("b"), 10 + i);
  }
  EXPECT_EQ(begun(turns), "1 11 2 ");
  turns.end(revision("b"));
  EXPECT_EQ(begun(turns), "12 ");
}

TEST(ProbeTurns, NobodyWaits) {
  ProbeTurns turns(3, 2);
  EXPECT_EQ(begun(turns), "");
  turns.wait(revision("a"), 1);
  EXPECT_EQ(begun(turns), "1 ");
  turns.end(revision("a"));
  EXPECT_EQ(begun(turns), "");
}

}  // namespace
}  // namespace slipway::engine::local
