#include "base/json.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Json, KeysAreSortedSoThatOneValueHasOneText) {
  EXPECT_EQ(Json::parse(R"({"b":1,"a":[true,null,1.5,"x"]})").value().dump(),
            R"({"a":[true,null,1.5,"x"],"b":1})");
}

TEST(Json, TextReadsBackEqual) {
  Json value;
  value["text"] = "quote \" backslash \\ newline \n control \x01 euro \xE2\x82\xAC";
  value["number"] = 0.1;
  value["big"] = int64_t{1} << 60;
  EXPECT_EQ(Json::parse(value.dump()).value(), value);
  EXPECT_EQ(Json::parse(value.dump(2)).value(), value);
}

TEST(Json, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(json_quote("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
}

TEST(Json, ParseErrorsTellWhere) {
  const auto bad = Json::parse("{\"a\": 1,\n  oops}");
  ASSERT_FALSE(bad.has_value());
  EXPECT_NE(bad.error().text().find("line 2"), std::string::npos) << bad.error().text();
  EXPECT_FALSE(Json::parse("").has_value());
  EXPECT_FALSE(Json::parse("1 2").has_value());
  EXPECT_FALSE(Json::parse(std::string(1000, '[')).has_value());
}

TEST(Json, ReadersNeverFail) {
  const Json text("x");
  EXPECT_EQ(text.as_int(7), 7);
  EXPECT_TRUE(text.at("a").at("b").is_null());
  EXPECT_TRUE(text.as_array().empty());
}

}  // namespace
}  // namespace slipway
