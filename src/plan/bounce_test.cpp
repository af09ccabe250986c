#include "plan/bounce.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "support/bounce_twin.h"

namespace slipway::plan {
namespace {

using model::BounceMethod;
using Tasks = std::vector<std::string>;

const Tasks kFive = {"a", "b", "c", "d", "e"};

struct Row {
  BounceInput input;
  BounceDecision expected;
};

void expect_rows(const std::vector<Row>& rows) {
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(decide_bounce(rows[i].input), rows[i].expected) << "row " << i;
}

TEST(Floor, IsTheCeilingOfTheDoubleProduct) {
  EXPECT_EQ(floor_of(3, 0.66), 2);
  EXPECT_EQ(floor_of(500, 0.95), 475);
  EXPECT_EQ(floor_of(3, 1), 3);
  EXPECT_EQ(floor_of(3, 0.01), 1);
  EXPECT_EQ(floor_of(0, 1), 0);
  EXPECT_EQ(floor_of(10, 0.1), 1);
}

TEST(Bounce, CrossoverDrainsAnOldTaskForEachHappyNewOne) {
  constexpr auto kMethod = BounceMethod::Crossover;
  expect_rows({
      {{kMethod, 5, 1, false, 0, kFive}, {true, {}}},
      {{kMethod, 5, 1, true, 0, kFive}, {false, {}}},
      {{kMethod, 5, 1, true, 3, kFive}, {false, {"c", "d", "e"}}},
      {{kMethod, 5, 1, true, 5, kFive}, {false, kFive}},
      {{kMethod, 5, 1, true, 9, kFive}, {false, kFive}},
      {{kMethod, 3, 0.66, false, 0, {"a", "b", "c"}}, {true, {"c"}}},
      {{kMethod, 5, 1, true, 0, {"a", "b"}}, {false, {}}},
      {{kMethod, 2, 1, false, 0, kFive}, {true, {"c", "d", "e"}}},
      {{kMethod, 0, 1, false, 0, {"a"}}, {true, {"a"}}},
  });
}

TEST(Bounce, BrutalReplacesAllAtOnce) {
  expect_rows({
      {{BounceMethod::Brutal, 5, 1, false, 0, kFive}, {true, kFive}},
      {{BounceMethod::Brutal, 5, 1, true, 0, kFive}, {false, kFive}},
  });
}

TEST(Bounce, UpThenDownDrainsNothingBeforeAllNewTasksAreHappy) {
  constexpr auto kMethod = BounceMethod::UpThenDown;
  expect_rows({
      {{kMethod, 5, 1, false, 0, kFive}, {true, {}}},
      {{kMethod, 5, 0.1, true, 4, kFive}, {false, {}}},
      {{kMethod, 5, 1, true, 5, kFive}, {false, kFive}},
      {{kMethod, 0, 1, false, 0, kFive}, {true, {}}},
  });
}

TEST(Bounce, DownThenUpStartsOnlyWhenNothingOldIsLeft) {
  constexpr auto kMethod = BounceMethod::DownThenUp;
  expect_rows({
      {{kMethod, 5, 1, false, 0, kFive}, {false, kFive}},
      {{kMethod, 5, 1, false, 0, {}}, {true, {}}},
      {{kMethod, 5, 1, true, 2, {"a"}}, {false, {"a"}}},
      {{kMethod, 5, 1, true, 2, {}}, {false, {}}},
  });
}

TEST(Bounce, RemovalStartsNothingAndDrainsAll) {
  EXPECT_EQ(decide_removal(kFive), (BounceDecision{false, kFive}));
}

TEST(Bounce, AgreesWithANaiveTwinOnRandomInput) {
  SeededRandom random(20260101);
  constexpr BounceMethod kMethods[] = {BounceMethod::Crossover, BounceMethod::Brutal,
                                       BounceMethod::UpThenDown, BounceMethod::DownThenUp};
  for (int i = 0; i < 50'000; ++i) {
    BounceInput input;
    input.method = kMethods[random.below(4)];
    input.count = static_cast<int>(random.below(12));
    input.margin = static_cast<double>(1 + random.below(100)) / 100;
    input.new_exists = random.below(2) == 0;
    input.happy_new = input.new_exists ? static_cast<int>(random.below(14)) : 0;
    const auto old = random.below(14);
    for (uint64_t task = 0; task < old; ++task) input.old.push_back("t" + std::to_string(task));
    ASSERT_EQ(decide_bounce(input), test::naive_bounce(input)) << "case " << i;
  }
}

TEST(BounceLine, AnswersTheContractsExample) {
  EXPECT_EQ(bounce_line(R"({"method":"crossover","count":5,"margin":1,"new_exists":true,"happy_new":3,)"
                        R"("old":["a","b","c","d","e"]})"),
            R"({"create":false,"drain":["c","d","e"]})");
}

TEST(BounceLine, TakesEveryMethodAndRemoval) {
  const auto ask = [](const std::string& method) {
    return bounce_line(R"({"method":")" + method +
                       R"(","count":2,"margin":0.5,"new_exists":false,"happy_new":0,"old":["a","b"]})");
  };
  EXPECT_EQ(ask("crossover"), R"({"create":true,"drain":["b"]})");
  EXPECT_EQ(ask("brutal"), R"({"create":true,"drain":["a","b"]})");
  EXPECT_EQ(ask("upthendown"), R"({"create":true,"drain":[]})");
  EXPECT_EQ(ask("downthenup"), R"({"create":false,"drain":["a","b"]})");
  EXPECT_EQ(ask("removal"), R"({"create":false,"drain":["a","b"]})");
}

TEST(BounceLine, RefusesBadInputWithWhatWouldBeRight) {
  const auto error_of = [](const std::string& line) {
    const auto answer = Json::parse(bounce_line(line));
    return answer ? answer->at("error").as_string() : "not JSON";
  };
  const std::string rest = R"("new_exists":true,"happy_new":0,"old":[]})";
  EXPECT_NE(error_of("not json"), "");
  EXPECT_EQ(error_of("[]"), "a question is one JSON object a line");
  EXPECT_EQ(error_of(R"({"method":"crosover","count":1,"margin":1,)" + rest),
            "'method' is \"crosover\": it must be one of crossover, brutal, upthendown, downthenup, removal; "
            "did you "
            "mean crossover?");
  EXPECT_EQ(error_of(R"({"method":"brutal","count":-1,"margin":1,)" + rest),
            "'count' is -1: it must be a whole number of 0 or more");
  EXPECT_EQ(error_of(R"({"method":"brutal","count":1.5,"margin":1,)" + rest),
            "'count' is 1.5: it must be a whole number of 0 or more");
  EXPECT_EQ(error_of(R"({"method":"brutal","count":1,"margin":0,)" + rest),
            "'margin' is 0: it must be a number above 0 and at most 1");
  EXPECT_EQ(error_of(R"({"method":"brutal","count":1,"margin":1.01,)" + rest),
            "'margin' is 1.01: it must be a number above 0 and at most 1");
  EXPECT_EQ(error_of(R"({"method":"brutal","margin":1,)" + rest),
            "'count' is missing: it is a whole number of 0 or more");
  EXPECT_EQ(error_of(R"({"method":"brutal","count":1,"margin":1,"new_exists":1,"happy_new":0,"old":[]})"),
            "'new_exists' is 1: it must be true or false");
  EXPECT_NE(
      error_of(R"({"method":"brutal","count":1,"margin":1,"new_exists":true,"happy_new":0,"old":["a","a"]})"),
      "");
}

}  // namespace
}  // namespace slipway::plan
