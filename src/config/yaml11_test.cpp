#include "config/yaml11.h"

#include <gmock/gmock.h>

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

YamlNode value_of(const std::string& text) {
  YamlDocument document = parse_yaml("key: " + text + "\n", 0, YamlVersion::Yaml11);
  EXPECT_THAT(document.problems, IsEmpty()) << text;
  return document.root.children.at(0);
}

// What Python's str() makes of it.
std::string text_of(const std::string& text) {
  return text_11(value_of(text));
}

std::string json_of(const std::string& text) {
  return json_11(value_of(text)).dump();
}

TEST(Yaml11, WordsThatAreBooleans) {
  for (const char* word : {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
    EXPECT_EQ(json_of(word), "true") << word;
  for (const char* word : {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
    EXPECT_EQ(json_of(word), "false") << word;
  for (const char* word : {"y", "n", "Y", "yES", "oN", "'yes'", "\"no\"", "!!str on"})
    EXPECT_TRUE(json_11(value_of(word)).is_string()) << word;
  EXPECT_EQ(text_of("yes"), "True");
  EXPECT_EQ(text_of("off"), "False");
}

TEST(Yaml11, IntegersOfEveryBase) {
  EXPECT_EQ(json_of("010"), "8");
  EXPECT_EQ(json_of("0o10"), "\"0o10\"");
  EXPECT_EQ(json_of("08"), "\"08\"");
  EXPECT_EQ(json_of("00"), "0");
  EXPECT_EQ(json_of("-010"), "-8");
  EXPECT_EQ(json_of("0b1_01"), "5");
  EXPECT_EQ(json_of("0xFF"), "255");
  EXPECT_EQ(json_of("-0x1f"), "-31");
  EXPECT_EQ(json_of("1_000_000"), "1000000");
  EXPECT_EQ(json_of("+12"), "12");
  EXPECT_EQ(json_of("1:30"), "90");
  EXPECT_EQ(json_of("190:20:30"), "685230");
  EXPECT_EQ(json_of("-1:30"), "-90");
  EXPECT_EQ(json_of("1:99"), "\"1:99\"");
  EXPECT_EQ(json_of("0:30"), "\"0:30\"");
  EXPECT_EQ(json_of("22:9"), "1329");
  EXPECT_EQ(text_of("12345678901234567890123"), "12345678901234567890123");
  EXPECT_EQ(text_of("0xFFFFFFFFFFFFFFFFFFFF"), "1208925819614629174706175");
  EXPECT_EQ(json_of("!!int '7'"), "7");
}

TEST(Yaml11, FloatsHaveADotAndASignedExponent) {
  EXPECT_EQ(json_of("1e3"), "\"1e3\"");
  EXPECT_EQ(json_of("1.5e3"), "\"1.5e3\"");
  EXPECT_EQ(text_of("1.5e+3"), "1500.0");
  EXPECT_EQ(text_of("1.0"), "1.0");
  EXPECT_EQ(text_of("1.10"), "1.1");
  EXPECT_EQ(text_of("1."), "1.0");
  EXPECT_EQ(text_of(".5"), "0.5");
  EXPECT_EQ(json_of("-.5"), "\"-.5\"");
  EXPECT_EQ(text_of("685_230.15"), "685230.15");
  EXPECT_EQ(text_of("190:20:30.15"), "685230.15");
  EXPECT_EQ(text_of("0.00001"), "1e-05");
  EXPECT_EQ(text_of("1.e+16"), "1e+16");
  EXPECT_EQ(text_of("123456789012345.0"), "123456789012345.0");
  EXPECT_EQ(text_of(".inf"), "inf");
  EXPECT_EQ(text_of("-.INF"), "-inf");
  EXPECT_EQ(text_of(".NaN"), "nan");
  EXPECT_EQ(text_of("!!float 3"), "3.0");
}

TEST(Yaml11, DatesAreNoText) {
  EXPECT_EQ(text_of("2024-01-31"), "2024-01-31");
  EXPECT_EQ(text_of("[2024-01-31]"), "[datetime.date(2024, 1, 31)]");
  EXPECT_EQ(text_of("2024-1-5"), "2024-1-5");
  EXPECT_EQ(text_of("2024-01-31 9:15:00"), "2024-01-31 09:15:00");
  EXPECT_EQ(text_of("2024-01-31T09:15:00Z"), "2024-01-31 09:15:00+00:00");
  EXPECT_EQ(text_of("2024-01-31t09:15:00.25 -3:30"), "2024-01-31 09:15:00.250000-03:30");
  EXPECT_EQ(text_of("[2024-01-31 09:15:00]"), "[datetime.datetime(2024, 1, 31, 9, 15)]");
  EXPECT_EQ(text_of("'2024-01-31'"), "2024-01-31");
  EXPECT_TRUE(std::holds_alternative<NoScalar>(scalar_11(value_of("2024-02-31"))));
}

TEST(Yaml11, ListsAndMapsAsPythonWritesThem) {
  EXPECT_EQ(text_of("[a, 1, yes, ~, 1.0]"), "['a', 1, True, None, 1.0]");
  EXPECT_EQ(text_of("{b: [no], a: \"it's\"}"), "{'b': [False], 'a': \"it's\"}");
  EXPECT_EQ(text_of("[\"a\\nb\\\\\"]"), "['a\\nb\\\\']");
  EXPECT_EQ(text_of("~"), "None");
  EXPECT_EQ(text_of(""), "None");
}

TEST(Yaml11, OfTwoEqualKeysTheLastCounts) {
  const YamlDocument document = parse_yaml("a: 1\nb: 2\na: 3\n", 0, YamlVersion::Yaml11);
  EXPECT_EQ(json_11(document.root).dump(), R"({"a":3,"b":2})");
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_EQ(document.problems[0].severity, model::Severity::Warning);
  EXPECT_EQ(document.problems[0].at.line, 3);
}

TEST(Yaml11, KeysAreReadLikeValues) {
  const YamlDocument document = parse_yaml("no: 1\n010: 2\n~: 3\n'no': 4\n", 0, YamlVersion::Yaml11);
  EXPECT_EQ(json_11(document.root).dump(), R"({"8":2,"false":1,"no":4,"null":3})");
}

TEST(Yaml11, MergesAsPyYamlDoes) {
  const YamlDocument document = parse_yaml(R"(
one: &one {a: 1, b: 1, c: 1}
two: &two {b: 2, c: 2}
listed: {<<: [*one, *two], c: 3}
twice: {<<: *one, <<: *two}
)",
                                           0, YamlVersion::Yaml11);
  EXPECT_THAT(document.problems, IsEmpty());
  EXPECT_EQ(json_11(*document.root.find("listed")).dump(), R"({"a":1,"b":1,"c":3})");
  EXPECT_EQ(json_11(*document.root.find("twice")).dump(), R"({"a":1,"b":2,"c":2})");
}

TEST(Yaml11, TellsWhatYaml12ReadsOtherwise) {
  std::vector<std::string> differing;
  for (const char* text : {"yes", "010", "0o10", "1:30", "1_000", "1e3", "0b1", "2024-01-31", "off", "true",
                           "1", "1.5", "0x1F", "word", "'yes'", "~", "-.5", "12.5e+3"}) {
    if (differs_from_12(value_of(text))) differing.emplace_back(text);
  }
  EXPECT_THAT(differing,
              ElementsAre("yes", "010", "0o10", "1:30", "1_000", "1e3", "0b1", "2024-01-31", "off", "-.5"));
}

}  // namespace
}  // namespace slipway::config
