#include "engine/local/cgroup.h"

#include <gtest/gtest.h>

#include "io/file.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;

// A folder that looks like /sys/fs/cgroup. Its files do nothing; a write is appended, so that orders show.
class CgroupTest : public ::testing::Test {
 protected:
  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((root() / path).parent_path());
    ASSERT_TRUE(io::write_file(root() / path, text));
  }
  std::string read(const fs::path& path) { return io::read_file(root() / path).value(); }
  const fs::path& root() const { return folder_.path(); }

  // A group of version 2 as the kernel makes it.
  void group(const fs::path& path) {
    write(path / "cgroup.procs", "");
    write(path / "cgroup.subtree_control", "");
  }

  io::TemporaryDirectory folder_ = io::TemporaryDirectory::create().value();
};

TEST_F(CgroupTest, Version2PassesControllersDownToTheClusterAndNoFurther) {
  write("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
  write("cgroup.subtree_control", "cpu memory\n");
  group("slipway");
  group("slipway/shop");
  ASSERT_TRUE(Cgroups(CgroupMode::V2, root()).delegate("/slipway/shop"));
  EXPECT_EQ(read("cgroup.subtree_control"), "cpu memory\n+pids ") << "what is passed down already is left";
  EXPECT_EQ(read("slipway/cgroup.subtree_control"), "+cpu +memory +pids ");
  EXPECT_EQ(read("slipway/shop/cgroup.subtree_control"), "+cpu +memory +pids ");
  EXPECT_FALSE(fs::exists(root() / "slipway-host")) << "processes may stay in the machine's own root";
}

TEST_F(CgroupTest, Version2InAContainerMovesProcessesOutOfTheRootFirst) {
  write("cgroup.type", "domain\n");
  write("cgroup.controllers", "cpu memory pids\n");
  write("cgroup.procs", "1\n17\n");
  write("cgroup.subtree_control", "");
  group("slipway-host");
  group("slipway");
  group("slipway/shop");
  ASSERT_TRUE(Cgroups(CgroupMode::V2, root()).delegate("/slipway/shop"));
  EXPECT_EQ(read("slipway-host/cgroup.procs"), "1\n17\n");
  EXPECT_EQ(read("slipway-host/cgroup.subtree_control"), "") << "a leaf, so that it may hold processes";
  EXPECT_EQ(read("cgroup.subtree_control"), "+cpu +memory +pids ");
  EXPECT_EQ(read("slipway/cgroup.procs"), "") << "no process in an inner group";
}

TEST_F(CgroupTest, Version2NamesAControllerThatIsNotThere) {
  write("cgroup.controllers", "cpu pids\n");
  write("cgroup.subtree_control", "");
  const Status result = Cgroups(CgroupMode::V2, root()).delegate("/slipway/shop");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(result.error().text().find("'memory'"), std::string::npos) << result.error().text();
}

TEST_F(CgroupTest, Version1NeedsNoDelegation) {
  EXPECT_TRUE(Cgroups(CgroupMode::V1, root()).delegate("/slipway/shop"));
  EXPECT_TRUE(Cgroups(CgroupMode::Hybrid, root()).delegate("/slipway/shop"));
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(CgroupTest, UsageIsReadFromEitherLayout) {
  write("v2/slipway/shop/t/memory.current", "4096\n");
  write("v2/slipway/shop/t/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
  write("v2/slipway/shop/t/cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
  write("v2/slipway/shop/t/pids.current", "7\n");
  write("v1/memory/slipway/shop/t/memory.usage_in_bytes", "4096\n");
  write("v1/memory/slipway/shop/t/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  write("v1/cpuacct/slipway/shop/t/cpuacct.usage", "1500000000\n");
  write("v1/pids/slipway/shop/t/pids.current", "7\n");
  for (const auto& [mode, name] : {std::pair{CgroupMode::V2, "v2"}, std::pair{CgroupMode::V1, "v1"}}) {
    const Result<CgroupUsage> usage = Cgroups(mode, root() / name).usage("/slipway/shop/t");
    ASSERT_TRUE(usage) << name;
    EXPECT_EQ(usage->memory_bytes, 4096U) << name;
    EXPECT_EQ(usage->oom_kills, 2U) << name;
    EXPECT_EQ(usage->cpu_time, 1500ms) << name;
    EXPECT_EQ(usage->processes, 7U) << name;
    EXPECT_EQ(Cgroups(mode, root() / name).usage("/slipway/shop/u").error().code(), ErrorCode::NotFound);
  }
}

TEST_F(CgroupTest, ProcessesAreThoseOfTheGroupAndBelowOverAllHierarchies) {
  write("slipway/shop/t/cgroup.procs", "30\n10\n");
  write("slipway/shop/t/inner/cgroup.procs", "20\n0\n");
  EXPECT_EQ(Cgroups(CgroupMode::V2, root()).processes("/slipway/shop/t"), (std::vector<pid_t>{10, 20, 30}));
  write("memory/t/cgroup.procs", "10\n");
  write("pids/t/cgroup.procs", "10\n20\n");
  EXPECT_EQ(Cgroups(CgroupMode::V1, root()).processes("/t"), (std::vector<pid_t>{10, 20}));
  EXPECT_TRUE(Cgroups(CgroupMode::V2, root()).processes("/slipway/none").empty());
}

}  // namespace
}  // namespace slipway::engine::local
