#include "io/own_cgroup.h"

#include <memory>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "io/process.h"

namespace slipway::io {
namespace {

namespace fs = std::filesystem;

class OwnCgroupTest : public testing::Test {
 protected:
  // What `cat` says of its own groups when it was moved into `group` before it began.
  std::string groups_of_a_child(const std::string& group) {
    Result<OwnCgroup> opened = OwnCgroup::open(group);
    EXPECT_TRUE(opened) << opened.error().text();
    if (!opened) return "";
    const auto own = std::make_shared<OwnCgroup>(std::move(*opened));
    Command command;
    command.argv = {"cat", "/proc/self/cgroup"};
    command.setup = [own] {
      own->enter();
      return 0;
    };
    return run_ok(command, clock_, clock_.deadline_in(30s)).value().out;
  }

  SystemClock clock_;
};

TEST_F(OwnCgroupTest, ChildLeavesOurGroupInEveryHierarchyThatAServiceManagerLooksAt) {
  if (::geteuid() != 0 || ::access("/sys/fs/cgroup", W_OK) != 0) GTEST_SKIP() << "needs control groups";
  const std::string group = fmt::format("/slipway-own-{}/shop/_test", ::getpid());
  const std::string groups = groups_of_a_child(group);
  int followed = 0;
  for (const std::string& line : split(groups, '\n')) {  // "5:memory:/path", "1:name=systemd:/", "0::/"
    const std::string hierarchy = line.substr(0, line.rfind(':'));
    if (!hierarchy.ends_with(":name=systemd") && !hierarchy.ends_with(":memory") &&
        !hierarchy.ends_with(":pids") && hierarchy != "0:") {
      continue;
    }
    EXPECT_TRUE(line.ends_with(":" + group)) << line;
    ++followed;
  }
  EXPECT_GT(followed, 0) << groups;
  OwnCgroup::remove(group, clock_, clock_.deadline_in(30s));
  const fs::path top = fmt::format("slipway-own-{}", ::getpid());
  for (const fs::path hierarchy : {"", "systemd", "unified", "cpu", "memory", "pids"}) {
    EXPECT_FALSE(fs::exists("/sys/fs/cgroup" / hierarchy / top)) << hierarchy;
  }
}

TEST_F(OwnCgroupTest, Version2HasOneDoor) {
  const TemporaryDirectory root = TemporaryDirectory::create().value();
  ASSERT_TRUE(write_file(root.path() / "cgroup.controllers", "cpu memory pids\n"));
  fs::create_directories(root.path() / "slipway/shop/_test");
  ASSERT_TRUE(write_file(root.path() / "slipway/shop/_test/cgroup.procs", ""));
  const Result<OwnCgroup> own = OwnCgroup::open("/slipway/shop/_test", root.path());
  ASSERT_TRUE(own) << own.error().text();
  own->enter();
  EXPECT_EQ(read_file(root.path() / "slipway/shop/_test/cgroup.procs").value(), "0");
}

TEST_F(OwnCgroupTest, SaysWhereThereAreNone) {
  const TemporaryDirectory root = TemporaryDirectory::create().value();
  const Result<OwnCgroup> own = OwnCgroup::open("/slipway/shop/_test", root.path());
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::io
