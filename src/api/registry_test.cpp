#include "api/registry.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"

namespace slipway::api {
namespace {

class Registry : public testing::Test {
 protected:
  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
  std::filesystem::path registry_ = folder_.path() / "run";

  ControlPlane plane(const std::string& name) const {
    return {.cluster = name,
            .directory = folder_.path() / name,
            .endpoint = "unix:" + (folder_.path() / name / "api.sock").string(),
            .state = folder_.path() / (name + "-state")};
  }
  // As a process that is gone left it: no process of this pid has that start time.
  void leave_dead(const ControlPlane& dead) const {
    ASSERT_TRUE(io::make_directories(registry_));
    ASSERT_TRUE(io::write_file(registry_ / (control_plane_id(dead.state) + ".json"),
                               "{\"cluster\": \"" + dead.cluster + "\", \"directory\": \"" +
                                   dead.directory.string() + "\", \"endpoint\": \"" + dead.endpoint +
                                   "\", \"state\": \"" + dead.state.string() +
                                   "\", \"pid\": 1, \"started\": 987654321987}"));
  }
};

TEST_F(Registry, IsEmptyWhereNobodyEverRegistered) {
  const auto planes = control_planes(registry_);
  ASSERT_TRUE(planes) << planes.error().text();
  EXPECT_TRUE(planes->empty());
}

TEST_F(Registry, TellsOfAControlPlaneUntilItTakesTheWordBack) {
  ASSERT_TRUE(register_control_plane(registry_, plane("shop")));
  const auto planes = control_planes(registry_);
  ASSERT_EQ(planes->size(), 1U);
  EXPECT_EQ(planes->front().cluster, "shop");
  EXPECT_EQ(planes->front().pid, getpid());
  EXPECT_TRUE(planes->front().running);
  ASSERT_TRUE(unregister_control_plane(registry_, plane("shop").state));
  EXPECT_TRUE(control_planes(registry_)->empty());
}

TEST_F(Registry, KeepsADeadControlPlaneWhoseStateIsLeft) {
  const ControlPlane dead = plane("shop");
  ASSERT_TRUE(io::make_directories(dead.state));
  leave_dead(dead);
  const auto planes = control_planes(registry_);
  ASSERT_EQ(planes->size(), 1U);
  EXPECT_FALSE(planes->front().running);
}

TEST_F(Registry, ForgetsADeadControlPlaneWithoutState) {
  leave_dead(plane("shop"));
  EXPECT_TRUE(control_planes(registry_)->empty());
  EXPECT_TRUE(io::list_directory(registry_)->empty());
}

TEST_F(Registry, DropsFilesThatDescribeNothing) {
  ASSERT_TRUE(io::make_directories(registry_));
  ASSERT_TRUE(io::write_file(registry_ / "00000000.json", "{nonsense"));
  EXPECT_TRUE(control_planes(registry_)->empty());
}

TEST_F(Registry, IsWhereTheEnvironmentSays) {
  EXPECT_EQ(registry_directory({{"SLIPWAY_RUN_DIR", "/x"}}), "/x");
}

}  // namespace
}  // namespace slipway::api
