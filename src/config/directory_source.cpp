#include "base/log.h"
#include "config/source.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kArea = "config";
constexpr Duration kPoll = 1s;
// A watch does not see what lies behind links and outside the tree (folders that images are built from); nor
// is it tried again at once where it was refused.
constexpr Duration kLookAtAll = 60s;

class DirectorySource final : public Source {
 public:
  DirectorySource(fs::path folder, const Clock& clock, size_t most_watches)
      : folder_(std::move(folder)), clock_(clock), most_watches_(most_watches) {}

  Result<io::FolderChanges> look(bool asked) override {
    io::FolderChanges changes;
    if (watch_ != nullptr) {
      auto seen = watch_->take();
      if (seen.has_value()) {
        changes = std::move(*seen);
      } else {
        give_up(seen.error());
      }
    }
    const SteadyTime now = clock_.steady_now();
    const bool due = now >= look_at_all_at_;
    // The watch comes first, so that nothing is lost between it and the look.
    if (watch_ == nullptr && due) watch();
    changes.all = changes.all || asked || due || watch_ == nullptr;
    if (changes.all && due) look_at_all_at_ = now + kLookAtAll;
    return changes;
  }

  int fd() const override { return watch_ == nullptr ? -1 : watch_->fd(); }
  Duration wait() const override { return watch_ == nullptr ? kPoll : kLookAtAll; }

  model::SourceStatus status() const override {
    return {.kind = "directory", .where = folder_.string(), .polled = polled_};
  }

 private:
  void watch() {
    auto watch = io::watch_folder(folder_, most_watches_);
    if (!watch.has_value()) {
      give_up(watch.error());
      return;
    }
    if (!polled_.empty()) log::info(kArea, "{} is watched again", folder_.string());
    watch_ = std::move(*watch);
    polled_.clear();
  }

  void give_up(const Error& why) {
    watch_.reset();
    if (polled_ != why.text()) {
      log::warning(kArea, "{} is looked through every second: {}", folder_.string(), why.text());
    }
    polled_ = why.text();
  }

  fs::path folder_;
  const Clock& clock_;
  size_t most_watches_;
  std::unique_ptr<io::FolderWatch> watch_;
  SteadyTime look_at_all_at_{};
  std::string polled_;
};

}  // namespace

std::unique_ptr<Source> directory_source(const fs::path& folder, const Clock& clock, size_t most_watches) {
  return std::make_unique<DirectorySource>(folder, clock, most_watches);
}

}  // namespace slipway::config
