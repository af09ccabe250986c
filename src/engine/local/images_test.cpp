#include "engine/local/images.h"

#include <fstream>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/local/image_tools.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;

TEST(ImageReference, MeansARegistryUnlessItSaysOtherwise) {
  EXPECT_EQ(*normalize_reference("nginx:1.25"), "docker://nginx:1.25");
  EXPECT_EQ(*normalize_reference("localhost:5000/a/b"), "docker://localhost:5000/a/b");
  EXPECT_EQ(*normalize_reference("docker://nginx"), "docker://nginx");
  EXPECT_EQ(*normalize_reference("oci:/srv/image:v1"), "oci:/srv/image:v1");
  EXPECT_FALSE(normalize_reference(""));
  EXPECT_FALSE(normalize_reference("http://nginx"));
  EXPECT_FALSE(normalize_reference("ngi nx"));
}

TEST(ImageReference, IsOfALocalRegistryByItsAddressAlone) {
  for (const char* local : {"docker://127.0.0.1:5000/a", "docker://127.9.8.7/a/b:1", "docker://localhost/a",
                            "docker://localhost:5000/a", "docker://[::1]/a", "docker://[::1]:5000/a"}) {
    EXPECT_TRUE(is_local_registry(local)) << local;
  }
  for (const char* other :
       {"docker://127.evil.example/a", "docker://127.0.0.1.evil.example/a", "docker://128.0.0.1/a",
        "docker://[::1].evil.example/a", "docker://[::2]:5000/a", "docker://localhost.evil.example/a",
        "docker://example/127.0.0.1", "docker://nginx", "oci:127.0.0.1:5000"}) {
    EXPECT_FALSE(is_local_registry(other)) << other;
  }
}

TEST(ImageConfig, IsReadFromTheOciConfiguration) {
  const ImageConfig config = image_config_from_json(*Json::parse(
      R"({"Entrypoint":["/bin/app"],"Cmd":["-v"],"Env":["A=1=2","B="],"User":"app:web","WorkingDir":"/srv",
          "StopSignal":"SIGQUIT","ExposedPorts":{"8080/tcp":{},"53/udp":{},"80":{}}})"));
  EXPECT_EQ(config.entrypoint, std::vector<std::string>{"/bin/app"});
  EXPECT_EQ(config.cmd, std::vector<std::string>{"-v"});
  EXPECT_EQ(config.env, (std::map<std::string, std::string>{{"A", "1=2"}, {"B", ""}}));
  EXPECT_EQ(config.user, "app:web");
  EXPECT_EQ(config.stop_signal, "SIGQUIT");
  EXPECT_EQ(config.exposed_tcp_ports, (std::vector<int>{80, 8080}));
}

TEST(ImageError, KeepsWhatTheToolMeant) {
  const Error missing = image_error(
      R"(time="2026-01-01T00:00:00Z" level=fatal msg="initializing source docker://x:1: reading manifest 1 in x: manifest unknown")");
  EXPECT_EQ(missing.code(), ErrorCode::NotFound);
  EXPECT_EQ(missing.message(), "initializing source docker://x:1: reading manifest 1 in x: manifest unknown");
  EXPECT_EQ(image_error("pinging registry: dial tcp 127.0.0.1:5: connect: connection refused").code(),
            ErrorCode::Unavailable);
  EXPECT_EQ(image_error("write /x: no space left on device").code(), ErrorCode::Exhausted);
  EXPECT_EQ(image_error("1\n2\n3\n4\n5\n6\n7\n8\n").message(), "3\n4\n5\n6\n7\n8");
}

class ImageStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: unpacks images";
    for (const char* tool : {"skopeo", "umoci", "buildah"}) {
      if (!io::find_program(tool)) GTEST_SKIP() << "needs " << tool;
    }
    if (!io::exists("/bin/busybox")) GTEST_SKIP() << "needs busybox-static";
    store_ = ImageStore::open({.state = state_.path() / "state"}, clock_).value();
  }

  Deadline deadline() const { return clock_.deadline_in(120s); }

  model::Image dockerfile(const std::string& text) {
    const fs::path folder = state_.path() / "context";
    fs::create_directories(folder);
    fs::copy_file("/bin/busybox", folder / "busybox", fs::copy_options::overwrite_existing);
    std::ofstream(folder / "Dockerfile") << text;
    return {model::ImageKind::Build, folder.string(), ""};
  }

  // Made by umoci alone: a busybox with an entrypoint.
  std::string oci_layout() {
    const std::string layout = state_.path() / "layout";
    const std::string name = layout + ":v1";
    for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
             {"umoci", "init", "--layout", layout},
             {"umoci", "new", "--image", name},
             {"umoci", "insert", "--image", name, "/bin/busybox", "/bin/busybox"},
             {"umoci", "config", "--image", name, "--config.entrypoint", "/bin/busybox", "--config.user",
              "1000"}}) {
      io::Command command;
      command.argv = argv;
      const auto finished = io::run_ok(command, clock_, deadline());
      EXPECT_TRUE(finished) << finished.error().text();
    }
    return "oci:" + name;
  }

  SystemClock clock_;
  io::TemporaryDirectory state_ = io::TemporaryDirectory::create().value();
  std::unique_ptr<ImageStore> store_;
};

TEST_F(ImageStoreTest, PreparesAnOciLayoutOnceForAllWhoWantIt) {
  const model::Image image{model::ImageKind::Reference, oci_layout(), ""};
  EXPECT_EQ(store_->lookup(image).error().code(), ErrorCode::NotFound);
  std::vector<std::thread> threads;
  std::vector<std::optional<Result<PreparedImage>>> results(4);
  for (auto& result : results) threads.emplace_back([&] { result = store_->prepare(image, deadline()); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) {
    ASSERT_TRUE(*result) << result->error().text();
    EXPECT_EQ((*result)->rootfs, results[0]->value().rootfs);
  }
  const PreparedImage& prepared = results[0]->value();
  EXPECT_TRUE(fs::exists(prepared.rootfs / "bin/busybox"));
  EXPECT_EQ(prepared.config.entrypoint, std::vector<std::string>{"/bin/busybox"});
  EXPECT_EQ(prepared.config.user, "1000");
  EXPECT_EQ(store_->lookup(image)->digest, prepared.digest);
  // Another control plane finds it where it is.
  const auto again = ImageStore::open({.state = state_.path() / "state"}, clock_).value();
  EXPECT_EQ(again->lookup(image)->digest, prepared.digest);
}

// Else any user of the machine could run the set-user-id programs of an image.
TEST_F(ImageStoreTest, NobodyElseReachesTheFilesOfImages) {
  const fs::path images = state_.path() / "state" / "images";
  fs::permissions(images, fs::perms(0711));  // as an earlier version left it
  const auto again = ImageStore::open({.state = state_.path() / "state"}, clock_).value();
  EXPECT_EQ(fs::status(images).permissions(), fs::perms(0700));
}

TEST_F(ImageStoreTest, BuildsADockerfileFromScratchWithoutANetwork) {
  const model::Image image = dockerfile(
      "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"mkdir\", \"/made\"]\n"
      "ENV GREETING=hello\nEXPOSE 8080\nCMD [\"/bin/busybox\", \"true\"]\n");
  const Result<PreparedImage> prepared = store_->prepare(image, deadline());
  ASSERT_TRUE(prepared) << prepared.error().text();
  EXPECT_TRUE(fs::is_directory(prepared->rootfs / "made"));
  EXPECT_EQ(prepared->config.env.at("GREETING"), "hello");
  EXPECT_EQ(prepared->config.exposed_tcp_ports, std::vector<int>{8080});
  EXPECT_EQ(io::read_file("/proc/self/mountinfo")->find(state_.path().string()), std::string::npos);
}

TEST_F(ImageStoreTest, ShowsTheLastLinesOfABuildThatFails) {
  const Result<PreparedImage> prepared =
      store_->prepare(dockerfile("FROM scratch\nCOPY busybox /bin/busybox\n"
                                 "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo the reason >&2; exit 3\"]\n"),
                      deadline());
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code(), ErrorCode::Invalid) << prepared.error().text();
  EXPECT_NE(prepared.error().text().find("the reason"), std::string::npos) << prepared.error().text();
  EXPECT_NE(prepared.error().text().find("exit status 3"), std::string::npos) << prepared.error().text();
}

TEST_F(ImageStoreTest, PreparesNothingNewOnceCancelled) {
  const model::Image image{model::ImageKind::Reference, oci_layout(), ""};
  ASSERT_TRUE(store_->prepare(image, deadline()));
  store_->cancel();
  EXPECT_TRUE(store_->prepare(image, deadline())) << "it is at hand";
  const Result<PreparedImage> refused =
      store_->prepare(dockerfile("FROM scratch\nCOPY busybox /x\n"), deadline());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(refused.error().text().find("cancelled"), std::string::npos) << refused.error().text();
}

TEST_F(ImageStoreTest, NamesWhatIsMissing) {
  const auto code = [&](model::ImageKind kind, const std::string& name) {
    const Result<PreparedImage> prepared = store_->prepare({kind, name, ""}, deadline());
    EXPECT_FALSE(prepared);
    EXPECT_NE(prepared.error().text().find("no-such"), std::string::npos) << prepared.error().text();
    return prepared.error().code();
  };
  EXPECT_EQ(code(model::ImageKind::Reference, "oci:/tmp/no-such-folder:v1"), ErrorCode::NotFound);
  EXPECT_EQ(code(model::ImageKind::Reference, "docker-archive:/tmp/no-such-file"), ErrorCode::NotFound);
  EXPECT_EQ(code(model::ImageKind::Reference, "docker://127.0.0.1:1/no-such:1"), ErrorCode::Unavailable);
  EXPECT_EQ(code(model::ImageKind::Build, "/tmp/no-such-context"), ErrorCode::NotFound);
}

TEST_F(ImageStoreTest, CollectsOnlyWhatIsNotInUse) {
  const model::Image first{model::ImageKind::Reference, oci_layout(), ""};
  const PreparedImage used = store_->prepare(first, deadline()).value();
  const model::Image second = dockerfile("FROM scratch\nCOPY busybox /other\n");
  const PreparedImage unused = store_->prepare(second, deadline()).value();
  const ImageSweep sweep{.unused_since = clock_.now() + 1h, .max_bytes = 0};
  const Result<uint64_t> freed = store_->collect({used.digest}, sweep, deadline());
  ASSERT_TRUE(freed) << freed.error().text();
  EXPECT_GT(*freed, 0U);
  EXPECT_TRUE(fs::exists(used.rootfs));
  EXPECT_FALSE(fs::exists(unused.rootfs));
  EXPECT_FALSE(store_->lookup(second));
  EXPECT_TRUE(store_->prepare(second, deadline()));
}

TEST_F(ImageStoreTest, AnImageTakenUpAfterItsSweepWasDecidedKeepsItsFiles) {
  const model::Image image{model::ImageKind::Reference, oci_layout(), ""};
  const PreparedImage prepared = store_->prepare(image, deadline()).value();
  const auto collect = [&] {
    const Result<uint64_t> freed =
        store_->collect({}, {.unused_since = clock_.now() - 10min, .max_bytes = 0}, deadline());
    EXPECT_TRUE(freed) << freed.error().text();
    return freed && *freed > 0;
  };
  const auto not_used_for_long = [&] {
    fs::last_write_time(prepared.rootfs.parent_path(), fs::file_time_type::clock::now() - 24h);
  };
  EXPECT_FALSE(collect()) << "it was prepared just now";
  not_used_for_long();
  ASSERT_TRUE(store_->take_up(image));  // as a rollback does, between the decision and the sweep
  EXPECT_FALSE(collect());
  EXPECT_TRUE(fs::exists(prepared.rootfs / "bin/busybox"));
  not_used_for_long();
  ASSERT_TRUE(store_->prepare(image, deadline()));
  EXPECT_FALSE(collect());
  not_used_for_long();
  ASSERT_TRUE(store_->lookup(image));  // to look is not to use
  EXPECT_TRUE(collect());
  EXPECT_FALSE(fs::exists(prepared.rootfs));
  EXPECT_EQ(store_->take_up(image).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::engine::local
