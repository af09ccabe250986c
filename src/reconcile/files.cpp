#include "reconcile/files.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace slipway::reconcile {

namespace {

constexpr std::string_view kArea = "config";
// One save of an editor is several changes, and one upload of a service many.
constexpr Duration kGather = 15ms;
// What was being written while it was read is read again after this.
constexpr Duration kUnrest = 100ms;
constexpr Duration kRetry = 1s;
// Looking through a large tree again and again takes at most this part of a core.
constexpr int kLeast = 20;

}  // namespace

Files::Files(io::EventLoop& loop, const Clock& clock, std::unique_ptr<config::Source> source,
             std::unique_ptr<config::CompiledStore> store, config::TreeOptions options, Taken taken)
    : loop_(loop),
      clock_(clock),
      taken_(std::move(taken)),
      source_(std::move(source)),
      store_(std::move(store)),
      tree_([&] {
        options.store = store_.get();
        return std::move(options);
      }()),
      thread_(1, 4) {}

Files::~Files() = default;

Result<FilesLook> Files::start() {
  FilesLook first = look(false);
  TRY(first.read);
  return first;
}

// On the looking thread, or before there is one.
FilesLook Files::look(bool asked) {
  FilesLook result;
  auto changes = source_->look(asked);
  result.source = source_->status();
  result.stored = tree_.stored();
  if (!changes.has_value()) {
    result.read = changes.error();
    return result;
  }
  const bool all = changes->all || !read_ || !tree_.at_rest();
  if (!all && changes->names.empty()) return result;
  const SteadyTime begun = clock_.steady_now();
  const model::Desired before = tree_.desired();
  result.read = all ? tree_.look_at_all() : tree_.look_at(changes->names);
  if (all) took_ = std::chrono::ceil<Duration>(clock_.steady_now() - begun);
  const bool first = !std::exchange(read_, result.read.has_value());
  result.stored = tree_.stored();
  if (read_ && (first || tree_.desired() != before)) result.desired = tree_.desired();
  return result;
}

void Files::follow() {
  wait_for_changes();
}

void Files::reload() {
  look_soon(true);
}

void Files::look_soon(bool asked) {
  if (looking_) {
    again_ = asked || again_.value_or(false);
    return;
  }
  looking_ = true;
  if (watched_fd_ >= 0) loop_.unwatch(std::exchange(watched_fd_, -1));
  if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
  const Status submitted = thread_.submit([this, asked] {
    auto done = std::make_shared<FilesLook>(look(asked));
    loop_.post([this, done] { look_ended(std::move(*done)); });
  });
  if (submitted.has_value()) return;
  log::error(kArea, "look at the files: {}", submitted.error().text());
  looking_ = false;
  wait_for_changes();
}

void Files::look_ended(FilesLook look) {
  looking_ = false;
  taken_(std::move(look));
  if (again_) {
    look_soon(*std::exchange(again_, std::nullopt));
  } else {
    wait_for_changes();
  }
}

void Files::wait_for_changes() {
  Duration wait =
      read_ ? std::max(source_->wait(), source_->fd() < 0 ? took_ * kLeast : Duration(0)) : kRetry;
  if (!tree_.at_rest()) wait = kUnrest;
  timer_ = loop_.after(wait, [this] {
    timer_.reset();
    look_soon(false);
  });
  watched_fd_ = source_->fd();
  if (watched_fd_ < 0) return;
  // What is there is taken by the looking thread, a little later; until then it must not wake us again.
  loop_.on_readable(watched_fd_, [this] {
    loop_.unwatch(std::exchange(watched_fd_, -1));
    if (timer_) loop_.cancel(*timer_);
    timer_ = loop_.after(kGather, [this] {
      timer_.reset();
      look_soon(false);
    });
  });
}

}  // namespace slipway::reconcile
