#include "model/placement_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Op = SelectorOperator;

const InstanceId kSelf{"shop", "web"};

std::vector<std::string> of_selectors(std::vector<NodeSelector> selectors) {
  Placement placement;
  placement.selectors = std::move(selectors);
  return contradictions(placement, kSelf);
}

TEST(PlacementCheck, FindsNothingInRulesThatSomeClusterKeeps) {
  EXPECT_THAT(contradictions(Placement{}, kSelf), IsEmpty());
  Placement placement;
  placement.pool = "big";
  placement.selectors = {{"zone", Op::In, {"a", "b"}},  {"zone", Op::NotIn, {"b"}},
                         {"disk", Op::Exists, {}},      {"generation", Op::Gt, {"3"}},
                         {"generation", Op::Lt, {"5"}}, {"old", Op::DoesNotExist, {}},
                         {"pool", Op::In, {"big"}}};
  placement.max_per_node = 1;
  placement.max_per = {{"zone", 1}};
  placement.apart_from = {{"shop", ""}, {"shop", "api"}, {"data", ""}};
  placement.spread = {"zone", "rack"};
  EXPECT_THAT(contradictions(placement, kSelf), IsEmpty());
}

TEST(PlacementCheck, FindsSelectorsThatLeaveNoValue) {
  EXPECT_THAT(of_selectors({{"zone", Op::In, {}}}),
              ElementsAre("'zone In []' allows no value; name the values that will do, or use Exists"));
  const std::string none_left =
      "no value of 'zone' is left: what In allows the other selectors of it exclude; leave at least one "
      "value";
  EXPECT_THAT(of_selectors({{"zone", Op::In, {"a", "b"}}, {"zone", Op::NotIn, {"a", "b", "c"}}}),
              ElementsAre(none_left));
  EXPECT_THAT(of_selectors({{"zone", Op::In, {"a"}}, {"zone", Op::In, {"b"}}}), ElementsAre(none_left));
  EXPECT_THAT(of_selectors({{"zone", Op::In, {"a", "3"}}, {"zone", Op::Gt, {"3"}}}), ElementsAre(none_left));
}

TEST(PlacementCheck, FindsSelectorsOfPresenceAndAbsence) {
  EXPECT_THAT(of_selectors({{"disk", Op::Exists, {}}, {"disk", Op::DoesNotExist, {}}}),
              ElementsAre("'disk Exists' and 'disk DoesNotExist' exclude each other; drop one of them"));
  EXPECT_THAT(of_selectors({{"disk", Op::DoesNotExist, {}}, {"disk", Op::In, {"ssd"}}}),
              ElementsAre("'disk In [ssd]' and 'disk DoesNotExist' exclude each other; drop one of them"));
  EXPECT_THAT(of_selectors({{"disk", Op::DoesNotExist, {}}, {"disk", Op::NotIn, {"ssd"}}}), IsEmpty());
}

TEST(PlacementCheck, FindsBoundsWithNothingBetween) {
  const std::string sentence =
      "no whole number is above 3 and below 4, as the selectors of 'generation' ask; widen one";
  EXPECT_THAT(of_selectors({{"generation", Op::Gt, {"3"}}, {"generation", Op::Lt, {"4"}}}),
              ElementsAre(sentence));
  EXPECT_THAT(of_selectors({{"g", Op::Gt, {"3"}}, {"g", Op::Lt, {"-3"}}}),
              ElementsAre(HasSubstr("no whole number")));
  EXPECT_THAT(of_selectors({{"g", Op::Gt, {"3"}}, {"g", Op::Gt, {"7"}}, {"g", Op::Lt, {"8"}}}),
              ElementsAre(HasSubstr("above 7 and below 8")));
  EXPECT_THAT(of_selectors({{"g", Op::Gt, {"9223372036854775807"}}, {"g", Op::Lt, {"-9223372036854775808"}}}),
              ElementsAre(HasSubstr("no whole number")));
  EXPECT_THAT(of_selectors({{"g", Op::Gt, {"many"}}}),
              ElementsAre("'g Gt many' compares with no whole number; give it exactly one"));
}

TEST(PlacementCheck, FindsLimitsThatAreNone) {
  Placement placement;
  placement.max_per_node = -1;
  placement.max_per = {{"rack", 2}, {"zone", 0}};
  EXPECT_THAT(contradictions(placement, kSelf),
              ElementsAre("max_per_node is -1; it must be 1 or more, or 0 for no limit",
                          "max_per 'zone' is 0; it must be 1 or more"));
}

TEST(PlacementCheck, FindsAnInstanceApartFromItself) {
  Placement placement;
  placement.apart_from = {{"shop", "web"}};
  EXPECT_THAT(contradictions(placement, kSelf),
              ElementsAre("apart_from names shop.web itself; use max_per_node to keep its own tasks apart"));
}

TEST(PlacementCheck, FindsAnAttributeToSpreadOverTwice) {
  Placement placement;
  placement.spread = {"zone", "rack", "zone", "zone"};
  EXPECT_THAT(contradictions(placement, kSelf),
              ElementsAre("spread names 'zone' more than once; name it once"));
}

TEST(PlacementCheck, FindsASelectorThatExcludesThePool) {
  Placement placement;
  placement.selectors = {{"pool", Op::In, {"big"}}};
  EXPECT_THAT(
      contradictions(placement, kSelf),
      ElementsAre(
          "'pool In [big]' does not allow the pool 'default' that is asked for; name the pool alone"));
}

}  // namespace
}  // namespace slipway::model
