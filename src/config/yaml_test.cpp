#include "config/yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/yaml_scalar.h"

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The problems as people see them, one text each: "line:column: message; hint".
std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> texts;
  for (const Finding& problem : parse_yaml(text).problems) {
    texts.push_back(fmt::format("{}:{}: {}{}{}", problem.at.line, problem.at.column, problem.message,
                                problem.hint.empty() ? "" : "; ", problem.hint));
  }
  return texts;
}

// The tree as JSON, of a text that must be in order.
std::string json_text(std::string_view text) {
  const YamlDocument document = parse_yaml(text);
  EXPECT_THAT(problems_of(text), IsEmpty());
  EXPECT_TRUE(document.complete);
  return json_of(document.root).dump();
}

YamlNode scalar(std::string text) {
  YamlNode node;
  node.kind = YamlKind::Scalar;
  node.text = std::move(text);
  return node;
}

TEST(Yaml, EveryNodeKnowsItsPlace) {
  const YamlDocument document = parse_yaml("main:\n  args: [a,\n    'b']\n", 7);
  const YamlNode* main = document.root.find("main");
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->key_at, (Position{7, 1, 1}));
  EXPECT_EQ(main->at, (Position{7, 2, 3}));
  const YamlNode* args = main->find("args");
  ASSERT_NE(args, nullptr);
  EXPECT_EQ(args->at, (Position{7, 2, 9}));
  ASSERT_EQ(args->children.size(), 2u);
  EXPECT_EQ(args->children[0].at, (Position{7, 2, 10}));
  EXPECT_EQ(args->children[1].at, (Position{7, 3, 5}));
  EXPECT_FALSE(args->children[0].quoted);
  EXPECT_TRUE(args->children[1].quoted);
}

TEST(Yaml, ColumnsCountCharactersAndNotBytes) {
  const YamlDocument document = parse_yaml("{\"\xC3\xA9\xC3\xA9\": x}");
  EXPECT_EQ(document.root.children.at(0).at, (Position{0, 1, 8}));
}

TEST(Yaml, ScalarsFollowTheCoreSchemaOfOneDotTwo) {
  EXPECT_EQ(json_text("[1, -2, +3, 0x1F, 0o17, 010, 1.5, .5, -1e3, true, FALSE, ~, null]"),
            "[1,-2,3,31,15,10,1.5,0.5,-1000,true,false,null,null]");
  EXPECT_EQ(json_text("[yes, on, No, 1_000, 12:30:00, 2024-01-02, +-1, 1.2.3, 0x, inf, nan, '', '7']"),
            R"(["yes","on","No","1_000","12:30:00","2024-01-02","+-1","1.2.3","0x","inf","nan","","7"])");
}

TEST(Yaml, IntegersBeyondSixtyFourBitsAreNoIntegers) {
  EXPECT_EQ(integer_of(scalar("9223372036854775807")), INT64_MAX);
  EXPECT_EQ(integer_of(scalar("9223372036854775808")), std::nullopt);
  EXPECT_EQ(number_of(scalar("9223372036854775808")), 9223372036854775808.0);
}

TEST(Yaml, BlocksKeepTheirLines) {
  EXPECT_EQ(json_text("a: |\n  one\n  two\nb: >-\n  one\n  two\n"), R"({"a":"one\ntwo\n","b":"one two"})");
}

TEST(Yaml, LinesMayEndAsOnWindows) {
  EXPECT_EQ(json_text("a: 1\r\nb: |\r\n  one\r\n  two\r\nc:\r\n- x\r\n"),
            R"({"a":1,"b":"one\ntwo\n","c":["x"]})");
}

TEST(Yaml, AnEmptyFileIsNull) {
  EXPECT_EQ(json_text(""), "null");
  EXPECT_EQ(json_text(std::string_view()), "null");
  EXPECT_EQ(json_text("# nothing yet\n"), "null");
  EXPECT_EQ(json_text("---\n...\n"), "null");
}

TEST(Yaml, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(json_text("\xEF\xBB\xBF"
                      "a: 1\n"),
            R"({"a":1})");
}

TEST(Yaml, AliasesStandForWhatTheyName) {
  const std::string_view text = "a: &x {b: [1, 2]}\nc: *x\n";
  EXPECT_EQ(json_text(text), R"({"a":{"b":[1,2]},"c":{"b":[1,2]}})");
  EXPECT_EQ(parse_yaml(text).root.find("c")->at, (Position{0, 1, 4}));
}

TEST(Yaml, MergesFillInWhatTheMapDoesNotSay) {
  EXPECT_EQ(json_text("_t: &t {a: 1, b: {x: 1}}\nm:\n  <<: *t\n  b: {y: 2}\n"),
            R"({"_t":{"a":1,"b":{"x":1}},"m":{"a":1,"b":{"y":2}}})");
}

TEST(Yaml, OfAListOfMergesTheEarlierWins) {
  EXPECT_EQ(json_text("- &a {x: 1}\n- &b {x: 2, y: 2}\n- {<<: [*a, *b], z: 3}\n"),
            R"([{"x":1},{"x":2,"y":2},{"x":1,"y":2,"z":3}])");
}

TEST(Yaml, MergesNest) {
  EXPECT_EQ(json_text("a: &a {x: 1}\nb: &b {<<: *a, y: {<<: *a, z: 1}}\nc: {<<: *b}\n"),
            R"({"a":{"x":1},"b":{"x":1,"y":{"x":1,"z":1}},"c":{"x":1,"y":{"x":1,"z":1}}})");
}

TEST(Yaml, AQuotedMergeKeyIsAKey) {
  EXPECT_EQ(json_text("'<<': 1\n"), R"({"<<":1})");
}

TEST(Yaml, AKeyThatIsThereTwiceIsAProblemOfTheSecond) {
  EXPECT_THAT(problems_of("a:\n  b: 1\n  c: 2\n  b: 3\n"),
              ElementsAre("4:3: the key \"b\" is here twice; keep one; the first is on line 2"));
  EXPECT_EQ(json_of(parse_yaml("b: 1\nb: 2\n").root).dump(), R"({"b":1})");
}

TEST(Yaml, TwiceIsFoundInLargeMapsToo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += fmt::format("key{}: {}\n", i, i);
  EXPECT_THAT(problems_of(text + "key3: x\nkey99: x\n"),
              ElementsAre("101:1: the key \"key3\" is here twice; keep one; the first is on line 4",
                          "102:1: the key \"key99\" is here twice; keep one; the first is on line 100"));
}

TEST(Yaml, AllProblemsAreToldAtOnce) {
  EXPECT_THAT(problems_of("a: *none\nb: !secret x\n[c]: 1\n? {d: 1}\n: 2\ne: 1\ne: 2\n<<: 5\n'': 7\n"),
              ElementsAre("1:4: the alias *none names no anchor; mark a value above it with &none",
                          "2:4: the tag !secret means nothing here; remove it",
                          "3:1: a list or a map stands where a key should; a key is text",
                          "4:3: a list or a map stands where a key should; a key is text",
                          "8:5: \"<<\" merges something that is not a map; name a map, or a list of maps: "
                          "<<: [*first, *second]",
                          "9:1: a key is empty; write a name before the colon",
                          "7:1: the key \"e\" is here twice; keep one; the first is on line 6"));
}

TEST(Yaml, ATagForTextMakesText) {
  EXPECT_EQ(json_text("[!!str 5, ! 6, !!int 7]"), R"(["5","6",7])");
}

TEST(Yaml, AnAnchorThatContainsItselfIsAProblem) {
  EXPECT_THAT(problems_of("a: &x\n  b: *x\n"),
              ElementsAre("2:6: the alias *x stands inside what &x names, so it would never end"));
  EXPECT_THAT(problems_of("a: &x\n  <<: *x\n"),
              ElementsAre("2:7: the alias *x stands inside what &x names, so it would never end"));
}

TEST(Yaml, AliasBombsAreDefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    text += fmt::format(
        "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(problems_of(text), ElementsAre("6:25: more than 500000 values, aliases resolved; "
                                             "use fewer aliases, or split the service"));
}

TEST(Yaml, ALongTextUnderManyAliasesIsABombToo) {
  std::string text = "a: &a " + std::string(500'000, 'x') + "\nb:\n";
  for (int i = 0; i < 1000; ++i) text += "- *a\n";
  EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("more than 16 MiB of text, aliases resolved")));
}

TEST(Yaml, DepthIsBounded) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_THAT(problems_of(nested(65)), IsEmpty());
  EXPECT_THAT(problems_of(nested(66)), ElementsAre("1:66: nested deeper than 64 levels"));
  EXPECT_THAT(problems_of(nested(100'000)), ElementsAre("1:66: nested deeper than 64 levels"));
}

TEST(Yaml, DepthIsBoundedThroughAliasesToo) {
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += fmt::format("- &a{} {}{}{}\n", i, std::string(10, '['), i == 0 ? "x" : fmt::format("*a{}", i - 1),
                        std::string(10, ']'));
  }
  EXPECT_THAT(problems_of(text), ElementsAre("7:17: nested deeper than 64 levels by the alias *a5"));
}

TEST(Yaml, FilesThatAreTooLargeAreNotRead) {
  EXPECT_THAT(problems_of(std::string((8 << 20) + 1, 'x')),
              ElementsAre("1:1: the file is 8388609 bytes long; 8388608 are the most that are read"));
}

TEST(Yaml, BytesThatAreNoTextAreNamedWithTheirPlace) {
  EXPECT_THAT(problems_of("a: 1\nb: \xFF\n"),
              ElementsAre("2:4: byte 0xFF is not valid UTF-8; save the file as UTF-8"));
  EXPECT_THAT(problems_of(std::string_view("\x7F"
                                           "ELF\0\1",
                                           6)),
              ElementsAre("1:1: byte 0x7F is a control character; the file may hold text only"));
  EXPECT_THAT(problems_of(std::string_view("a: \0", 4)),
              ElementsAre("1:4: byte 0x00 is a control character; the file may hold text only"));
  EXPECT_THAT(problems_of("\xFF\xFE"
                          "a"),
              ElementsAre("1:1: the file is UTF-16; save it as UTF-8"));
}

TEST(Yaml, NoTextMayContainNul) {
  EXPECT_THAT(problems_of("a: \"x\\0y\"\n"),
              ElementsAre("1:4: \"x\\x00y\" contains the character NUL; no setting may contain it"));
}

TEST(Yaml, TabsAsIndentationAreNamed) {
  EXPECT_THAT(problems_of("main:\n\tcpus: 1\n"),
              ElementsAre("2:1: a tab indents \"cpus: 1\"; indent with spaces"));
}

TEST(Yaml, ASyntaxErrorShowsTheLine) {
  EXPECT_THAT(
      problems_of("main:\n  cpus: 1\n mem: 2\n"),
      ElementsAre("3:2: cannot read \"mem: 2\": did not find expected key while parsing a block mapping, "
                  "begun on line 1"));
  EXPECT_THAT(problems_of("a: [1, 2\nb: 3\n"), ElementsAre(HasSubstr("cannot read ")));
  EXPECT_THAT(problems_of("a: 'x\n"), ElementsAre(HasSubstr("cannot read ")));
}

TEST(Yaml, AFileHoldsOneDocument) {
  EXPECT_THAT(problems_of("a: 1\n---\nb: 2\n"),
              ElementsAre("2:1: a second document begins here; a file holds one document"));
}

TEST(Yaml, QuotesForMessagesAreShortAndHarmless) {
  EXPECT_EQ(quote_for_message("a\x1B[31m\nb"), "\"a\\x1B[31m\\nb\"");
  EXPECT_EQ(quote_for_message(std::string(100, 'x')), '"' + std::string(60, 'x') + "...\"");
}

}  // namespace
}  // namespace slipway::config
