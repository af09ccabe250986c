#include "config/tree.h"

#include <gmock/gmock.h>

#include "config/compiled_codec.h"
#include "config/compiled_store.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class IncrementalTree : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(io::make_directories((folder_.path() / "tree" / name).parent_path()));
    ASSERT_TRUE(io::write_file(folder_.path() / "tree" / name, text));
  }
  void remove(const std::string& name) const { ASSERT_TRUE(io::remove_all(folder_.path() / "tree" / name)); }
  // As another process begins, with what the one before has kept.
  void start() {
    tree_.reset();
    store_ = std::make_unique<CompiledStore>(folder_.path() / "compiled");
    tree_ = std::make_unique<Tree>(TreeOptions{
        .folder = folder_.path() / "tree", .cluster = "local", .threads = 2, .store = store_.get()});
    ASSERT_TRUE(tree_->look_at_all());
    EXPECT_TRUE(tree_->stored().has_value());
  }
  // "web.main x2", of what is in force.
  std::vector<std::string> in_force() const {
    std::vector<std::string> texts;
    for (const model::Instance& instance : tree_->desired().instances)
      texts.push_back(instance.id.text() + " x" + std::to_string(instance.count));
    return texts;
  }
  static std::string run(int count, const std::string& more = "") {
    return "main: {cmd: x, instances: " + std::to_string(count) + more + "}\n";
  }

  io::TemporaryDirectory folder_ = io::TemporaryDirectory::create().value();
  std::unique_ptr<CompiledStore> store_;
  std::unique_ptr<Tree> tree_;
};

TEST_F(IncrementalTree, SharesWhatDidNotChange) {
  write("api/run.yaml", run(1));
  write("web/run.yaml", run(1));
  start();
  const model::Desired before = tree_->desired();
  write("web/run.yaml", run(2));
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("api.main x1", "web.main x2"));
  EXPECT_EQ(&tree_->desired().instances[0], &before.instances[0]);
  EXPECT_EQ(before.instances[1].count, 1);
  ASSERT_TRUE(tree_->look_at_all());
  EXPECT_EQ(tree_->desired().instances[1].count, 2);
}

TEST_F(IncrementalTree, SeesServicesComeAndGo) {
  write("web/run.yaml", run(1));
  start();
  write("new/run.yaml", run(3));
  ASSERT_TRUE(tree_->look_at({"new", "nothing", "README.md"}));
  EXPECT_THAT(in_force(), ElementsAre("new.main x3", "web.main x1"));
  remove("web");
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("new.main x3"));
  remove("new");
  write("other/run.yaml", run(4));
  ASSERT_TRUE(tree_->look_at_all());
  EXPECT_THAT(in_force(), ElementsAre("other.main x4"));
  start();
  EXPECT_THAT(in_force(), ElementsAre("other.main x4"));
}

TEST_F(IncrementalTree, ABrokenServiceKeepsItsLastGoodConfigurationAcrossRestarts) {
  write("api/run.yaml", run(1));
  write("web/run.yaml", run(2));
  start();
  write("web/run.yaml", "main: {cmd: [x\n");
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("api.main x1", "web.main x2"));
  EXPECT_THAT(tree_->desired().last_good, ElementsAre("web"));
  EXPECT_THAT(tree_->desired().broken, IsEmpty());
  EXPECT_EQ(tree_->desired().problems.size(), 1u);
  const model::Instance before = tree_->desired().instances[1];

  for (int restart = 0; restart < 2; ++restart) {
    start();
    EXPECT_THAT(in_force(), ElementsAre("api.main x1", "web.main x2"));
    EXPECT_THAT(tree_->desired().last_good, ElementsAre("web"));
    EXPECT_EQ(tree_->desired().instances[1], before);
  }
  write("web/run.yaml", run(5));
  ASSERT_TRUE(tree_->look_at_all());
  EXPECT_THAT(in_force(), ElementsAre("api.main x1", "web.main x5"));
  EXPECT_THAT(tree_->desired().last_good, IsEmpty());
  EXPECT_THAT(tree_->desired().problems, IsEmpty());
}

TEST_F(IncrementalTree, AServiceThatWasNeverGoodIsBroken) {
  write("web/run.yaml", "main: {cmd: x, instances: lots}\n");
  start();
  EXPECT_THAT(in_force(), IsEmpty());
  EXPECT_THAT(tree_->desired().broken, ElementsAre("web"));
  EXPECT_TRUE(tree_->desired().has_broken_files("web"));
}

TEST_F(IncrementalTree, WithoutWhatWasKeptABrokenServiceIsUnknown) {
  write("web/run.yaml", run(2));
  start();
  write("web/run.yaml", "main: [");
  fs::remove(folder_.path() / "compiled");
  start();
  EXPECT_THAT(tree_->desired().broken, ElementsAre("web"));
}

TEST_F(IncrementalTree, ADamagedStoreLosesWhatIsDamagedAlone) {
  for (const char* name : {"a", "b", "c"}) write(std::string(name) + "/run.yaml", run(2));
  start();
  for (const char* name : {"a", "b", "c"}) write(std::string(name) + "/run.yaml", "main: [");
  const fs::path file = folder_.path() / "compiled";
  std::string text = io::read_file(file).value();
  text[text.size() - 5] ^= 1;
  ASSERT_TRUE(io::write_file(file, text));
  start();
  EXPECT_EQ(tree_->desired().last_good.size(), 2u);
  EXPECT_EQ(tree_->desired().broken.size(), 1u);

  ASSERT_TRUE(io::write_file(file, "something else entirely"));
  write("a/run.yaml", run(7));
  start();
  EXPECT_THAT(in_force(), ElementsAre("a.main x7"));
  write("a/run.yaml", "main: [");
  start();
  EXPECT_THAT(in_force(), ElementsAre("a.main x7")) << "the file was written anew";
}

TEST_F(IncrementalTree, WhatCannotBeKeptIsSaidAndTriedAgain) {
  write("web/run.yaml", run(1));
  start();
  fs::remove(folder_.path() / "compiled");
  ASSERT_TRUE(io::make_directories(folder_.path() / "compiled"));
  write("web/run.yaml", run(2));
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_FALSE(tree_->stored().has_value());
  EXPECT_THAT(in_force(), ElementsAre("web.main x2"));
  fs::remove(folder_.path() / "compiled");
  ASSERT_TRUE(tree_->look_at_all());
  EXPECT_TRUE(tree_->stored().has_value());
  write("web/run.yaml", "main: [");
  start();
  EXPECT_THAT(in_force(), ElementsAre("web.main x2"));
}

TEST_F(IncrementalTree, APortStaysWithWhoeverHasItInForce) {
  const std::string port = ", proxy: {port: 18000}";
  write("web/run.yaml", run(1, port));
  start();
  write("api/run.yaml", run(1, port));
  ASSERT_TRUE(tree_->look_at({"api"}));
  EXPECT_THAT(in_force(), ElementsAre("web.main x1"));
  EXPECT_THAT(tree_->desired().broken, ElementsAre("api"));
  // Also while its files are broken, and after a restart.
  write("web/run.yaml", "main: [");
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("web.main x1"));
  start();
  EXPECT_THAT(in_force(), ElementsAre("web.main x1"));
  EXPECT_THAT(tree_->desired().broken, ElementsAre("api"));
  // Whoever waits has it as soon as it is given up, though its own files did not change.
  write("web/run.yaml", run(1));
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("api.main x1", "web.main x1"));
  EXPECT_THAT(tree_->desired().problems, IsEmpty());
}

TEST_F(IncrementalTree, AnEmptyPortIsTakenWhenItsOwnerLeaves) {
  const std::string port = ", proxy: {port: 18000, domains: [shop.test]}";
  write("web/run.yaml", run(1, port));
  start();
  write("zoo/run.yaml", run(1, port));
  ASSERT_TRUE(tree_->look_at({"zoo"}));
  EXPECT_THAT(tree_->desired().broken, ElementsAre("zoo"));
  remove("web");
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_THAT(in_force(), ElementsAre("zoo.main x1"));
}

TEST_F(IncrementalTree, WhatABuildIsMadeOfIsFollowedAndKept) {
  write("web/run.yaml", "main: {build: ./app, cmd: x}\n");
  write("web/app/Dockerfile", "FROM scratch\n");
  write("api/run.yaml", "main: {build: ../web/app, cmd: x}\n");
  start();
  const auto digest = [&](size_t i) { return tree_->desired().instances[i].spec.image.digest; };
  const std::string first = digest(0);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(digest(1), first);
  write("web/app/page", "new");
  ASSERT_TRUE(tree_->look_at({"web"}));
  EXPECT_NE(digest(1), first);
  EXPECT_EQ(digest(0), digest(1)) << "it is built from the other one's folder";
  const std::string second = digest(0);
  remove("web/app/Dockerfile");
  start();
  EXPECT_EQ(tree_->desired().last_good.size(), 2u);
  EXPECT_EQ(digest(0), second);
}

TEST_F(IncrementalTree, AWarningBreaksNothingAndIsNotForgotten) {
  write("web/run.yaml", run(1));
  write("run.yaml", run(1));
  start();
  EXPECT_THAT(in_force(), ElementsAre("web.main x1"));
  ASSERT_EQ(tree_->desired().problems.size(), 1u);
  EXPECT_THAT(tree_->desired().problems[0].message, HasSubstr("belongs to no service"));
  remove("run.yaml");
  ASSERT_TRUE(tree_->look_at({"run.yaml"}));
  EXPECT_THAT(tree_->desired().problems, IsEmpty());
}

TEST_F(IncrementalTree, ATreeThatIsGoneChangesNothing) {
  write("web/run.yaml", run(1));
  start();
  fs::rename(folder_.path() / "tree", folder_.path() / "elsewhere");
  EXPECT_EQ(tree_->look_at_all().error().code(), ErrorCode::NotFound);
  EXPECT_EQ(tree_->look_at({"web"}).error().code(), ErrorCode::NotFound);
  EXPECT_THAT(in_force(), ElementsAre("web.main x1"));
}

TEST(CompiledCodec, ReadsBackWhatItWroteAndNothingElse) {
  CompiledService service;
  service.name = "web";
  service.files = {"web/run.yaml"};
  CompiledInstance& compiled = service.instances.emplace_back();
  compiled.instance.id = {"web", "main"};
  compiled.instance.spec.cmd = std::vector<std::string>{"serve", ""};
  compiled.instance.spec.env = {{"A", "1"}, {"B", ""}};
  compiled.instance.spec.resources.cpus = 0.1;
  compiled.instance.spec.stop_grace = 1234ms;
  compiled.instance.spec.placement.max_per = {{"zone", -1}};
  compiled.instance.count = 0;
  compiled.instance.max_instances = 12;
  compiled.instance.proxy = model::Proxy{.port = 80, .mode = model::ProxyMode::Tcp, .domains = {"a", "b"}};
  compiled.instance.monitoring = Json::Object{{"team", "x"}};
  compiled.claims = {{ClaimKind::Domain, "a", {0, 3, 4}}};
  const std::string bytes = encode(service);
  const auto decoded = decode_service(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->instances[0].instance, compiled.instance);
  EXPECT_EQ(decoded->instances[0].claims[0].at, compiled.claims[0].at);
  EXPECT_EQ(decoded->files, service.files);
  EXPECT_EQ(encode(*decoded), bytes);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_service(bytes.substr(0, size)).has_value()) << size;
  for (size_t at = 0; at < bytes.size(); ++at) {  // whatever it is, it is no crash
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    static_cast<void>(decode_service(damaged));
  }
}

}  // namespace
}  // namespace slipway::config
