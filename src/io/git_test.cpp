// Against real repositories, made by the git program.
#include "io/git.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/file.h"
#include "io/process.h"

namespace fs = std::filesystem;

namespace slipway::io {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Git : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(repository()));
    git({"init", "-q", "-b", "main"});
    write("web/run.yaml", "main: {}\n");
    write("api/run.yaml", "main: {}\n");
    first_ = commit();
  }

  fs::path repository() const { return folder_.path() / "repository"; }
  fs::path copy() const { return folder_.path() / "copy"; }

  std::string git(std::vector<std::string> words) const {
    Command command;
    command.argv = {"git", "-c", "user.name=Test", "-c", "user.email=test@example.com"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.directory = repository().string();
    return run_ok(command, clock_, soon()).value().out;
  }
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(make_directories((repository() / name).parent_path()));
    ASSERT_TRUE(write_file(repository() / name, text));
  }
  std::string commit() const {
    git({"add", "-A"});
    git({"commit", "-q", "-m", "a change"});
    return git({"rev-parse", "HEAD"}).substr(0, 40);
  }
  Deadline soon() const { return clock_.deadline_in(30s); }
  std::unique_ptr<GitCopy> open(const std::string& url) const {
    return open_git_copy(copy(), url, "main", clock_).value();
  }
  std::string copied(const std::string& name) const { return read_file(copy() / name).value(); }

  SystemClock clock_;
  TemporaryDirectory folder_ = TemporaryDirectory::create().value();
  std::string first_;
};

TEST_F(Git, FollowsABranchByWholeCommits) {
  auto git_copy = open(repository().string());
  EXPECT_EQ(git_copy->commit(), "");
  ASSERT_EQ(git_copy->fetch(soon()).value(), first_);
  EXPECT_TRUE(git_copy->check_out(first_, soon()).value().all);
  EXPECT_EQ(git_copy->commit(), first_);

  write("web/run.yaml", "main: {cmd: x}\n");
  fs::remove_all(repository() / "api");
  write("new/run.yaml", "main: {}\n");
  const std::string second = commit();
  ASSERT_EQ(git_copy->fetch(soon()).value(), second);
  EXPECT_EQ(copied("web/run.yaml"), "main: {}\n") << "not before it is checked out";
  const GitChange change = git_copy->check_out(second, soon()).value();
  EXPECT_FALSE(change.all);
  EXPECT_THAT(change.paths, UnorderedElementsAre("web/run.yaml", "api/run.yaml", "new/run.yaml"));
  EXPECT_EQ(copied("web/run.yaml"), "main: {cmd: x}\n");
  EXPECT_FALSE(io::exists(copy() / "api"));
}

TEST_F(Git, AnotherProcessGoesOnAndMendsWhatWasLeft) {
  {
    auto git_copy = open("file://" + repository().string());
    ASSERT_TRUE(git_copy->check_out(git_copy->fetch(soon()).value(), soon()));
  }
  ASSERT_TRUE(write_file(copy() / "web/run.yaml", "half"));
  ASSERT_TRUE(write_file(copy() / "stray", ""));
  ASSERT_TRUE(write_file(copy() / ".git/index.lock", ""));
  const auto git_copy = open("file://" + repository().string());
  EXPECT_EQ(git_copy->commit(), first_);
  EXPECT_EQ(copied("web/run.yaml"), "main: {}\n");
  EXPECT_FALSE(io::exists(copy() / "stray"));
}

TEST_F(Git, SaysWhatIsWrongWithTheAddressAndKeepsWhatItHas) {
  auto git_copy = open(repository().string());
  ASSERT_TRUE(git_copy->check_out(git_copy->fetch(soon()).value(), soon()));
  fs::rename(repository(), folder_.path() / "moved");
  const auto failed = git_copy->fetch(soon());
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(failed.error().text(), HasSubstr(repository().string()));
  EXPECT_EQ(git_copy->commit(), first_);
  EXPECT_EQ(copied("web/run.yaml"), "main: {}\n");
}

// A port of this machine that somebody listens on, who never says a word.
TEST_F(Git, AServerThatNeverAnswersEndsAtTheDeadline) {
  const Fd mute(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(mute.get(), 8), 0);
  ASSERT_EQ(::getsockname(mute.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto git_copy = open("git://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/config.git");
  const auto failed = git_copy->fetch(clock_.deadline_in(300ms));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::Timeout);
}

TEST(GitAddress, IsShownWithoutItsPassword) {
  EXPECT_EQ(without_password("https://ana:secret@git.example.com/x.git"),
            "https://ana:***@git.example.com/x.git");
  EXPECT_EQ(without_password("https://git.example.com/a@b:c"), "https://git.example.com/a@b:c");
  EXPECT_EQ(without_password("ssh://git@git.example.com:22/x"), "ssh://git@git.example.com:22/x");
  EXPECT_EQ(without_password("git@git.example.com:x"), "git@git.example.com:x");
  EXPECT_EQ(without_password("/srv/config"), "/srv/config");
}

}  // namespace
}  // namespace slipway::io
