#include "config/schema.h"

#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/reader.h"
#include "config/schema_check.h"
#include "config/schema_text.h"

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> findings_of(std::string_view text, const std::string& section = "instance") {
  std::vector<Finding> findings;
  check_map(parse_yaml(text).root, schema(section).keys, "", section, findings);
  std::vector<std::string> texts;
  for (const Finding& finding : findings) {
    texts.push_back(
        fmt::format("{}:{}: {}; {}", finding.at.line, finding.at.column, finding.message, finding.hint));
  }
  return texts;
}

TEST(Schema, EveryDocumentIsAnExampleThatFitsItself) {
  for (const SchemaText& document : schema_texts()) {
    EXPECT_THAT(findings_of(document.text, std::string(document.name)), IsEmpty()) << document.name;
  }
}

TEST(Schema, EveryDefaultFitsItsOwnRule) {
  const std::function<void(const std::vector<SchemaKey>&)> check = [&](const std::vector<SchemaKey>& keys) {
    for (const SchemaKey& key : keys) {
      EXPECT_TRUE(!key.fallback || fits(*key.fallback, key)) << key.name;
      check(key.keys);
    }
  };
  for (const SchemaText& document : schema_texts()) check(schema(document.name).keys);
}

TEST(Schema, AKeyHasItsCommentRuleAndHeading) {
  const SchemaKey* cpus = find_key(schema("instance").keys, "cpus");
  ASSERT_NE(cpus, nullptr);
  EXPECT_EQ(cpus->text, "Cores that a task may count on when the machine is busy.");
  EXPECT_EQ(cpus->words(), "a number above 0 to 1024");
  EXPECT_EQ(cpus->fallback_words, "0.1");
  EXPECT_EQ(cpus->heading, "");
  EXPECT_EQ(find_key(schema("instance").keys, "instances")->heading, "How many, and how large");
  EXPECT_EQ(find_key(schema("instance").keys, "extra_volumes")->keys.at(0).other_names,
            std::vector<std::string>{"containerPath"});
}

TEST(SchemaCheck, UnknownKeysGetASuggestion) {
  EXPECT_THAT(findings_of("cpu: 1\nflavour: mint\nproxy: {prot: 1, color: red}\n"),
              ElementsAre("1:1: unknown key \"cpu\"; did you mean cpus?",
                          "2:1: unknown key \"flavour\"; \"slipway config docs instance\" lists the keys",
                          "3:9: unknown key \"proxy.prot\"; did you mean port?",
                          "3:18: unknown key \"proxy.color\"; the keys here are port, mode, domains"));
}

TEST(SchemaCheck, ValuesOfTheWrongTypeAreShown) {
  EXPECT_THAT(
      findings_of("cpus: lots\nmem: 1.5\ninstances: '3'\nread_only_root: yes\nproxy: 80\nenv: [A]\nargs: x\n"
                  "disk:\nuser: {a: b}\n"),
      ElementsAre("1:7: cpus is \"lots\"; it should be a number above 0 to 1024, such as 0.5",
                  "2:6: mem is 1.5; it should be an integer from 4 to 16777216, such as 512",
                  "3:12: instances is the text \"3\"; remove the quotes",
                  "4:17: read_only_root is \"yes\"; it should be true or false",
                  "5:8: proxy is 80; it should be a map", "6:6: env is a list; it should be a map of text",
                  "7:7: args is \"x\"; it should be a list of text",
                  "8:6: disk has no value; it should be an integer from 1 to 16777216, such as 2048",
                  "9:7: user is a map; it should be text"));
}

TEST(SchemaCheck, ValuesOutOfRangeAreShown) {
  EXPECT_THAT(
      findings_of("cpus: 0\nbounce_margin_factor: 1.01\ninstances: -1\ncontainer_port: 65536\ngpus: .inf\n"
                  "mem: 99999999999999999999\n"),
      ElementsAre(
          "1:7: cpus is 0; it should be a number above 0 to 1024, such as 0.5",
          "2:23: bounce_margin_factor is 1.01; it should be a number above 0 to 1, such as 0.75",
          "3:12: instances is -1; it should be an integer from 0 to 10000, such as 3",
          "4:17: container_port is 65536; it should be an integer from 1 to 65535, such as 8888",
          "5:7: gpus is .inf; it should be an integer from 0 to 64, such as 1",
          "6:6: mem is 99999999999999999999; it should be an integer from 4 to 16777216, such as 512"));
}

TEST(SchemaCheck, ChoicesAreListedAndTheNearestSuggested) {
  EXPECT_THAT(
      findings_of("net: hots\nbounce_method: yolo\n"),
      ElementsAre("1:6: net is \"hots\"; did you mean host? it should be one of bridge, host, none",
                  "2:16: bounce_method is \"yolo\"; it should be one of crossover, brutal, upthendown, "
                  "downthenup"));
}

TEST(SchemaCheck, ElementsAreNamedByTheirPlace) {
  EXPECT_THAT(
      findings_of("args: [a, [b], {c: d}, ~]\nenv: {A: [1], B: }\n"
                  "extra_volumes:\n- {containerPath: /a, mode: rw}\n- /b\n"),
      ElementsAre("1:11: args[1] is a list; it should be text", "1:16: args[2] is a map; it should be text",
                  "1:24: args[3] has no value; it should be text", "2:10: env.A is a list; it should be text",
                  "2:18: env.B has no value; it should be text",
                  "5:3: extra_volumes[1] is \"/b\"; it should be a map",
                  "4:29: extra_volumes[0].mode is \"rw\"; it should be one of RO, RW",
                  "4:3: extra_volumes[0].host_path is missing; it should be text"));
}

TEST(SchemaCheck, OneKeyUnderTwoNamesIsAProblem) {
  EXPECT_THAT(
      findings_of("extra_volumes: [{container_path: /a, containerPath: /b, hostPath: /c}]\n"),
      ElementsAre("1:38: extra_volumes[0].container_path is here under two names; keep container_path"));
}

class ReaderTest : public testing::Test {
 protected:
  Reader read(std::vector<std::string> texts) {
    for (const std::string& text : texts) documents_.push_back(parse_yaml(text));
    std::vector<const YamlNode*> layers;
    for (const YamlDocument& document : documents_) layers.push_back(&document.root);
    return {layers, schema("instance").keys};
  }
  std::vector<YamlDocument> documents_;
};

TEST_F(ReaderTest, TheNearestLayerWinsAndTheSchemaHasTheLastWord) {
  const Reader reader = read({"cpus: 1\n", "cpus: 2\nmem: 64\n"});
  EXPECT_EQ(reader.number("cpus"), 1);
  EXPECT_EQ(reader.integer("mem"), 64);
  EXPECT_EQ(reader.integer("disk"), 1024);
  EXPECT_EQ(reader.seconds("healthcheck_interval_seconds"), 2s);
  EXPECT_FALSE(reader.has("disk"));
}

TEST_F(ReaderTest, MapsAreMergedAndListsReplaced) {
  const Reader reader =
      read({"env: {A: 1}\nargs: [x]\nmonitoring: {m: {a: 1}, l: [1], t: 5}\n",
            "env: {A: 2, B: 3}\nargs: [y, z]\nmonitoring: {m: {a: 2, b: 3}, l: [2], t: {}, n: 4}\n"});
  EXPECT_EQ(reader.text_map("env"), (std::map<std::string, std::string>{{"A", "1"}, {"B", "3"}}));
  EXPECT_THAT(reader.texts("args"), ElementsAre("x"));
  EXPECT_EQ(reader.json("monitoring").dump(), R"({"l":[1],"m":{"a":1,"b":3},"n":4,"t":5})");
}

TEST_F(ReaderTest, NestedMapsAreReadThroughAllLayers) {
  const Reader proxy = read({"proxy: {port: 80}\n", "proxy: {port: 81, mode: tcp}\n"}).map("proxy");
  EXPECT_EQ(proxy.integer("port"), 80);
  EXPECT_EQ(proxy.text("mode"), "tcp");
}

TEST_F(ReaderTest, ValuesStayAsWritten) {
  const Reader reader = read({"env: {V: 1.10, W: yes, X: 010, Y: '', Z: \"a\\nb\"}\n"});
  EXPECT_EQ(reader.text_map("env"),
            (std::map<std::string, std::string>{
                {"V", "1.10"}, {"W", "yes"}, {"X", "010"}, {"Y", ""}, {"Z", "a\nb"}}));
}

TEST_F(ReaderTest, WhatDoesNotFitReadsAsTheDefault) {
  const Reader reader = read({"cpus: lots\ncontainer_port: 99999999999\n"});
  EXPECT_EQ(reader.number("cpus"), 0.1);
  EXPECT_TRUE(reader.has("container_port"));
  EXPECT_FALSE(reader.set("container_port"));
}

TEST_F(ReaderTest, ANearerLayerHidesWhatItExcludes) {
  const Reader reader = read({"build: .\n", "image: x\n"});
  EXPECT_TRUE(reader.has("build"));
  EXPECT_FALSE(reader.has("image"));
}

}  // namespace
}  // namespace slipway::config
