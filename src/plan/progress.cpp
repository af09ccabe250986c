#include "plan/progress.h"

#include <fmt/format.h>

#include "plan/canary.h"

namespace slipway::plan {
namespace {

std::vector<model::RevisionId> old_revisions(const Round& round) {
  std::vector<model::RevisionId> old;
  for (const RevisionView& view : round.revisions) {
    if (!round.is_wanted(view) && (view.observed != nullptr || view.has_tasks())) old.push_back(view.id);
  }
  return old;
}

// The wanted revision was whole before, and has lost tasks or is to have more.
bool is_recovery(const Round& round, const BounceMemory& bounce) {
  return bounce.from.empty() && round.memory.last_good == bounce.to;
}

std::string described(const Round& round, const BounceMemory& bounce) {
  if (bounce.from.empty()) return fmt::format("{} of {}", tasks_text(round.wanted.count), bounce.to.str());
  std::string from;
  for (const auto& revision : bounce.from) from += (from.empty() ? "" : ", ") + revision.str();
  return fmt::format("{} to {} ({})", from, bounce.to.str(),
                     model::to_text(round.wanted.instance->bounce.method));
}

// The wanted revision is wholly happy: it is what a later change may fall back to.
void remember_good(Round& round) {
  round.memory.last_good = round.wanted.revision.id;
  round.memory.fallback.reset();
  if (round.wanted.instance->bounce.auto_rollback) round.memory.fallback = round.wanted.revision;
}

int serving_new(const Round& round) {
  return round.current() != nullptr ? round.current()->serving() : 0;
}

void begin(Round& round) {
  BounceMemory bounce;
  bounce.to = round.wanted.revision.id;
  bounce.from = old_revisions(round);
  bounce.started_at = bounce.progress_at = round.in.now;
  bounce.created = round.new_exists();
  bounce.best_happy = round.happy_new();
  bounce.fewest_old = round.old_left();
  if (is_recovery(round, bounce)) {
    const bool grows = round.current() != nullptr && round.current()->count < round.wanted.count;
    round.say(grows ? "scaling" : "degraded",
              fmt::format("{} of {} serve", serving_new(round), tasks_text(round.wanted.count)));
  } else {
    round.say("bounce_started", described(round, bounce));
  }
  round.memory.bounce = std::move(bounce);
}

void note_progress(Round& round, BounceMemory& bounce) {
  const bool created = !bounce.created && round.new_exists();
  const bool happier = round.happy_new() > bounce.best_happy;
  const bool emptier = !bounce.created && round.old_left() < bounce.fewest_old;
  const bool enough = bounce.stalled && round.happy_new() >= round.wanted.count;
  if (!created && !happier && !emptier && !enough) return;
  bounce.created = bounce.created || created;
  bounce.best_happy = std::max(bounce.best_happy, round.happy_new());
  bounce.fewest_old = std::min(bounce.fewest_old, round.old_left());
  bounce.progress_at = round.in.now;
  if (bounce.stalled) {
    bounce.stalled = false;
    round.say("bounce_resumed",
              fmt::format("{} of {} are happy", round.happy_new(), tasks_text(round.wanted.count)));
  }
}

void note_stall(Round& round, BounceMemory& bounce) {
  const model::Bounce& settings = round.wanted.instance->bounce;
  // Drains have deadlines of their own: while only old tasks are waited for, nothing can stall.
  const bool waits_for_old =
      settings.method == model::BounceMethod::DownThenUp && !bounce.created && round.old_left() > 0;
  const bool proves_itself = bounce.canary_since && !bounce.canary_done;
  if (bounce.stalled || proves_itself || round.happy_new() >= round.wanted.count ||
      (waits_for_old && round.image_wait.empty()))
    return;
  round.wake(bounce.progress_at + settings.deadline);
  if (round.in.now < bounce.progress_at + settings.deadline) return;
  bounce.stalled = true;
  const bool falls_back = settings.auto_rollback && !bounce.from.empty() && round.memory.fallback &&
                          round.memory.fallback->id != bounce.to && round.wanted.held_why.empty();
  if (falls_back) {
    round.memory.rejected = bounce.to;
    round.say("rolled_back",
              fmt::format("{} stalled; back to {}", bounce.to.str(), round.memory.fallback->id.str()));
    round.wake(round.in.now + 1ms);
  }
  round.say("bounce_stalled",
            fmt::format("{}: {} of {} are happy, and none was added in {}", described(round, bounce),
                        round.happy_new(), tasks_text(round.wanted.count), to_text(settings.deadline)));
}

}  // namespace

void follow_bounce(Round& round) {
  if (round.memory.rejected != round.wanted.files_revision) round.memory.rejected.reset();
  auto& bounce = round.memory.bounce;
  if (bounce && bounce->to != round.wanted.revision.id) {
    round.say("bounce_superseded",
              fmt::format("{}: now {} is wanted", bounce->to.str(), round.wanted.revision.id.str()));
    bounce.reset();
  }
  if (!bounce) {
    const bool whole = round.current() != nullptr && round.current()->serving() >= round.wanted.count;
    if (whole && old_revisions(round).empty()) {
      // After the loss of our memory: what is whole was good.
      if (round.current()->happy() >= round.wanted.count) remember_good(round);
      return;
    }
    begin(round);
  }
  note_progress(round, *bounce);
  follow_canary(round);
  note_stall(round, *bounce);
}

void finish_bounce(Round& round) {
  auto& bounce = round.memory.bounce;
  if (!bounce || round.happy_new() < round.wanted.count || !old_revisions(round).empty()) return;
  const bool recovery = is_recovery(round, *bounce);
  round.say(recovery ? "serving" : "bounce_done",
            recovery ? fmt::format("{} serve", tasks_text(round.happy_new()))
                     : fmt::format("{} in {}", described(round, *bounce),
                                   to_text(round.in.now - bounce->started_at)));
  remember_good(round);
  bounce.reset();
}

void drop_bounce(Round& round, const std::string& why) {
  if (!round.memory.bounce) return;
  round.say("bounce_stopped", fmt::format("{}: {}", round.memory.bounce->to.str(), why));
  round.memory.bounce.reset();
}

}  // namespace slipway::plan
