#include "config/source.h"

#include <poll.h>

#include <gmock/gmock.h>

#include "io/file.h"

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DirectorySource, IsWatchedAndTellsWhatChanged) {
  const SystemClock clock;
  const auto folder = io::TemporaryDirectory::create().value();
  ASSERT_TRUE(io::make_directories(folder.path() / "web"));
  const auto source = directory_source(folder.path(), clock);
  EXPECT_TRUE(source->look(false).value().all) << "nobody knows what was before";
  EXPECT_EQ(source->status().polled, "");
  EXPECT_FALSE(source->look(false).value().any());
  ASSERT_TRUE(io::write_file(folder.path() / "web/run.yaml", "x"));
  pollfd waited{source->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&waited, 1, 20'000), 1);
  EXPECT_THAT(source->look(false).value().names, ElementsAre("web"));
  EXPECT_TRUE(source->look(true).value().all) << "somebody asked";
}

TEST(DirectorySource, IsLookedThroughWhereItCannotBeWatchedUntilItCan) {
  FakeClock clock;
  clock.advance(1h);
  const auto folder = io::TemporaryDirectory::create().value();
  ASSERT_TRUE(io::make_directories(folder.path() / "web"));
  const auto source = directory_source(folder.path(), clock, 1);
  EXPECT_TRUE(source->look(false).value().all);
  EXPECT_EQ(source->fd(), -1);
  EXPECT_EQ(source->wait(), Duration(1s));
  EXPECT_THAT(source->status().polled, HasSubstr("max_user_watches"));
  EXPECT_TRUE(source->look(false).value().all) << "each time";
  ASSERT_TRUE(io::remove_all(folder.path() / "web"));
  clock.advance(61s);
  EXPECT_TRUE(source->look(false).value().all);
  EXPECT_GE(source->fd(), 0);
  EXPECT_EQ(source->status().polled, "");
}

// A repository in memory.
struct FakeRepository {
  std::string head;
  std::vector<std::string> changed;  // since the commit before
  std::optional<Error> down;
  int asked = 0;
};

class FakeCopy final : public io::GitCopy {
 public:
  explicit FakeCopy(FakeRepository& repository, std::string commit = "")
      : repository_(repository), commit_(std::move(commit)) {}
  const std::string& commit() const override { return commit_; }
  Result<std::string> fetch(Deadline) override {
    ++repository_.asked;
    if (repository_.down) return *repository_.down;
    return repository_.head;
  }
  Result<io::GitChange> check_out(const std::string& commit, Deadline) override {
    io::GitChange change{commit_.empty(), repository_.changed};
    commit_ = commit;
    return change;
  }

 private:
  FakeRepository& repository_;
  std::string commit_;
};

class GitSourceTest : public testing::Test {
 protected:
  std::unique_ptr<Source> open(const std::string& commit = "") {
    GitSource git;
    git.url = "https://ana:secret@git.example.com/config.git";
    git.path = "services";
    return git_source(git, std::make_unique<FakeCopy>(repository_, commit), clock_);
  }
  FakeClock clock_;
  FakeRepository repository_{.head = "aaa", .changed = {}, .down = {}};
};

TEST_F(GitSourceTest, TellsTheServicesThatACommitTouches) {
  const auto source = open();
  EXPECT_TRUE(source->look(false).value().all);
  EXPECT_EQ(source->status().commit, "aaa");
  EXPECT_EQ(source->status().where, "https://ana:***@git.example.com/config.git");
  repository_.head = "bbb";
  repository_.changed = {"services/web/run.yaml", "services/web/app/x", "README.md", "services/_shared/a"};
  EXPECT_FALSE(source->look(false).value().any()) << "it is not time yet";
  EXPECT_EQ(source->wait(), Duration(30s));
  clock_.advance(30s);
  EXPECT_THAT(source->look(false).value().names, ElementsAre("_shared", "web"));
  EXPECT_EQ(source->status().commit, "bbb");
  repository_.head = "ccc";
  EXPECT_TRUE(source->look(true).value().any()) << "somebody pushed and says so";
}

TEST_F(GitSourceTest, GoesOnWithTheLastCommitWhileTheServerIsDown) {
  const auto source = open("old");
  repository_.down = Error(ErrorCode::Unavailable, "connection refused");
  EXPECT_TRUE(source->look(false).value().all) << "a restart waits for no server";
  EXPECT_EQ(repository_.asked, 0);
  EXPECT_FALSE(source->look(false).value().any());
  EXPECT_EQ(source->status().commit, "old");
  EXPECT_EQ(source->status().trouble, "connection refused");
  const Time since = source->status().trouble_since.value();
  Duration waited{};
  for (int tries = 0; tries < 12; ++tries) {
    EXPECT_GE(source->wait(), waited) << "tried less and less often";
    waited = source->wait();
    clock_.advance(waited);
    EXPECT_FALSE(source->look(false).value().any());
  }
  EXPECT_EQ(waited, Duration(300s));
  EXPECT_EQ(source->status().trouble_since, since);
  repository_.down.reset();
  repository_.changed = {"services/api/run.yaml"};
  clock_.advance(300s);
  EXPECT_THAT(source->look(false).value().names, ElementsAre("api"));
  EXPECT_EQ(source->status().trouble, "");
  EXPECT_EQ(source->status().trouble_since, std::nullopt);
  EXPECT_EQ(source->wait(), Duration(30s));
}

TEST_F(GitSourceTest, WithoutAnyCommitThereIsNothingToGoOnWith) {
  repository_.down = Error(ErrorCode::Unavailable, "connection refused");
  EXPECT_EQ(open()->look(false).error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace slipway::config
