#include "config/json_tree.h"

#include <gmock/gmock.h>

#include "config/yaml_scalar.h"

namespace slipway::config {
namespace {

using testing::HasSubstr;

std::string problem_of(std::string_view text) {
  const YamlDocument document = parse_json(text);
  if (document.problems.empty()) return "none";
  const Finding& first = document.problems.front();
  return std::to_string(first.at.line) + ":" + std::to_string(first.at.column) + ": " + first.message;
}

TEST(JsonTree, ValuesKeepTheirKindAndTheirPlace) {
  const YamlDocument document =
      parse_json("{\n  \"a\": [1, -2.5e3, \"3\", true, null],\n  \"\xC3\xA4\": {}}");
  ASSERT_TRUE(document.complete);
  const YamlNode& list = *document.root.find("a");
  ASSERT_EQ(list.children.size(), 5U);
  EXPECT_EQ(list.children[0].at, (Position{0, 2, 9}));
  EXPECT_EQ(integer_of(list.children[0]), 1);
  EXPECT_EQ(number_of(list.children[1]), -2500);
  EXPECT_FALSE(integer_of(list.children[2]).has_value());
  EXPECT_EQ(boolean_of(list.children[3]), true);
  EXPECT_EQ(list.children[4].kind, YamlKind::Null);
  EXPECT_EQ(document.root.find("\xC3\xA4")->at, (Position{0, 3, 8}));  // columns count characters
}

TEST(JsonTree, EscapesBecomeTheirCharacters) {
  const YamlDocument document = parse_json(R"(["\u00e4\ud83d\ude00\n\/"])");
  ASSERT_TRUE(document.complete);
  EXPECT_EQ(document.root.children[0].text, "\xC3\xA4\xF0\x9F\x98\x80\n/");
}

TEST(JsonTree, EachMistakeIsToldWhereItIs) {
  EXPECT_EQ(problem_of("{\"a\": 1,\n \"b\" 2}"), "2:6: \"2\" stands where a colon should be");
  EXPECT_EQ(problem_of("{\"a\": 1,\n}"), "2:1: \"}\" stands where a key in quotes should be");
  EXPECT_EQ(problem_of("[1 2]"), "1:4: \"2\" stands where a comma or ] should be");
  EXPECT_EQ(problem_of("[1"), "1:3: the text ends where a comma or ] should be");
  EXPECT_EQ(problem_of(""), "1:1: the text ends where a value should be");
  EXPECT_EQ(problem_of("[01]"), "1:2: a number begins with 0");
  EXPECT_EQ(problem_of("[\"\\ud800x\"]"), "1:9: half of a surrogate pair");
  EXPECT_EQ(problem_of("{} {}"), "1:4: there is more behind the end of the value");
  EXPECT_EQ(problem_of("{\"a\": 1, \"a\": 2}"), "1:10: the key \"a\" is here twice");
  EXPECT_EQ(problem_of("[\"a\nb\"]"), "1:4: byte 0x0A inside a string");
  EXPECT_EQ(problem_of("[\"\xFF\"]"), "1:3: byte 0xFF is not valid UTF-8");
}

TEST(JsonTree, NestingIsLimited) {
  EXPECT_THAT(problem_of(std::string(100'000, '[')), HasSubstr("nested deeper than 64 levels"));
}

}  // namespace
}  // namespace slipway::config
