#include "base/yaml_text.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

std::string yaml_of(const std::string& json) {
  return yaml_text(*Json::parse(json));
}

TEST(Yaml, WritesNestedObjectsAndLists) {
  EXPECT_EQ(yaml_of(R"({"b": {"c": 1}, "a": [1, {"x": true, "y": [2]}, [3]], "d": {}, "e": []})"),
            "a:\n"
            "  - 1\n"
            "  - x: true\n"
            "    \"y\":\n"
            "      - 2\n"
            "  -\n"
            "    - 3\n"
            "b:\n"
            "  c: 1\n"
            "d: {}\n"
            "e: []\n");
}

TEST(Yaml, LeavesHarmlessTextUnquoted) {
  EXPECT_EQ(yaml_of(R"("/usr/bin/env sh")"), "/usr/bin/env sh\n");
}

TEST(Yaml, QuotesWhatWouldBeReadAsSomethingElse) {
  for (const std::string text :
       {"true", "No",   "null", "~",     "1",    "-1",   "1e3", "0x1f", "2026-01-31", "",  " a",
        "a ",   "a: b", "a #b", "- a",   "[a]",  "{a}",  "&a",  "*a",   "!a",         "|", ">",
        "%a",   "@a",   "a\nb", "12:30", ".inf", "it's", "\"",  "y",    "off"}) {
    EXPECT_EQ(yaml_text(Json(text)), json_quote(text) + "\n") << text;
  }
}

TEST(Yaml, WritesScalarsAsJsonDoes) {
  EXPECT_EQ(yaml_of("null"), "null\n");
  EXPECT_EQ(yaml_of("1.5"), "1.5\n");
  EXPECT_EQ(yaml_of("{}"), "{}\n");
}

TEST(Yaml, SortsKeysByTheirRankAtEveryLevel) {
  const auto rank = [](std::string_view key) { return key == "image" ? 0 : 1; };
  EXPECT_EQ(yaml_text(*Json::parse(R"({"b": {"image": 1, "c": 2}, "a": 3, "image": 4})"), rank),
            "image: 4\na: 3\nb:\n  image: 1\n  c: 2\n");
}

}  // namespace
}  // namespace slipway
