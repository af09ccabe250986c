// What the tasks of a simulation make of being told of their drain: a process that is told has some work
// left, and says that it may be stopped when that is done. One that is started again knows nothing of it.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/random.h"
#include "reconcile/task_call.h"
#include "sim/truth.h"

namespace slipway::sim {

class ToldTasks {
 public:
  explicit ToldTasks(uint64_t seed) : random_(seed) {}

  // The call reaches the task, and what it answers.
  Status hear(const model::TellTaskStep& wish, reconcile::TaskCall what, const Picture& picture,
              SteadyTime now) {
    const auto task = picture.find(wish.task);
    if (task == picture.end() || !task->second.running)
      return Error(ErrorCode::Unavailable, "nobody listens there");
    switch (what) {
      case reconcile::TaskCall::Drain: {
        const bool endless = random_.below(6) == 0;
        const Duration work = endless ? Duration(1h) : Duration(static_cast<int64_t>(random_.below(20'000)));
        const bool asked = wish.how.params.contains("safe");
        Told& told = told_.try_emplace(wish.task, Told{task->second.started_at, now + work}).first->second;
        if (!asked) told.done_at = std::min(told.done_at, now);  // who is not asked has to be done at once
        return {};
      }
      case reconcile::TaskCall::Undrain:
        told_.erase(wish.task);
        return {};
      case reconcile::TaskCall::Safe:
        if (!wish.how.params.contains("safe") || done(picture, now).contains(wish.task)) return {};
        return Error(ErrorCode::Unavailable, "there is work left");
    }
    return {};
  }

  // Those that have been told, and of these those that have done their work.
  std::set<model::TaskId> told(const Picture& picture) {
    forget_gone(picture);
    std::set<model::TaskId> tasks;
    for (const auto& [id, told] : told_) tasks.insert(id);
    return tasks;
  }
  std::set<model::TaskId> done(const Picture& picture, SteadyTime now) {
    forget_gone(picture);
    std::set<model::TaskId> tasks;
    for (const auto& [id, told] : told_) {
      if (told.done_at <= now) tasks.insert(id);
    }
    return tasks;
  }

 private:
  struct Told {
    std::optional<Time> process;  // when it began
    SteadyTime done_at{};
  };

  void forget_gone(const Picture& picture) {
    std::erase_if(told_, [&](const auto& entry) {
      const auto task = picture.find(entry.first);
      return task == picture.end() || task->second.started_at != entry.second.process;
    });
  }

  SeededRandom random_;
  std::map<model::TaskId, Told> told_;
};

}  // namespace slipway::sim
