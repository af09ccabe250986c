#include "config/config.h"

#include <unistd.h>
#include <utility>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "config/fingerprint.h"
#include "config/reference.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const fs::path kSource = SLIPWAY_SOURCE_DIR;

std::vector<std::string> texts_of(const std::vector<model::Problem>& problems) {
  std::vector<std::string> texts;
  for (const model::Problem& problem : problems) texts.push_back(problem.text());
  return texts;
}

std::vector<std::string> names_of(const model::Desired& desired) {
  std::vector<std::string> names;
  for (const model::Instance& instance : desired.instances) names.push_back(instance.id.text());
  return names;
}

// A config tree of its own in each test, and the current folder, so that problems show short paths.
class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    fs::current_path(folder_.path());
  }
  void TearDown() override { fs::current_path(before_); }

  static void write(const fs::path& path, std::string_view text) {
    if (path.has_parent_path()) fs::create_directories(path.parent_path());
    ASSERT_TRUE(io::write_file(path, text).has_value());
  }
  static model::Desired compiled(const std::string& cluster = "local", const Holders& holders = {}) {
    auto desired = compile("tree", cluster, holders);
    EXPECT_TRUE(desired.has_value());
    return desired.has_value() ? *desired : model::Desired();
  }

  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
  fs::path before_;
};

TEST_F(TreeTest, FoldersWithFilesOfOursAreServices) {
  write("tree/web/run.yaml", "main: {cmd: x}\nalso: {cmd: x}\n");
  write("tree/api/run-local.yaml", "main: {cmd: x}\n");
  write("tree/other/run-prod.yaml", "main: {cmd: x}\n");
  write("tree/_shared/run.yaml", "broken");
  write("tree/.git/run.yaml", "broken");
  write("tree/docs/readme.md", "no service");
  write("tree/README.md", "no service");
  const model::Desired desired = compiled();
  EXPECT_THAT(names_of(desired), ElementsAre("api.main", "web.also", "web.main"));
  EXPECT_THAT(texts_of(desired.problems), IsEmpty());
  EXPECT_EQ(desired.instances[0].origin.text(), "tree/api/run-local.yaml:1:1");
  EXPECT_THAT(names_of(compiled("prod")), ElementsAre("other.main", "web.also", "web.main"));
}

TEST_F(TreeTest, AMissingTreeIsAnErrorAndAnEmptyOneIsNot) {
  EXPECT_EQ(compile("tree", "local").error().code(), ErrorCode::NotFound);
  fs::create_directory("tree");
  EXPECT_EQ(compiled(), model::Desired());
}

TEST_F(TreeTest, OneBrokenServiceHurtsNoOther) {
  write("tree/bad/run.yaml", "main: {cmd: x, cpus: lots}\nfine: {cmd: x}\n");
  write("tree/good/run.yaml", "main: {cmd: x}\n");
  const model::Desired desired = compiled();
  EXPECT_THAT(names_of(desired), ElementsAre("good.main"));
  EXPECT_THAT(desired.broken, ElementsAre("bad"));
  ASSERT_EQ(desired.problems.size(), 1u);
  EXPECT_EQ(desired.problems[0].service, "bad");
  EXPECT_EQ(desired.problems[0].instance, "main");
}

TEST_F(TreeTest, AnImageIsNamedByTheContentItIsBuiltFrom) {
  write("tree/web/run.yaml", "main: {build: app}\n");
  write("tree/web/app/Dockerfile", "FROM scratch\n");
  const model::Image first = compiled().instances[0].spec.image;
  EXPECT_EQ(first.name, (fs::current_path() / "tree/web/app").string());
  EXPECT_EQ(first.digest, *io::hash_tree("tree/web/app"));
  write("tree/web/app/page.html", "new");
  EXPECT_NE(compiled().instances[0].spec.image.digest, first.digest);
}

TEST_F(TreeTest, ABuildWithoutDockerfileIsAProblem) {
  write("tree/a/run.yaml", "main: {build: app}\n");
  write("tree/b/run.yaml", "main:\n  build: .\n");
  const std::string here = (fs::current_path() / "tree").string();
  EXPECT_THAT(texts_of(compiled().problems),
              ElementsAre("tree/a/run.yaml:1:15: there is no folder " + here +
                              "/a/app; build names a folder with a Dockerfile",
                          "tree/b/run.yaml:2:10: there is no Dockerfile in " + here +
                              "/b; build names a folder with a Dockerfile"));
}

TEST_F(TreeTest, OfTwoOwnersOfAPortTheLaterIsBroken) {
  write("tree/a/run.yaml", "main: {cmd: x, container_port: 80, proxy: {port: 9000}}\n");
  write("tree/b/run.yaml", "main: {cmd: x, container_port: 80, proxy: {port: 9000}}\n");
  const model::Desired desired = compiled();
  EXPECT_THAT(desired.broken, ElementsAre("b"));
  EXPECT_THAT(names_of(desired), ElementsAre("a.main"));
  EXPECT_THAT(
      texts_of(desired.problems),
      ElementsAre(
          "tree/b/run.yaml:1:50: the proxy port \"9000\" belongs to a.main: tree/a/run.yaml:1:50; only "
          "one may have it"));
}

TEST_F(TreeTest, DomainsHaveOneOwnerHoweverTheyAreWritten) {
  write("tree/a/run.yaml",
        "main: {cmd: x, container_port: 80, proxy: {domains: [a.test, a.test]}}\n"
        "more: {cmd: x, container_port: 80, proxy: {domains: [A.Test]}}\n");
  EXPECT_THAT(
      texts_of(compiled().problems),
      ElementsAre("tree/a/run.yaml:1:62: the domain \"a.test\" is here twice: tree/a/run.yaml:1:54; only one "
                  "may have it",
                  "tree/a/run.yaml:2:54: the domain \"A.Test\" belongs to a.main: tree/a/run.yaml:1:54; only "
                  "one may have it"));
}

// How `main` of each service is written in the tests of who keeps what.
std::string reached_by(const std::string& proxy) {
  return "main: {cmd: x, container_port: 80, proxy: " + proxy + "}\n";
}

model::Proxy on_port(int port) {
  model::Proxy proxy;
  proxy.port = port;
  return proxy;
}

TEST_F(TreeTest, WhoHasAPortOrADomainKeepsItWhateverItsName) {
  write("tree/api/run.yaml", reached_by("{port: 9000, domains: [Shop.test]}"));
  write("tree/web/run.yaml", reached_by("{port: 9000, domains: [shop.test]}"));
  const Holders holders = {{{"web", "main"}, {.port = 9000, .domains = {"SHOP.test"}}}};
  const model::Desired desired = compiled("local", holders);
  EXPECT_THAT(desired.broken, ElementsAre("api"));
  EXPECT_THAT(names_of(desired), ElementsAre("web.main"));
  EXPECT_THAT(texts_of(desired.problems),
              ElementsAre("tree/api/run.yaml:1:50: the proxy port \"9000\" belongs to web.main: "
                          "tree/web/run.yaml:1:50; only one may have it",
                          "tree/api/run.yaml:1:66: the domain \"Shop.test\" belongs to web.main: "
                          "tree/web/run.yaml:1:66; only one may have it"));
  EXPECT_THAT(compiled().broken, ElementsAre("web"));
}

TEST_F(TreeTest, WhatAnInstanceWantsNoMoreIsFree) {
  write("tree/api/run.yaml", reached_by("{port: 9000}"));
  write("tree/web/run.yaml", reached_by("{port: 9001}"));
  const Holders holders = {{{"web", "main"}, on_port(9000)}, {{"gone", "main"}, on_port(9001)}};
  EXPECT_THAT(names_of(compiled("local", holders)), ElementsAre("api.main", "web.main"));
}

TEST_F(TreeTest, ABrokenServiceKeepsWhatItHas) {
  write("tree/api/run.yaml", reached_by("{port: 9000}"));
  write("tree/web/run.yaml", "main: {cmd: [x\n");
  const Holders holders = {{{"web", "main"}, on_port(9000)}};
  const model::Desired desired = compiled("local", holders);
  EXPECT_THAT(desired.broken, ElementsAre("api", "web"));
  EXPECT_EQ(
      desired.problems.at(0).text(),
      "tree/api/run.yaml:1:50: the proxy port \"9000\" belongs to web.main, which goes on with it while "
      "its own files are broken: tree/web/run.yaml; only one may have it");
}

TEST_F(TreeTest, AServiceThatBreaksOnAnothersPortKeepsItsOwn) {
  write("tree/a/run.yaml", reached_by("{port: 9000}"));  // what b goes on with
  write("tree/b/run.yaml", reached_by("{port: 9001}"));  // was 9000
  write("tree/c/run.yaml", reached_by("{port: 9001}"));
  const Holders holders = {{{"b", "main"}, on_port(9000)}, {{"c", "main"}, on_port(9001)}};
  const model::Desired desired = compiled("local", holders);
  EXPECT_THAT(desired.broken, ElementsAre("a", "b"));
  EXPECT_THAT(names_of(desired), ElementsAre("c.main"));
}

TEST_F(TreeTest, ARegistrationIsOfOneServiceAndOfItsNamesakeFirst) {
  write("tree/a/run.yaml", "main: {cmd: x, registrations: [b.main]}\n");
  write("tree/b/run.yaml",
        "main: {cmd: x, registrations: [b.main]}\ncanary: {cmd: x, registrations: [b.main]}\n");
  const model::Desired desired = compiled();
  EXPECT_THAT(desired.broken, ElementsAre("a"));
  EXPECT_THAT(texts_of(desired.problems),
              ElementsAre("tree/a/run.yaml:1:32: the registration \"b.main\" belongs to b.canary: "
                          "tree/b/run.yaml:2:34; only one may have it"));
}

TEST_F(TreeTest, FilesInTheWrongPlaceOrUnderTheWrongNameAreTold) {
  write("tree/run.yaml", "main: {cmd: x}\n");
  write("tree/web/run.yml", "main: {cmd: x}\n");
  const model::Desired desired = compiled();
  EXPECT_THAT(desired.broken, ElementsAre("web"));
  EXPECT_THAT(
      texts_of(desired.problems),
      ElementsAre(
          "tree/run.yaml:1:1: the file belongs to no service; put it into a folder that is named after "
          "the service",
          "tree/web/run.yml:1:1: the file is not read under this name; name it .yaml, with the a"));
}

TEST_F(TreeTest, WhatCannotBeReadIsOneProblem) {
  fs::create_directories("tree/loop");
  fs::create_symlink("run.yaml", "tree/loop/run.yaml");
  fs::create_symlink("around", "tree/around");
  fs::create_directories("tree/folder/run.yaml");
  fs::create_directories("tree/pipe");
  ASSERT_EQ(::mkfifo("tree/pipe/run.yaml", 0600), 0);
  fs::create_directories("tree/gone");
  fs::create_symlink("nowhere", "tree/gone/run.yaml");
  write("tree/large/run.yaml", std::string((8 << 20) + 1, '#'));
  write("tree/sound/run.yaml", "main: {cmd: x}\n");
  const model::Desired desired = compiled();
  EXPECT_THAT(names_of(desired), ElementsAre("sound.main"));
  EXPECT_THAT(
      texts_of(desired.problems),
      ElementsAre(
          "tree/around:1:1: the folder cannot be read: Too many levels of symbolic links",
          "tree/folder/run.yaml:1:1: the file cannot be read: it is not a regular file",
          "tree/gone/run.yaml:1:1: the file cannot be read: No such file or directory",
          "tree/large/run.yaml:1:1: the file cannot be read: it is longer than the 8388608 bytes that "
          "are read",
          "tree/loop/run.yaml:1:1: the file cannot be read: Too many levels of symbolic links",
          "tree/pipe/run.yaml:1:1: the file cannot be read: it is not a regular file"));
}

TEST_F(TreeTest, AServiceMayBeALink) {
  write("elsewhere/run.yaml", "main: {cmd: x}\n");
  fs::create_directory("tree");
  fs::create_symlink("../elsewhere", "tree/web");
  EXPECT_THAT(names_of(compiled()), ElementsAre("web.main"));
}

TEST_F(TreeTest, ClustersAreThoseThatFileNamesTell) {
  write("tree/web/run.yaml", "main: {cmd: x}\n");
  EXPECT_THAT(clusters_of("tree"), IsEmpty());
  write("tree/web/run-prod.yaml", "");
  write("tree/api/run-dev.yaml", "");
  write("tree/api/run-.yaml", "");
  EXPECT_THAT(clusters_of("tree"), ElementsAre("dev", "prod"));
}

TEST_F(TreeTest, TheFingerprintChangesWithTheFilesOfTheServiceAndOnlyThen) {
  write("tree/web/run.yaml", "main: {cmd: x}\n");
  write("tree/web/secrets/key.json", "{}\n");
  write("tree/web/app/src/main.c", "int main;\n");
  const auto print = [] { return fingerprint("tree/web"); };
  std::string last = print();
  EXPECT_EQ(print(), last);
  const auto changes = [&](const auto& change) {
    change();
    const std::string now = print();
    return std::exchange(last, now) != now;
  };
  EXPECT_TRUE(changes([] { write("tree/web/run.yaml", "main: {cmd: y}\n"); }));  // same size: another inode
  EXPECT_TRUE(changes([] { write("tree/web/secrets/page", "x"); }));
  EXPECT_TRUE(changes([] { fs::permissions("tree/web/secrets/page", fs::perms::owner_all); }));
  EXPECT_TRUE(changes([] { fs::rename("tree/web/secrets", "tree/web/more"); }));
  EXPECT_TRUE(changes([] { fs::remove("tree/web/more/page"); }));
  EXPECT_TRUE(changes([] { fs::create_symlink("..", "tree/web/round"); }));
  EXPECT_FALSE(changes([] { write("tree/web/.git/index", "x"); }));
  EXPECT_FALSE(changes([] { write("tree/web/app/src/main.c", "int main();\n"); }));
  EXPECT_TRUE(changes([] { fs::rename("tree/web", "tree/www"); }));
}

TEST(Mistakes, TenDifferentMistakesAreTenProblems) {
  const fs::path before = fs::current_path();
  fs::current_path(kSource / "test/golden");
  const auto desired = compile("mistakes", "prod");
  fs::current_path(before);
  ASSERT_TRUE(desired.has_value());
  EXPECT_THAT(names_of(*desired), ElementsAre("api.main"));
  EXPECT_THAT(desired->broken, ElementsAre("billing", "cart", "mail", "search", "shop"));
  std::string lines;
  for (const model::Problem& problem : desired->problems) lines += problem.text() + "\n";
  const std::string app = (kSource / "test/golden/mistakes/shop/app").string();
  EXPECT_EQ(lines,
            R"(mistakes/billing/run.yaml:3:3: unknown key "instnaces"; did you mean instances?
mistakes/billing/run.yaml:4:19: container_port is 80800; it should be an integer from 1 to 65535, such as 8888
mistakes/billing/service.yaml:3:7: cpus is "half"; it should be a number above 0 to 1024, such as 0.5
mistakes/cart/run.yaml:6:3: the key "mem" is here twice; keep one; the first is on line 3
mistakes/cart/run.yaml:9:3: args and cmd exclude each other; keep one of them
mistakes/mail/run.yaml:2:1: a tab indents "cmd: mail"; indent with spaces
mistakes/search/run-prod.yaml:3:5: proxy needs container_port; set the port that the tasks listen on
mistakes/search/run.yaml:2:7: the alias *defaults names no anchor; mark a value above it with &defaults
mistakes/shop/run.yaml:2:10: there is no folder )" +
                app +
                R"(; build names a folder with a Dockerfile
mistakes/shop/run.yaml:5:11: the proxy port "9000" belongs to api.main: mistakes/api/run.yaml:5:17)"
                R"(; only one may have it
)");
}

TEST(Examples, TheExamplesAreInOrder) {
  const auto loaded = load_cluster_directory(kSource / "examples/shop");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(texts_of(loaded->problems), IsEmpty());
  const auto desired = compile(loaded->cluster.config, loaded->cluster.cluster);
  ASSERT_TRUE(desired.has_value());
  EXPECT_THAT(texts_of(desired->problems), IsEmpty());
  EXPECT_FALSE(desired->instances.empty());
}

class ClusterTest : public TreeTest {};

TEST_F(ClusterTest, NoFileMeansAllDefaults) {
  fs::create_directory("tree");
  const auto loaded = load_cluster_directory("tree");
  ASSERT_TRUE(loaded.has_value());
  const ClusterConfig& cluster = loaded->cluster;
  const ClusterConfig standard;
  EXPECT_THAT(texts_of(loaded->problems), IsEmpty());
  EXPECT_EQ(cluster.cluster, standard.cluster);
  EXPECT_EQ(cluster.engine, standard.engine);
  EXPECT_EQ(cluster.config, "tree");
  EXPECT_EQ(cluster.state, default_state_path("tree"));
  EXPECT_EQ(cluster.api, "unix:" + (cluster.state / "api.sock").string());
  EXPECT_EQ(cluster.isolation, standard.isolation);
  EXPECT_EQ(cluster.runtime, standard.runtime);
  EXPECT_EQ(cluster.proxy.bind, standard.proxy.bind);
  EXPECT_EQ(cluster.proxy.http_port, standard.proxy.http_port);
  EXPECT_EQ(cluster.proxy.haproxy, standard.proxy.haproxy);
  EXPECT_EQ(cluster.limits.log_mb, standard.limits.log_mb);
  EXPECT_EQ(cluster.limits.image_gb, standard.limits.image_gb);
  EXPECT_EQ(cluster.limits.tasks, standard.limits.tasks);
  EXPECT_EQ(cluster.limits.starts, standard.limits.starts);
}

TEST_F(ClusterTest, EveryKeyArrives) {
  write("etc/slipway.yaml", R"(
cluster: prod
engine: fake
config: ../services
state: /srv/state
api: unix:/run/api.sock
isolation: none
runtime: runc
proxy: {bind: "*", http_port: 80, haproxy: /opt/haproxy}
limits: {log_mb: 1, image_gb: 2, tasks: 3, starts: 4}
)");
  const auto loaded = load_cluster_file("etc/slipway.yaml");
  ASSERT_TRUE(loaded.has_value());
  const ClusterConfig& cluster = loaded->cluster;
  EXPECT_THAT(texts_of(loaded->problems), IsEmpty());
  EXPECT_EQ(cluster.cluster, "prod");
  EXPECT_EQ(cluster.engine, "fake");
  EXPECT_EQ(cluster.config, "services");
  EXPECT_EQ(cluster.state, "/srv/state");
  EXPECT_EQ(cluster.api, "unix:/run/api.sock");
  EXPECT_EQ(cluster.isolation, "none");
  EXPECT_EQ(cluster.runtime, "runc");
  EXPECT_EQ(cluster.proxy.bind, "*");
  EXPECT_EQ(cluster.proxy.http_port, 80);
  EXPECT_EQ(cluster.proxy.haproxy, "/opt/haproxy");
  EXPECT_EQ(cluster.limits.log_mb, 1);
  EXPECT_EQ(cluster.limits.image_gb, 2);
  EXPECT_EQ(cluster.limits.tasks, 3);
  EXPECT_EQ(cluster.limits.starts, 4);
}

TEST_F(ClusterTest, MistakesAreToldAllAtOnce) {
  write("slipway.yaml", "cluster: a b\nengine: kubernets\nproxy: {bind: 'x y', http_prt: 80}\nnetwork: {}\n");
  const auto loaded = load_cluster_file("slipway.yaml");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(texts_of(loaded->problems),
              ElementsAre("slipway.yaml:1:10: cluster is \"a b\"; use letters, digits, - and _, at most 63",
                          "slipway.yaml:2:9: engine is \"kubernets\"; it should be one of local, fake",
                          "slipway.yaml:3:15: bind is \"x y\"; it should be an address, or \"*\"",
                          "slipway.yaml:3:22: unknown key \"proxy.http_prt\"; did you mean http_port?",
                          ::testing::StartsWith("slipway.yaml:4:1: unknown key \"network\"")));
  EXPECT_EQ(loaded->cluster.engine, "local");
}

// Who can connect may do everything.
TEST_F(ClusterTest, TheApiIsAUnixSocketAndNothingElse) {
  for (const std::string endpoint : {"0.0.0.0:8080", "127.0.0.1:8080", "run/api.sock", "unix:api.sock"}) {
    write("slipway.yaml", "cluster: prod\napi: \"" + endpoint + "\"\n");
    const auto loaded = load_cluster_file("slipway.yaml");
    ASSERT_TRUE(loaded.has_value());
    EXPECT_THAT(texts_of(loaded->problems),
                ElementsAre("slipway.yaml:2:6: api is \"" + endpoint +
                            "\"; it should be a unix socket, unix:/PATH: who can connect may do everything"));
  }
}

TEST_F(ClusterTest, AMissingFileOrFolderIsAnError) {
  EXPECT_EQ(load_cluster_file("slipway.yaml").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(load_cluster_directory("tree").error().code(), ErrorCode::NotFound);
}

TEST_F(ClusterTest, EachTreeHasAStateOfItsOwn) {
  fs::create_directories("a b/tree");
  fs::create_directories("c/tree");
  const std::string state = default_state_path("a b").filename().string();
  EXPECT_THAT(state, StartsWith("a_b-"));
  EXPECT_EQ(state.size(), 12u);
  EXPECT_NE(default_state_path("a b/tree"), default_state_path("c/tree"));
  EXPECT_EQ(default_state_path("c/tree"), default_state_path("./c/../c/tree/"));
}

TEST(Reference, ThePageInDocsIsTheOneMadeFromTheSchema) {
  const auto page = io::read_file(kSource / "docs/reference/config.md");
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(*page, reference_markdown()) << "run: slipway config docs > docs/reference/config.md";
}

TEST(Reference, SectionsAndKeysCanBeAskedFor) {
  EXPECT_THAT(*reference_of("run.yaml"), HasSubstr("#### `cpus`"));
  EXPECT_THAT(*reference_of("cluster"), HasSubstr("#### `proxy.http_port`"));
  EXPECT_EQ(*reference_of("cpus"),
            "In `run.yaml`, `run-<cluster>.yaml`:\n\n### `cpus`\n\nCores that a task may count on when the "
            "machine is "
            "busy.\n\n- Value: a number above 0 to 1024\n- Default: `0.1`\n- Example: `cpus: 0.5`\n");
  EXPECT_THAT(reference_of("cpsu").error().text(), EndsWith("the reference has no cpsu; did you mean cpus?"));
}

}  // namespace
}  // namespace slipway::config
