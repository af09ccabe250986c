#include <poll.h>

#include <gmock/gmock.h>

#include "io/file.h"
#include "io/folder_watch.h"

namespace slipway::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Inotify : public testing::Test {
 protected:
  void write(const std::string& name) const {
    ASSERT_TRUE(make_directories((folder_.path() / name).parent_path()));
    ASSERT_TRUE(write_file(folder_.path() / name, "x"));
  }
  // Waits until there is something.
  FolderChanges take() {
    pollfd waited{watch_->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waited, 1, 20'000), 1);
    return watch_->take().value();
  }
  void start() { watch_ = watch_folder(folder_.path()).value(); }

  TemporaryDirectory folder_ = TemporaryDirectory::create().value();
  std::unique_ptr<FolderWatch> watch_;
};

TEST_F(Inotify, NamesTheEntryWhateverChangesBelow) {
  write("web/run.yaml");
  write("web/app/src/main.c");
  write("api/run.yaml");
  start();
  EXPECT_FALSE(watch_->take().value().any());
  write("web/app/src/main.c");
  EXPECT_THAT(take().names, ElementsAre("web"));
  write("api/run.yaml");
  write("slipway.yaml");
  const FolderChanges changes = take();
  EXPECT_TRUE(changes.names.contains("api"));
  EXPECT_TRUE(changes.names.contains("slipway.yaml"));
  EXPECT_FALSE(changes.all);
}

TEST_F(Inotify, WatchesWhatCame) {
  start();
  write("new/deep/file");
  EXPECT_TRUE(take().names.contains("new"));
  while (watch_->take().value().any()) continue;  // what write_file left of its own
  write("new/deep/file");
  EXPECT_THAT(take().names, ElementsAre("new"));
  std::filesystem::rename(folder_.path() / "new", folder_.path() / "other");
  EXPECT_TRUE(take().names.contains("other"));
  ASSERT_TRUE(io::remove_all(folder_.path() / "other"));
  EXPECT_THAT(take().names, ElementsAre("other"));
}

TEST_F(Inotify, SaysWhenThereAreTooManyFolders) {
  for (int i = 0; i < 5; ++i) write("s" + std::to_string(i) + "/run.yaml");
  const auto refused = watch_folder(folder_.path(), 3);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  EXPECT_THAT(refused.error().text(), HasSubstr("fs.inotify.max_user_watches"));

  watch_ = watch_folder(folder_.path(), 6).value();
  write("one-more/run.yaml");
  pollfd waited{watch_->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&waited, 1, 20'000), 1);
  EXPECT_EQ(watch_->take().error().code(), ErrorCode::Exhausted);
}

TEST_F(Inotify, SaysWhenTheFolderIsGone) {
  write("tree/web/run.yaml");
  watch_ = watch_folder(folder_.path() / "tree").value();
  ASSERT_TRUE(io::remove_all(folder_.path() / "tree"));
  pollfd waited{watch_->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&waited, 1, 20'000), 1);
  EXPECT_EQ(watch_->take().error().code(), ErrorCode::NotFound);
  EXPECT_EQ(watch_folder(folder_.path() / "tree").error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::io
