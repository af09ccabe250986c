// What the keeper does from time to time: bounded logs, bounded images, a network that others may have
// disturbed.
#include <algorithm>

#include "base/log.h"
#include "engine/local/keeper.h"
#include "engine/local/lifecycle.h"
#include "engine/local/logs.h"

namespace slipway::engine::local {

namespace {

// Logs are looked at this often, and more often while one of them grows fast.
constexpr Duration kLogCheck = 2s;
constexpr Duration kLogCheckFast = 100ms;
// Records, network; and at every kImageRounds-th of these, images.
constexpr Duration kUpkeep = 30s;
constexpr int kImageRounds = 20;
constexpr Duration kUpkeepTime = 60s;
// An image that was made or taken up so short a time ago is about to be used: it is prepared before the
// revision that wants it is known here, and a rollback wants what nobody did a moment before.
constexpr Duration kImageRest = 10min;
// While tasks wait for something that the host lacks, it is looked for this often.
constexpr Duration kHostCheck = 2s;

}  // namespace

void Keeper::rotate_logs() {
  const uint64_t limit = std::max<uint64_t>(parts_.limits.log_bytes / kLogFiles, 1);
  bool fast = false;
  for (auto& [id, kept] : tasks_) {
    if (!kept.monitor_end.valid()) continue;
    const auto size = rotate_log(records_.task_folder(id), limit, kept.monitor_end.get());
    if (!size) {
      log::error("engine.local", "rotate the log of {}: {}", id.str(), size.error().text());
      continue;
    }
    // Half full within one round: it would be more than full in the next. Smaller than before: it was full.
    fast = fast || *size < kept.log_size || *size - kept.log_size > limit / 2;
    kept.log_size = *size;
  }
  if (!stopping_) loop_.after(fast ? kLogCheckFast : kLogCheck, [this] { rotate_logs(); });
}

void Keeper::maintain() {
  if (stopping_) return;
  std::vector<model::RevisionId> removing;
  for (auto& [id, kept] : tasks_) {
    if (kept.unsaved) save(kept);
  }
  for (const auto& [id, record] : revisions_) {
    if (record.removing) removing.push_back(id);
  }
  for (const model::RevisionId& id : removing) forget_if_gone(id);
  if (parts_.network != nullptr && upkeep_rounds_ % 2 == 1) ensure_network();
  if (++upkeep_rounds_ % kImageRounds == 0) collect_images();
  loop_.after(kUpkeep, [this] { maintain(); });
}

void Keeper::mend_network() {
  loop_.post([this] {
    if (!stopping_) ensure_network();
  });
}

void Keeper::ensure_network() {
  const Status queued = upkeep_->submit([this] {
    const Status ensured = parts_.network->ensure(parts_.clock.deadline_in(kUpkeepTime));
    if (!ensured) log::warning("engine.local", "keep the network up: {}", ensured.error().text());
  });
  if (!queued) log::warning("engine.local", "keep the network up: {}", queued.error().text());
}

void Keeper::check_host() {
  if (stopping_) return;
  const bool awaited = std::ranges::any_of(tasks_, [](const auto& task) { return task.second.awaits_host; });
  const Status queued = !awaited ? Status() : upkeep_->submit([this] {
    // Where it fails, those who wait say why.
    const Status found = parts_.launcher.look_again(parts_.clock.deadline_in(kUpkeepTime));
    if (!found) log::debug("engine.local", "{}", found.error().text());
    loop_.post([this] { host_checked(); });
  });
  if (awaited && queued) return;
  if (!queued) log::warning("engine.local", "look for the container runtime: {}", queued.error().text());
  loop_.after(kHostCheck, [this] { check_host(); });
}

// Starts those that wait, each as soon as there is all that it needs itself.
void Keeper::host_checked() {
  if (stopping_) return;
  for (auto& [id, kept] : tasks_) {
    if (!kept.awaits_host || kept.busy || kept.record.goal == Goal::Stop) continue;
    const Status can = parts_.launcher.can_launch(kept.record.revision.spec);
    if (can) {
      launch(kept);
    } else if (kept.record.task.reason != can.error().text()) {
      task_lacks_host(kept.record, can.error());
      save(kept);
    }
  }
  loop_.after(kHostCheck, [this] { check_host(); });
}

// An image is in use as long as a revision or a one-off task names it, running or not, or a task runs from
// it: what the same name means may have changed since that was started. Whoever takes one up after this was
// decided is told apart by the time, see ImageStore::collect.
void Keeper::collect_images() {
  std::vector<model::Image> wanted;
  std::set<std::string> in_use;
  for (const auto& [id, record] : revisions_) wanted.push_back(record.revision.spec.image);
  for (const auto& [id, kept] : tasks_) {
    wanted.push_back(kept.record.revision.spec.image);
    in_use.insert(kept.record.image_digest);
  }
  const ImageSweep sweep{.unused_since = now() - kImageRest, .max_bytes = parts_.limits.image_bytes};
  const Status queued = sweeps_->submit([this, wanted = std::move(wanted), in_use, sweep]() mutable {
    for (const model::Image& image : wanted) {
      if (image.kind == model::ImageKind::HostFilesystem) continue;
      if (const auto found = parts_.images.lookup(image)) in_use.insert(found->digest);
    }
    const auto freed = parts_.images.collect(in_use, sweep, parts_.clock.deadline_in(kUpkeepTime));
    if (!freed) log::warning("engine.local", "remove images that are not used: {}", freed.error().text());
  });
  if (!queued) log::warning("engine.local", "remove images that are not used: {}", queued.error().text());
}

}  // namespace slipway::engine::local
