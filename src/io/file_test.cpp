#include "io/file.h"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/tree_stamp.h"

namespace slipway::io {
namespace {

class File : public ::testing::Test {
 protected:
  TemporaryDirectory folder_ = TemporaryDirectory::create().value();
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
};

TEST_F(File, IsReplacedWholeWithItsMode) {
  ASSERT_TRUE(write_file(path("a"), "old", false, 0600));
  ASSERT_TRUE(write_file(path("a"), "new content", true, 0640));
  EXPECT_EQ(read_file(path("a")).value(), "new content");
  struct stat info {};
  ASSERT_EQ(stat(path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  EXPECT_EQ(list_directory(folder_.path()).value(), std::vector<std::string>{"a"})
      << "nothing may be left beside";
}

TEST_F(File, ErrorsNameThePath) {
  const auto missing = read_file(path("missing"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().text().find(path("missing").string()), std::string::npos);
  const Status nowhere = write_file(path("no/such/folder/x"), "x");
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().code(), ErrorCode::NotFound);
}

TEST_F(File, LargerThanTheLimitIsInvalid) {
  ASSERT_TRUE(write_file(path("a"), std::string(1000, 'x')));
  EXPECT_EQ(read_file(path("a"), 1000).value().size(), 1000u);
  EXPECT_EQ(read_file(path("a"), 999).error().code(), ErrorCode::Invalid);
}

TEST_F(File, OfProcIsReadThoughItsSizeIsZero) {
  EXPECT_FALSE(read_file("/proc/self/stat").value().empty());
}

TEST_F(File, AStampChangesWithEveryFileAndReadsNone) {
  ASSERT_TRUE(make_directories(path("t/sub")));
  ASSERT_TRUE(write_file(path("t/sub/file"), "content"));
  const std::string first = stamp_tree(path("t")).value();
  EXPECT_EQ(stamp_tree(path("t")).value(), first);
  ASSERT_TRUE(write_file(path("t/sub/file"), "CONTENT"));  // as long as before, but another inode
  const std::string second = stamp_tree(path("t")).value();
  EXPECT_NE(second, first);
  ASSERT_TRUE(write_file(path("t/.hidden"), ""));
  EXPECT_NE(stamp_tree(path("t")).value(), second);
  EXPECT_EQ(stamp_tree(path("missing")).error().code(), ErrorCode::NotFound);
}

TEST_F(File, DirectoriesAreMadeWithTheirParents) {
  ASSERT_TRUE(make_directories(path("a/b/c"), 0750));
  ASSERT_TRUE(make_directories(path("a/b/c/"), 0750));
  struct stat info {};
  ASSERT_EQ(stat(path("a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0750u);
  ASSERT_TRUE(write_file(path("file"), ""));
  EXPECT_FALSE(make_directories(path("file")).has_value());
  EXPECT_FALSE(make_directories(path("file/below")).has_value());
}

TEST_F(File, ListIsSortedAndEmptyWhereThereIsNoFolder) {
  for (const char* name : {"c", "a", ".b"}) ASSERT_TRUE(write_file(path(name), ""));
  EXPECT_EQ(list_directory(folder_.path()).value(), (std::vector<std::string>{".b", "a", "c"}));
  EXPECT_TRUE(list_directory(path("missing")).value().empty());
  EXPECT_FALSE(list_directory(path("a")).has_value());
}

TEST_F(File, RemoveAllDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(path("keep")));
  ASSERT_TRUE(write_file(path("keep/file"), "x"));
  ASSERT_TRUE(make_directories(path("tree/sub/deep")));
  ASSERT_TRUE(write_file(path("tree/sub/file"), "x"));
  std::filesystem::create_symlink(path("keep"), path("tree/link"));
  ASSERT_EQ(chmod(path("tree/sub").c_str(), 0500), 0);
  ASSERT_TRUE(io::remove_all(path("tree/")));
  EXPECT_FALSE(io::exists(path("tree")));
  EXPECT_TRUE(io::exists(path("keep/file")));
  EXPECT_TRUE(io::remove_all(path("tree"))) << "missing is fine";
  std::filesystem::create_symlink(path("keep"), path("link"));
  ASSERT_TRUE(io::remove_all(path("link")));
  EXPECT_TRUE(io::exists(path("keep/file")));
}

TEST_F(File, RemoveAllStopsAtAMount) {
  ASSERT_TRUE(make_directories(path("tree/mounted")));
  ASSERT_TRUE(make_directories(path("tree/other")));
  if (mount("none", path("tree/mounted").c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "may not mount";
  ASSERT_TRUE(write_file(path("tree/mounted/file"), "x"));
  const Status status = io::remove_all(path("tree"));
  EXPECT_TRUE(io::exists(path("tree/mounted/file")));
  EXPECT_FALSE(io::exists(path("tree/other"))) << "what can go, goes";
  EXPECT_EQ(umount(path("tree/mounted").c_str()), 0);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::Conflict);
  EXPECT_NE(status.error().text().find("mounted"), std::string::npos);
}

TEST_F(File, HashOfATreeSeesNamesModesLinksAndContents) {
  ASSERT_TRUE(make_directories(path("t/sub")));
  ASSERT_TRUE(write_file(path("t/sub/a"), "one"));
  const std::string first = hash_tree(path("t")).value();
  EXPECT_EQ(first.size(), 64u);
  std::filesystem::rename(path("t"), path("moved"));
  EXPECT_EQ(hash_tree(path("moved")).value(), first) << "where the tree stands does not matter";

  ASSERT_TRUE(write_file(path("moved/sub/a"), "two"));
  EXPECT_NE(hash_tree(path("moved")).value(), first);
  ASSERT_TRUE(write_file(path("moved/sub/a"), "one"));
  EXPECT_EQ(hash_tree(path("moved")).value(), first) << "times do not matter";
  ASSERT_EQ(chmod(path("moved/sub/a").c_str(), 0755), 0);
  EXPECT_NE(hash_tree(path("moved")).value(), first);
  ASSERT_EQ(chmod(path("moved/sub/a").c_str(), 0644), 0);
  std::filesystem::create_symlink("nowhere", path("moved/link"));
  const std::string with_link = hash_tree(path("moved")).value();
  EXPECT_NE(with_link, first);
  std::filesystem::remove(path("moved/link"));
  std::filesystem::create_symlink("elsewhere", path("moved/link"));
  EXPECT_NE(hash_tree(path("moved")).value(), with_link);
  EXPECT_EQ(hash_tree(path("moved"), 2).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(hash_tree(path("missing")).error().code(), ErrorCode::NotFound);
}

TEST_F(File, LockIsHeldByOneAndNamesTheHolder) {
  auto held = std::make_optional(lock_file(path("lock")).value());
  const auto second = lock_file(path("lock"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  EXPECT_NE(second.error().text().find("process " + std::to_string(getpid())), std::string::npos);
  held.reset();
  EXPECT_TRUE(lock_file(path("lock")).has_value());
}

TEST_F(File, LockGoesWithTheProcess) {
  const pid_t child = fork();
  if (child == 0) _exit(lock_file(path("lock")).has_value() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(lock_file(path("lock")).has_value());
}

TEST_F(File, FreeBytesAreThoseOfTheFilesystem) {
  EXPECT_GT(free_bytes(folder_.path()).value(), 0u);
  EXPECT_EQ(free_bytes(path("missing")).error().code(), ErrorCode::NotFound);
}

TEST_F(File, ProgramsAreFoundInThePath) {
  EXPECT_TRUE(find_program("sh")->ends_with("/sh"));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_EQ(find_program("no-such-program-here"), std::nullopt);
  ASSERT_TRUE(write_file(path("plain"), "not executable"));
  EXPECT_EQ(find_program(path("plain").string()), std::nullopt);
}

TEST(TemporaryDirectory, IsRemovedWithAllInIt) {
  std::filesystem::path path;
  {
    const TemporaryDirectory folder = TemporaryDirectory::create().value();
    path = folder.path();
    ASSERT_TRUE(make_directories(path / "a/b"));
    ASSERT_TRUE(write_file(path / "a/b/file", "x"));
  }
  EXPECT_FALSE(io::exists(path));
}

TEST(Fd, ClosesOnceAndMovesItsDescriptor) {
  Fd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT: a moved-from Fd is empty by contract
  EXPECT_EQ(second.get(), number);
  second.reset();
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace slipway::io
