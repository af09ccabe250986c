#include <algorithm>

#include "base/backoff.h"
#include "base/log.h"
#include "config/source.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kArea = "config";
constexpr Duration kTimeout = 60s;
constexpr Backoff kRetry{2s, 300s};

class FollowedRepository final : public Source {
 public:
  FollowedRepository(const GitSource& git, std::unique_ptr<io::GitCopy> copy, const Clock& clock)
      : git_(git), copy_(std::move(copy)), clock_(clock) {}

  // The first look takes what is here: a repository that cannot be reached holds up no restart.
  Result<io::FolderChanges> look(bool asked) override {
    io::FolderChanges changes;
    changes.all = !looked_;
    const bool start = !looked_ && !copy_->commit().empty();
    looked_ = true;
    if (start || (!asked && clock_.steady_now() < ask_at_)) return changes;
    auto change = follow();
    if (!change.has_value()) {
      failed(change.error());
      // Without any commit there is no tree to go on with.
      if (copy_->commit().empty()) return change.error();
      return changes;
    }
    if (!trouble_.empty()) log::info(kArea, "{} answers again", io::without_password(git_.url));
    failures_ = 0;
    trouble_.clear();
    trouble_since_.reset();
    ask_at_ = clock_.steady_now() + git_.poll;
    changes.all = changes.all || change->all;
    for (const std::string& path : change->paths) add(path, changes);
    return changes;
  }

  int fd() const override { return -1; }
  Duration wait() const override {
    return std::max(std::chrono::ceil<Duration>(ask_at_ - clock_.steady_now()), Duration(100));
  }

  model::SourceStatus status() const override {
    return {.kind = "git",
            .where = io::without_password(git_.url),
            .ref = git_.ref,
            .commit = copy_->commit(),
            .trouble = trouble_,
            .trouble_since = trouble_since_};
  }

 private:
  Result<io::GitChange> follow() {
    const Deadline deadline = clock_.deadline_in(kTimeout);
    const std::string commit = TRY(copy_->fetch(deadline));
    if (commit == copy_->commit()) return io::GitChange();
    auto change = TRY(copy_->check_out(commit, deadline));
    log::info(kArea, "the configuration is that of commit {} of {} {}", commit,
              io::without_password(git_.url), git_.ref);
    return change;
  }

  void failed(const Error& error) {
    if (trouble_.empty()) trouble_since_ = clock_.now();
    if (trouble_ != error.text()) log::warning(kArea, "{}", error.text());
    trouble_ = error.text();
    ask_at_ = clock_.steady_now() + kRetry.delay(++failures_);
  }

  // The entry of the tree's root that the path of the repository lies in.
  void add(const std::string& path, io::FolderChanges& changes) const {
    const fs::path below = fs::path(path).lexically_relative(fs::path(git_.path).lexically_normal());
    if (below.empty() || *below.begin() == "..") return;
    changes.names.insert(below.begin()->string());
  }

  GitSource git_;
  std::unique_ptr<io::GitCopy> copy_;
  const Clock& clock_;
  bool looked_ = false;
  SteadyTime ask_at_{};
  int failures_ = 0;
  std::string trouble_;
  std::optional<Time> trouble_since_;
};

}  // namespace

std::unique_ptr<Source> git_source(const GitSource& git, std::unique_ptr<io::GitCopy> copy,
                                   const Clock& clock) {
  return std::make_unique<FollowedRepository>(git, std::move(copy), clock);
}

Result<std::shared_ptr<const io::TemporaryDirectory>> fetch_tree(ClusterConfig& cluster, const Clock& clock) {
  if (!cluster.git) return std::shared_ptr<const io::TemporaryDirectory>();
  auto folder = TRY(io::TemporaryDirectory::create());
  const auto copy = TRY(io::open_git_copy(folder.path(), cluster.git->url, cluster.git->ref, clock));
  const Deadline deadline = clock.deadline_in(kTimeout);
  TRY(copy->check_out(TRY(copy->fetch(deadline)), deadline));
  cluster.config = (folder.path() / cluster.git->path).lexically_normal();
  return std::make_shared<const io::TemporaryDirectory>(std::move(folder));
}

Result<std::unique_ptr<Source>> open_source(const ClusterConfig& cluster, const Clock& clock) {
  if (!cluster.git) return directory_source(cluster.config, clock);
  auto copy = TRY(io::open_git_copy(git_copy_path(cluster), cluster.git->url, cluster.git->ref, clock));
  return git_source(*cluster.git, std::move(copy), clock);
}

}  // namespace slipway::config
