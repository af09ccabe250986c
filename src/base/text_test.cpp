#include "base/text.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(DidYouMean, FindsOneSlipOfTheFinger) {
  const std::vector<std::string> words = {"instances", "healthcheck_uri", "mem"};
  EXPECT_EQ(did_you_mean("instnaces", words), "instances");
  EXPECT_EQ(did_you_mean("healthcheck_url", words), "healthcheck_uri");
  EXPECT_EQ(did_you_mean("men", words), "mem");
  EXPECT_EQ(did_you_mean("banana", words), std::nullopt);
}

TEST(Utf8, RejectsOverlongFormsSurrogatesAndTruncation) {
  EXPECT_TRUE(is_utf8("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\xA2"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_utf8("\xE2\x82"));
  EXPECT_FALSE(is_utf8("\xF5\x80\x80\x80"));
}

TEST(ShellQuote, LeavesPlainWordsAndQuotesTheRest) {
  EXPECT_EQ(shell_quote("--flag=a/b"), "--flag=a/b");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2J\tb\n"), "a\\x1b[2J\tb\n");
}

}  // namespace
}  // namespace slipway
