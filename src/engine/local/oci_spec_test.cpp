#include "engine/local/oci_spec.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "engine/local/mounts.h"
#include "engine/local/seccomp.h"
#include "engine/local/task_files.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;

model::TaskSpec web() {
  model::TaskSpec spec;
  spec.image.kind = model::ImageKind::Reference;
  spec.image.name = "web";
  spec.container_port = 8080;
  spec.resources.cpus = 0.5;
  spec.resources.cpu_burst_add = 1;
  spec.resources.mem_mb = 128;
  return spec;
}

ImageConfig image_with(std::vector<std::string> entrypoint, std::vector<std::string> cmd) {
  ImageConfig config;
  config.entrypoint = std::move(entrypoint);
  config.cmd = std::move(cmd);
  config.env["FROM_IMAGE"] = "1";
  return config;
}

struct Case {
  explicit Case(model::TaskSpec spec) : revision(model::make_revision({"shop", "web"}, spec)) {}
  model::Revision revision;
  SpecInput input{.revision = revision,
                  .task = model::TaskId("shop-web-x1"),
                  .cluster = "prod",
                  .image = image_with({"/bin/web"}, {"--default"}),
                  .user = {1000, 1001, {1001, 1002}, "/home/app"},
                  .rootfs = "/state/tasks/t/bundle/rootfs",
                  .host_name = "shop-web-x1",
                  .binds = {},
                  .hidden = {},
                  .cgroup = "/slipway/prod/shop-web-x1",
                  .port = 8080};
};

const Json* find_mount(const Json& config, std::string_view destination) {
  for (const Json& mount : config.at("mounts").as_array()) {
    if (mount.at("destination").as_string() == destination) return &mount;
  }
  return nullptr;
}

TEST(TaskArguments, CombineAsDockerDoes) {
  const ImageConfig image = image_with({"/entry"}, {"default"});
  model::TaskSpec spec;
  EXPECT_EQ(*task_arguments(spec, image), (std::vector<std::string>{"/entry", "default"}));
  spec.args = {"mine"};
  EXPECT_EQ(*task_arguments(spec, image), (std::vector<std::string>{"/entry", "mine"}));
  spec.args = {};
  spec.cmd = {"/cmd", "x"};
  EXPECT_EQ(*task_arguments(spec, image), (std::vector<std::string>{"/cmd", "x"}));
  EXPECT_EQ(task_arguments({}, {}).error().code(), ErrorCode::Invalid);
}

TEST(OciSpec, TellsTheLimits) {
  const Json config = oci_spec(Case(web()).input).value();
  const Json& resources = config.at("linux").at("resources");
  EXPECT_EQ(resources.at("memory").at("limit").as_int(), 128 << 20);
  EXPECT_EQ(resources.at("memory").at("swap").as_int(), 128 << 20);
  EXPECT_EQ(resources.at("cpu").at("shares").as_int(), 512);
  EXPECT_EQ(resources.at("cpu").at("quota").as_int(), 150'000);
  EXPECT_EQ(resources.at("pids").at("limit").as_int(), 1024);
  EXPECT_EQ(config.at("linux").at("cgroupsPath").as_string(), "/slipway/prod/shop-web-x1");
}

TEST(OciSpec, GivesTheUsersEnvironmentTheLastWordButOnTheTasksName) {
  model::TaskSpec spec = web();
  spec.env = {{"FROM_IMAGE", "2"}, {"PORT", "9"}, {"SLIPWAY_TASK", "forged"}, {"X", "a b\n$c"}};
  Case one(spec);
  one.input.port = 8080;
  const auto environment = task_environment(one.input);
  EXPECT_EQ(environment.at("FROM_IMAGE"), "2");
  EXPECT_EQ(environment.at("PORT"), "9");
  EXPECT_EQ(environment.at("X"), "a b\n$c");
  EXPECT_EQ(environment.at("SLIPWAY_TASK"), "shop-web-x1");
  EXPECT_EQ(environment.at("SLIPWAY_SERVICE"), "shop");
  EXPECT_EQ(environment.at("HOME"), "/home/app");
}

TEST(OciSpec, DropsWhatATaskDoesNotNeed) {
  const Json config = oci_spec(Case(web()).input).value();
  EXPECT_TRUE(config.at("process").at("noNewPrivileges").as_bool());
  EXPECT_EQ(config.at("process").at("user").at("uid").as_int(), 1000);
  const std::string capabilities = config.at("process").at("capabilities").dump();
  EXPECT_EQ(capabilities.find("NET_RAW"), std::string::npos);
  EXPECT_EQ(capabilities.find("SYS_ADMIN"), std::string::npos);
  EXPECT_FALSE(config.at("linux").at("seccomp").is_null());
  EXPECT_EQ(config.at("linux").at("namespaces").dump().find("network"), std::string::npos);
}

TEST(OciSpec, LetsAVolumeTakeThePlaceOfTmp) {
  model::TaskSpec spec = web();
  spec.volumes = {{"/tmp", "/srv/tmp", false}};
  const Json config = oci_spec(Case(spec).input).value();
  ASSERT_NE(find_mount(config, "/tmp"), nullptr);
  EXPECT_EQ(find_mount(config, "/tmp")->at("type").as_string(), "bind");
}

TEST(OciSpec, RefusesARelativeWorkingDirectory) {
  model::TaskSpec spec = web();
  spec.work_dir = "app";
  EXPECT_EQ(oci_spec(Case(spec).input).error().code(), ErrorCode::Invalid);
}

TEST(OciSpec, MakesACgroupNamespaceOnVersionTwoOnly) {
  Case made(web());
  made.input.cgroups = CgroupMode::V2;
  EXPECT_NE(oci_spec(made.input)->at("linux").at("namespaces").dump().find("cgroup"), std::string::npos);
  made.input.cgroups = CgroupMode::V1;
  EXPECT_EQ(oci_spec(made.input)->at("linux").at("namespaces").dump().find("cgroup"), std::string::npos);
}

class ResolveUserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_.path() / "etc");
    std::ofstream(root_.path() / "etc/passwd")
        << "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nbad\n";
    std::ofstream(root_.path() / "etc/group") << "root:x:0:\napp:x:1001:\nweb:x:1002:other,app\n";
  }
  io::TemporaryDirectory root_ = io::TemporaryDirectory::create().value();
};

TEST_F(ResolveUserTest, ReadsNamesAndNumbers) {
  EXPECT_EQ(*resolve_user("", root_.path()), (User{0, 0, {0}, "/root"}));
  EXPECT_EQ(*resolve_user("app", root_.path()), (User{1000, 1001, {1001, 1002}, "/home/app"}));
  EXPECT_EQ(*resolve_user("1000", root_.path()), (User{1000, 1001, {1001, 1002}, "/home/app"}));
  EXPECT_EQ(*resolve_user("app:web", root_.path()), (User{1000, 1002, {1002}, "/home/app"}));
  EXPECT_EQ(*resolve_user("4242:77", root_.path()), (User{4242, 77, {77}, "/"}));
  EXPECT_EQ(resolve_user("nobody-here", root_.path()).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(resolve_user("app:nothing", root_.path()).error().code(), ErrorCode::Invalid);
}

TEST_F(ResolveUserTest, FollowsLinksWithinTheImageOnly) {
  fs::remove(root_.path() / "etc/passwd");
  fs::create_symlink("/users", root_.path() / "etc/passwd");
  std::ofstream(root_.path() / "users") << "linked:x:7:8::/l:/bin/sh\n";
  EXPECT_EQ(resolve_user("linked", root_.path())->uid, 7U);
  fs::remove(root_.path() / "etc/passwd");
  fs::create_symlink("../../../../../../etc/passwd", root_.path() / "etc/passwd");
  EXPECT_FALSE(resolve_user("daemon", root_.path())) << "the host's own users are not the image's";
}

TEST(CheckVolumes, NamesWhatIsMissing) {
  EXPECT_TRUE(check_volumes({{"/data", "/tmp", true}}));
  EXPECT_EQ(check_volumes({{"/data", "/no/such", true}}).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(check_volumes({{"/data", "relative", true}}).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(check_volumes({{"data", "/tmp", true}}).error().code(), ErrorCode::Invalid);
}

TEST(Seccomp, CompilesAndNamesNoCallTwice) {
  EXPECT_FALSE(seccomp_program().empty());
  std::map<std::string, int> seen;
  const Json::Array& rules = seccomp_profile().at("syscalls").as_array();
  for (const Json& rule : rules) {
    if (rule.has("args")) continue;
    for (const Json& name : rule.at("names").as_array())
      EXPECT_EQ(++seen[name.as_string()], 1) << name.as_string();
  }
  EXPECT_EQ(rules.at(1).at("errnoRet").as_int(), EPERM);
}

TEST(HostProgramMounts, FindsDisksWithProgramsAndNothingElse) {
  const std::vector<BindMount> found = host_program_mounts(
      "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "21 20 8:2 / /usr rw,relatime shared:2 - ext4 /dev/sda2 rw\n"
      "22 20 8:3 / /var/lib/my\\040data rw - xfs /dev/sda3 rw\n"
      "23 20 0:5 / /var/run rw - tmpfs tmpfs rw\n"
      "24 20 8:4 / /boot rw - ext4 /dev/sda4 rw\n"
      "25 20 8:5 / /usrlocal rw - ext4 /dev/sda5 rw\n"
      "26 20 8:2 / /usr rw - ext4 /dev/sda2 rw\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].source, "/usr");
  EXPECT_EQ(found[1].destination, "/var/lib/my data");
}

TEST(TaskOverlay, EscapesWhatWouldEndAPath) {
  const OverlayMount overlay = task_overlay("/images/a:b,c", TaskPaths("/state", model::TaskId("t")));
  EXPECT_EQ(
      overlay.fallback_options,
      "lowerdir=/images/a\\:b\\,c,upperdir=/state/tasks/t/layer/upper,workdir=/state/tasks/t/layer/work");
}

TEST(ResolvConf, LeavesOutNameServersThatTheTaskCannotReach) {
  EXPECT_EQ(resolv_conf_for("search a\nnameserver 10.0.0.1\nnameserver 127.0.0.1\n", "", true),
            "search a\nnameserver 10.0.0.1\n");
  EXPECT_EQ(resolv_conf_for("nameserver 127.0.0.53\noptions edns0\n", "nameserver 9.9.9.9\nsearch x\n", true),
            "options edns0\nnameserver 9.9.9.9\n");
  EXPECT_EQ(resolv_conf_for("nameserver 127.0.0.53\n", "nameserver 9.9.9.9\n", false),
            "nameserver 127.0.0.53\n");
}

TEST(HostName, IsWhatAHostNameMayBe) {
  EXPECT_EQ(host_name_for(model::TaskId("shop-web_1-x")), "shop-web-1-x");
  const std::string name = host_name_for(model::TaskId(std::string(80, 'a') + "-tail"));
  EXPECT_EQ(name.size(), 63U);
  EXPECT_TRUE(name.ends_with("-tail"));
}

}  // namespace
}  // namespace slipway::engine::local
