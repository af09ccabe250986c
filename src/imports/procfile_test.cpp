#include <gmock/gmock.h>

#include "imports/import.h"
#include "support/compiled_import.h"

namespace fs = std::filesystem;

namespace slipway::imports {
namespace {

using test::CompiledImport;
using test::lines_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const fs::path kShop = fs::path(SLIPWAY_SOURCE_DIR) / "src/imports/testdata/shop_procfile";

Import shop() {
  auto import = import_procfile(kShop, "/tmp/tree");
  EXPECT_TRUE(import.has_value());
  return import.has_value() ? *import : Import();
}

TEST(Procfile, EachProcessTypeIsAnInstance) {
  const CompiledImport compiled(shop());
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_THAT(compiled.names(), ElementsAre("Corner-Shop.clock", "Corner-Shop.web", "Corner-Shop.worker"));
  const model::Instance& web = compiled.instances.at("Corner-Shop.web");
  EXPECT_THAT(*web.spec.cmd, ElementsAre("sh", "-c", "bin/server -p $PORT -e production"));
  EXPECT_EQ(web.count, 2);
  EXPECT_EQ(web.spec.container_port, 8080);
  EXPECT_THAT(web.proxy->domains, ElementsAre("corner-shop.localhost"));
  EXPECT_EQ(web.spec.health.uri, "/up");
  EXPECT_EQ(web.spec.health.timeout, 5s);
  EXPECT_THAT(web.spec.env, ElementsAre(Pair("RAILS_ENV", "production"), Pair("WEB_CONCURRENCY", "5")));
  EXPECT_EQ(compiled.instances.at("Corner-Shop.worker").count, 0);
}

TEST(Procfile, WhatHasNoCounterpartIsListedLineByLine) {
  EXPECT_THAT(
      lines_of(shop().lost),
      ElementsAre("1:1: a buildpack has no counterpart", "1:1: the Procfile has no process type ghost",
                  "2:1: web needs a host name", "5:1: the release phase has no counterpart",
                  "10:5: SECRET_KEY_BASE has no value here",
                  "13:28: the size standard-2x of web has no counterpart",
                  "17:78: a further check of web has no counterpart",
                  "18:12: the scheduled command \"bin/rails report\" has no counterpart",
                  "19:3: addons has no counterpart", "20:3: scripts has no counterpart"));
}

TEST(Procfile, ADockerfileBesideItIsBuilt) {
  const auto folder = *io::TemporaryDirectory::create();
  const fs::path app = folder.path() / "code" / "shop";
  fs::create_directories(app);
  ASSERT_TRUE(io::write_file(app / "Procfile", "web: serve\n"));
  ASSERT_TRUE(io::write_file(app / "Dockerfile", "FROM scratch\n"));
  const auto import = import_procfile(app, folder.path() / "tree");
  ASSERT_TRUE(import.has_value());
  ASSERT_EQ(import->files.size(), 2U);
  EXPECT_EQ(import->files[1].path, "shop/service.yaml");
  EXPECT_THAT(import->files[1].text, HasSubstr("build: \"../../code/shop\"\n"));
}

TEST(Procfile, MistakesStopTheImportWithTheirPlaces) {
  const auto folder = *io::TemporaryDirectory::create();
  const auto problems = [&](const std::string& text) {
    EXPECT_TRUE(io::write_file(folder.path() / "Procfile", text));
    const auto import = import_procfile(folder.path(), ".");
    EXPECT_TRUE(import.has_value());
    return import.has_value() ? lines_of(import->problems) : std::vector<std::string>();
  };
  EXPECT_THAT(problems("web serve\n"), ElementsAre("1:1: \"web serve\" is no process type"));
  EXPECT_THAT(problems("web: a\n  web: b\n"), ElementsAre(HasSubstr("2:3: a second ")));
  EXPECT_THAT(problems("a b: c\nweb:\n"),
              ElementsAre("1:1: \"a b: c\" is no process type", "2:1: \"web:\" is no process type"));
  EXPECT_THAT(problems("# nothing\n"), ElementsAre("1:1: the Procfile names no process type"));
  ASSERT_TRUE(io::write_file(folder.path() / "app.json", "{\"env\":\n [}"));
  EXPECT_THAT(problems("web: a\n"), ElementsAre("2:3: \"}\" stands where a value should be"));
}

TEST(Procfile, AFolderWithoutOneIsAnError) {
  EXPECT_EQ(import_procfile("/nowhere", ".").error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::imports
