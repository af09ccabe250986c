#include "rules.h"

#include <gtest/gtest.h>

namespace tidy {
namespace {

File file(std::string path, std::vector<std::string> lines) {
  return File{std::move(path), std::move(lines)};
}

TEST(Sizes, LongLinesFilesAndFunctionsAreFound) {
  EXPECT_EQ(check_sizes(file("src/a.cpp", {std::string(111, 'x')})).size(), 1U);
  EXPECT_EQ(check_sizes(file("src/a.cpp", std::vector<std::string>(701, ""))).size(), 1U);
  EXPECT_TRUE(check_sizes(file("src/a_test.cpp", std::vector<std::string>(701, ""))).empty());
  std::vector<std::string> body = {"int f(int a) {"};
  body.insert(body.end(), 75, "  work();");
  body.push_back("}");
  const auto findings = check_sizes(file("src/a.cpp", body));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 1U);
}

TEST(Includes, TheTableOfFoldersHolds) {
  EXPECT_TRUE(check_includes(file("src/plan/a.cpp", {"#include \"model/ids.h\""})).empty());
  EXPECT_EQ(check_includes(file("src/plan/a.cpp", {"#include \"io/file.h\""})).size(), 1U);
  EXPECT_EQ(check_includes(file("src/reconcile/a.cpp", {"#include \"engine/local/local_engine.h\""})).size(),
            1U);
  EXPECT_EQ(check_includes(file("src/api/a.cpp", {"#include \"reconcile/loop.h\""})).size(), 1U);
  EXPECT_TRUE(check_includes(file("src/main/a.cpp", {"#include \"engine/local/local_engine.h\""})).empty());
}

TEST(Includes, AFolderWithoutARowIsNoWayAround) {
  EXPECT_EQ(check_folder(file("src/common/a.h", {})).size(), 1U);
  EXPECT_TRUE(check_folder(file("src/engine/local/a.h", {})).empty());
  EXPECT_TRUE(check_folder(file("src/main/a.cpp", {})).empty());
  EXPECT_EQ(check_includes(file("src/plan/a.cpp", {"#include \"common/a.h\""})).size(), 1U);
}

TEST(Includes, ALibraryThatNobodyGaveAPlaceIsFound) {
  EXPECT_EQ(check_includes(file("src/plan/a.cpp", {"#include <curl/curl.h>"})).size(), 1U);
  EXPECT_EQ(check_includes(file("src/plan/a.cpp", {"#include <yaml.h>"})).size(), 1U);
  EXPECT_TRUE(check_includes(file("src/plan/a.cpp", {"#include <sys/stat.h>", "#include <map>"})).empty());
}

TEST(Includes, ThirdPartyHeadersStayBehindTheirFile) {
  EXPECT_EQ(check_includes(file("src/plan/a.cpp", {"#include <boost/asio/io_context.hpp>"})).size(), 1U);
  EXPECT_TRUE(
      check_includes(file("src/io/http_server.cpp", {"#include <boost/asio/io_context.hpp>"})).empty());
}

TEST(Words, BannedOnesAreFoundInCodeButNotInComments) {
  EXPECT_EQ(check_words(file("src/plan/a.cpp", {"  std::this_thread::sleep_for(1s);"})).size(), 1U);
  EXPECT_TRUE(check_words(file("src/plan/a.cpp", {"  // we never throw"})).empty());
  EXPECT_TRUE(check_words(file("src/plan/a.cpp", {"  log(\"do not throw\");"})).empty());
}

TEST(Headers, SayWhatTheyAre) {
  EXPECT_EQ(check_header(file("src/a.h", {"#pragma once"})).size(), 1U);
  EXPECT_EQ(check_header(file("src/a.h", {"// What."})).size(), 1U);
  EXPECT_TRUE(check_header(file("src/a.h", {"// What.", "#pragma once"})).empty());
}

TEST(DeadHeaders, AreFound) {
  const auto findings = check_dead_headers(
      {file("src/a/used.h", {}), file("src/a/dead.h", {}), file("src/b.cpp", {"#include \"a/used.h\""})});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].path, "src/a/dead.h");
}

TEST(Links, ThatLeadNowhereAreFound) {
  const std::vector<std::string> paths = {"docs/start.md", "README.md"};
  EXPECT_TRUE(
      check_links(file("README.md", {"[a](docs/start.md#x) [b](https://x.org) [c](docs/)"}), paths).empty());
  EXPECT_EQ(check_links(file("docs/start.md", {"[a](gone.md)"}), paths).size(), 1U);
}

}  // namespace
}  // namespace tidy
