#include "cli/parse.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

class Parse : public testing::Test {
 protected:
  const Command root_ = command_tree();

  Invocation good(const std::vector<std::string>& words) {
    auto invocation = parse(root_, words);
    EXPECT_TRUE(invocation.has_value()) << (invocation ? "" : invocation.error().text());
    return invocation ? *invocation : Invocation{};
  }
  std::string bad(const std::vector<std::string>& words) {
    const auto invocation = parse(root_, words);
    EXPECT_FALSE(invocation.has_value());
    if (invocation) return "";
    EXPECT_EQ(invocation.error().code(), ErrorCode::Invalid);
    return invocation.error().text();
  }
};

TEST_F(Parse, FindsTheCommandItsArgumentsAndItsOptions) {
  const Invocation logs = good({"logs", "shop.web", "-f", "--since", "10m", "-n5"});
  EXPECT_EQ(logs.path, "slipway logs");
  EXPECT_EQ(logs.args.text("S[.I]"), "shop.web");
  EXPECT_TRUE(logs.args.has("follow"));
  EXPECT_EQ(logs.args.text("since"), "10m");
  EXPECT_EQ(logs.args.count("tail"), 5);
  EXPECT_FALSE(logs.args.has("task"));
}

TEST_F(Parse, FindsNestedCommands) {
  EXPECT_EQ(good({"config", "show", "shop"}).path, "slipway config show");
}

TEST_F(Parse, TakesCommonOptionsBeforeAndAfterTheCommand) {
  EXPECT_EQ(good({"-o", "json", "status"}).args.text("output"), "json");
  EXPECT_EQ(good({"status", "--output=yaml"}).args.text("output"), "yaml");
  EXPECT_EQ(good({"-o", "json", "status", "-o", "yaml"}).args.text("output"), "yaml");
}

TEST_F(Parse, AServiceMayBeNamedLikeACommand) {
  const Invocation stop = good({"stop", "status"});
  EXPECT_EQ(stop.path, "slipway stop");
  EXPECT_EQ(stop.args.text("S[.I]"), "status");
}

TEST_F(Parse, LeavesTheWordsOfAnotherProgramAlone) {
  const Invocation exec = good({"exec", "t1", "-t", "--", "sh", "-c", "", "[a,b]", "--", "-h", "--output=x"});
  EXPECT_TRUE(exec.args.has("tty"));
  EXPECT_EQ(exec.args.rest(), (std::vector<std::string>{"sh", "-c", "", "[a,b]", "--", "-h", "--output=x"}));
}

TEST_F(Parse, TellsTextsFromBracketsAndBlanks) {
  const Invocation stop = good({"stop", "shop", "--reason", "[a, b] and {c}"});
  EXPECT_EQ(stop.args.text("reason"), "[a, b] and {c}");
}

TEST_F(Parse, ShowsHelpEvenWhereArgumentsLack) {
  EXPECT_TRUE(good({"why", "-h"}).help);
  EXPECT_TRUE(good({"config", "show", "--help"}).help);
  EXPECT_EQ(good({"config", "show", "--help"}).path, "slipway config show");
  EXPECT_TRUE(good({"-h"}).help);
}

TEST_F(Parse, SuggestsACommand) {
  EXPECT_EQ(bad({"sttaus"}), "there is no command 'sttaus'; did you mean 'status'?; see `slipway -h`");
  EXPECT_EQ(bad({"config", "shw"}),
            "there is no command 'shw'; did you mean 'show'?; see `slipway config -h`");
  EXPECT_EQ(bad({"zzzzzz"}), "there is no command 'zzzzzz'; see `slipway -h`");
}

TEST_F(Parse, SuggestsAnOption) {
  EXPECT_EQ(bad({"logs", "shop", "--folow"}),
            "there is no option '--folow'; did you mean '--follow'?; see `slipway logs -h`");
}

TEST_F(Parse, NamesOneWordTooMany) {
  EXPECT_EQ(bad({"why", "shop.web", "now"}), "'now' is one word too many; see `slipway why -h`");
  EXPECT_EQ(bad({"exec", "t", "ls"}),
            "'ls' is one word too many; a command to run stands behind ' -- '; see `slipway exec -h`");
  EXPECT_EQ(bad({"why", "shop.web", "--", "ls"}),
            "'slipway why' takes no command behind ' -- '; see `slipway why -h`");
}

TEST_F(Parse, ChecksValues) {
  EXPECT_NE(bad({"scale", "shop.web", "many"}).find("'many' is not a number"), std::string::npos);
  EXPECT_NE(bad({"scale", "shop.web"}).find("N"), std::string::npos);
  EXPECT_NE(bad({"stop", "shop", "--for", "soon"}).find("'soon' is not a duration"), std::string::npos);
  EXPECT_NE(bad({"status", "-o", "jsn"}).find("did you mean 'json'?"), std::string::npos);
  EXPECT_NE(bad({"completion", "csh"}).find("none of bash, zsh, fish"), std::string::npos);
}

TEST_F(Parse, AnOwnOptionReplacesTheCommonOne) {
  EXPECT_EQ(good({"serve", "-c", "/x/slipway.yaml"}).args.text("config"), "/x/slipway.yaml");
  EXPECT_EQ(good({"serve", "--dir", "/x"}).args.text("dir"), "/x");
  EXPECT_EQ(good({"config", "show", "--config", "d", "--cluster", "c"}).args.text("cluster"), "c");
}

}  // namespace
}  // namespace slipway::cli
