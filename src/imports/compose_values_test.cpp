#include "imports/compose_values.h"

#include <gmock/gmock.h>

namespace slipway::imports {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::string filled(std::string_view text) {
  std::vector<std::string> missing;
  const auto value = interpolate(text, {{"A", "a"}, {"EMPTY", ""}}, missing);
  return value.has_value() ? *value : "error: " + value.error().message();
}

TEST(ComposeValues, VariablesAreFilledIn) {
  EXPECT_EQ(filled("$A-${A}-$$A"), "a-a-$A");
  EXPECT_EQ(filled("${NONE:-x}${EMPTY:-y}${EMPTY-z}${A:-w}"), "xya");
  EXPECT_EQ(filled("${NONE:-${A}}"), "a");
  EXPECT_EQ(filled("${A:+yes}${NONE:+no}${EMPTY+set}"), "yesset");
  EXPECT_EQ(filled("${NONE:?why}"), "error: NONE is not set: why");
  EXPECT_EQ(filled("${A"), "error: ${ is never closed");
  EXPECT_EQ(filled("5 $"), "error: a lone $, which is written $$");
  EXPECT_EQ(filled("${A!x}"), "error: ${A! is no form of a variable");
  EXPECT_EQ(filled("${:-x}"), "error: ${ names no variable");
}

TEST(ComposeValues, VariablesThatAreNotSetAreNamed) {
  std::vector<std::string> missing;
  EXPECT_EQ(*interpolate("$X/${Y}/${Z:-z}", {}, missing), "//z");
  EXPECT_THAT(missing, ElementsAre("X", "Y"));
}

TEST(ComposeValues, EnvironmentFilesAreRead) {
  EXPECT_THAT(read_variables("# a\nexport A='1 #2' # b\nB=x=y # c\n\nC=\nnothing\n=x\nD=\"q\r\n"),
              ElementsAre(Pair("A", "1 #2"), Pair("B", "x=y"), Pair("C", ""), Pair("D", "\"q")));
}

TEST(ComposeValues, DurationsAndSizes) {
  EXPECT_EQ(duration_seconds("1h2m3s"), 3723);
  EXPECT_EQ(duration_seconds("500ms"), 0.5);
  EXPECT_EQ(duration_seconds("0"), 0);
  for (const char* text : {"", "5", "s", "-1s", "1x"}) EXPECT_FALSE(duration_seconds(text)) << text;
  EXPECT_EQ(size_mb("512m"), 512);
  EXPECT_EQ(size_mb("1.5GiB"), 1536);
  EXPECT_EQ(size_mb("1048577"), 2);
  for (const char* text : {"", "m", "-1m", "1x", "1mm"}) EXPECT_FALSE(size_mb(text)) << text;
}

TEST(ComposeValues, WordsAreSplitAsTheShellWould) {
  EXPECT_THAT(*shell_words(R"(a  "b c" 'd "e"' f\ g "" h"i")"),
              ElementsAre("a", "b c", "d \"e\"", "f g", "", "hi"));
  EXPECT_FALSE(shell_words("a 'b").has_value());
}

}  // namespace
}  // namespace slipway::imports
