// The eight rules of docs/internals/simulator.md that are about deciding, each as exact as a machine needs
// it.
#include <algorithm>

#include "base/check.h"
#include "sim/referee.h"

namespace slipway::sim {

namespace {

using model::BounceMethod;
using model::TaskId;

template <class Step>
const Step* step_as(const Act& act) {
  return act.step == nullptr ? nullptr : std::get_if<Step>(act.step);
}

// Ran, and has been told to stop, or is gone, by this act.
bool was_stopped(const Act& act, const TaskId& id, const TaskTruth& before) {
  if (!before.running) return false;
  const auto after = act.after.find(id);
  return after == act.after.end() || after->second.stopping;
}

// When the plans of each control plane began to take a task out of traffic; one that a later plan puts back
// has not begun. By the wall clock, since that is what a restart leaves.
class DrainWatch : public Invariant {
 public:
  using Invariant::Invariant;

  void decided(const Decision& decision, const Answer& answer) override {
    // A control plane that has lost the state may still decide, but not act.
    if (decision.plane < newest_) return;
    newest_ = decision.plane;
    taken_back_.clear();
    // Where the clock was set back, it has not begun in a time to come.
    for (auto& [task, begun] : begun_) begun = std::min(begun, decision.now);
    std::set<TaskId> routed;
    for (const auto& [id, routes] : answer.outcome.plan.routes) {
      for (const model::Route& route : routes) {
        routed.insert(route.task);
        note(route.task, route.traffic == model::Traffic::Drain, decision.now);
      }
    }
    // Where there is no traffic, the drain is what the task is told of, and the planner alone knows when.
    for (const model::Task& task : answer.inputs.observed.tasks) {
      if (routed.contains(task.id)) continue;
      const auto memory = answer.outcome.memory.find(task.instance);
      note(task.id, memory != answer.outcome.memory.end() && memory->second.drains.contains(task.id),
           decision.now);
    }
  }

 protected:
  // What a plan takes back has ended when it is stored, which comes before anything else is done; where it
  // could not be, the next control plane knows of the drain alone.
  void carrying_out(const Decision& decision) {
    if (decision.plane < newest_ || !decision.state_kept) return;
    for (const TaskId& task : taken_back_) begun_.erase(task);
    taken_back_.clear();
  }

  bool drains(const TaskId& task) const { return begun_.contains(task); }
  // Of a process that was started since the look nobody knows.
  static bool is_as_seen(const Decision& decision, const TaskId& id, const TaskTruth& task) {
    const auto process = decision.processes.find(id);
    return process != decision.processes.end() && process->second == task.started_at;
  }
  // Its drain has had all the time that it is given.
  bool had_its_time(const Decision& decision, const TaskId& id, const TaskTruth& task) const {
    const auto begun = begun_.find(id);
    return begun != begun_.end() &&
           begun->second + decision.terms_for(task.instance).drain().timeout <= decision.now;
  }

 private:
  void note(const TaskId& task, bool drains, Time now) {
    if (drains) begun_.try_emplace(task, now);
    if (!drains) taken_back_.push_back(task);
  }

  int newest_ = 0;
  std::vector<TaskId> taken_back_;  // by the last plan
  std::map<TaskId, Time> begun_;
};

// 1. An act that makes a task unhappy leaves at least ceil(count * margin) tasks of its instance happy.
//
// Happy is what Terms::happy says. Counted are those that are happy after the act, and those that were happy
// when the control plane looked and have died by themselves since: it cannot know of these yet. A task that
// it could not know to be happy is not held against it. Under brutal and downthenup tasks of another revision
// than the wanted one are not counted on. What was told to drain takes no more work, so its stop
// takes nothing away. Routes that were decided while the load balancer could not be asked are not judged.
// Where nothing may change (paused, broken files), no act makes any task unhappy at all, nor takes it out of
// the load balancer where the files do not tell any more that it belongs there (unless the state that could
// tell was lost).
class Floor final : public Invariant {
 public:
  Floor() : Invariant(1, "our actions leave the floor of happy tasks") {}

  void acted(const Decision& decision, const Act& act) override {
    std::set<model::InstanceId> touched;
    for (const auto& [id, before] : act.before) {
      const Terms& terms = decision.terms_for(before.instance);
      if (act.refused.contains(before.instance)) continue;
      if (!terms.happy(before, decision.now) || happy_after(terms, decision, act, id)) continue;
      taken_.insert(id);
      const bool left_before = act.step != nullptr && before.told;
      const bool blind = act.step == nullptr && !decision.routing_known;
      if (!left_before && !blind && counts(decision, terms, id, before)) touched.insert(before.instance);
    }
    std::erase_if(taken_, [&](const TaskId& id) {
      const auto after = act.after.find(id);
      return after == act.after.end()
                 ? !act.before.contains(id)
                 : decision.terms_for(after->second.instance).happy(after->second, decision.now);
    });
    for (const model::InstanceId& id : touched) judge(decision, act, id);
    if (act.step == nullptr && act.done && decision.state_kept && decision.routing_known)
      keeps_doors(decision, act);
  }

 private:
  void keeps_doors(const Decision& decision, const Act& act) {
    for (const auto& [id, before] : act.before) {
      const Terms& terms = decision.terms_for(before.instance);
      const auto known = decision.happy.find(before.instance);
      const auto after = act.after.find(id);
      const bool serves = before.in && known != decision.happy.end() && known->second.contains(id) &&
                          after != act.after.end() && after->second.running && after->second.healthy_since;
      if (!terms.frozen || terms.instance != nullptr || !serves || act.refused.contains(before.instance))
        continue;
      expect(after->second.in, "{} loses its place in the load balancer while its files are broken",
             id.str());
    }
  }

  static bool happy_after(const Terms& terms, const Decision& decision, const Act& act, const TaskId& id) {
    const auto after = act.after.find(id);
    return after != act.after.end() && terms.happy(after->second, decision.now);
  }

  static bool counts(const Decision& decision, const Terms& terms, const TaskId& id, const TaskTruth& task) {
    const auto known = decision.happy.find(task.instance);
    if (known == decision.happy.end() || !known->second.contains(id)) return false;
    if (terms.frozen) return true;
    if (terms.instance == nullptr || terms.count == 0) return false;
    const BounceMethod method = terms.instance->bounce.method;
    if (method != BounceMethod::Brutal && method != BounceMethod::DownThenUp) return true;
    const auto aim = decision.aims.find(task.instance);
    return aim != decision.aims.end() && aim->second == task.revision;
  }

  void judge(const Decision& decision, const Act& act, const model::InstanceId& instance) {
    const Terms& terms = decision.terms_for(instance);
    std::set<TaskId> left;
    for (const auto& [id, task] : act.after) {
      if (task.instance == instance && terms.happy(task, decision.now)) left.insert(id);
    }
    for (const TaskId& id : decision.happy.at(instance)) {
      if (!taken_.contains(id)) left.insert(id);
    }
    if (terms.frozen)
      return expect(false, "{}: nothing may change, and a happy task is taken", instance.text());
    expect(static_cast<int>(left.size()) >= terms.floor(), "{}: {} happy tasks are left, and the floor is {}",
           instance.text(), left.size(), terms.floor());
  }

  std::set<TaskId> taken_;  // made unhappy by an act of ours, and not happy again
};

// 2. A task that runs is told to stop only when it has no connection open at the load balancer and, with the
// drain methods http and command, has said that it is done; or when its drain began at least the drain
// timeout ago. With the drain method noop connections do not count. Nobody knows of a process that was
// started since the look. At rest nobody that stays believes that it is to go.
class DrainedFirst final : public DrainWatch {
 public:
  DrainedFirst() : DrainWatch(2, "no task is stopped before its drain is over") {}

  void acted(const Decision& decision, const Act& act) override {
    carrying_out(decision);
    for (const auto& [id, before] : act.before) {
      // What still gets requests is the business of the next rule.
      if (!was_stopped(act, id, before) || before.in || !is_as_seen(decision, id, before)) continue;
      const model::DrainMethod method = decision.terms_for(before.instance).drain().method;
      const bool noop = method == model::DrainMethod::Noop;
      const bool told = method == model::DrainMethod::Http || method == model::DrainMethod::Command;
      expect(!told || act.done_draining.contains(id) || had_its_time(decision, id, before),
             "{} is stopped and has not said that it is done, before its drain timeout", id.str());
      expect(before.sessions == 0 || noop || had_its_time(decision, id, before),
             "{} is stopped with {} connections open, before its drain timeout", id.str(), before.sessions);
    }
  }

  void carried_out(const Decision& decision, const Picture&) override { carrying_out(decision); }

  void rested(const Rest& rest) override {
    if (!rest.quiet) return;
    for (const auto& [id, task] : rest.picture)
      expect(!task.running || !rest.told.contains(id), "{} stays, and was not told so", id.str());
  }
};

// 3. The load balancer is given only tasks that run (now, or in the observation that the routes are made
// from), and a task is told to stop only when it gets no new requests. One exception, which the design makes:
// a load balancer that cannot be asked holds up a stop no longer than the drain timeout. At rest it lists
// exactly the tasks there are.
class OnlyRunningListed final : public DrainWatch {
 public:
  OnlyRunningListed() : DrainWatch(3, "the load balancer lists only tasks that run") {}

  void acted(const Decision& decision, const Act& act) override {
    carrying_out(decision);
    if (act.step == nullptr) return routed(decision, act);
    for (const auto& [id, before] : act.before) {
      if (!was_stopped(act, id, before) || !is_as_seen(decision, id, before)) continue;
      expect(!before.in || (!decision.routing_known && had_its_time(decision, id, before)),
             "{} is stopped while it gets requests", id.str());
    }
  }

  void carried_out(const Decision& decision, const Picture&) override { carrying_out(decision); }

  void rested(const Rest& rest) override {
    for (const auto& [id, task] : rest.picture) {
      expect(!task.listed || task.running, "{} is listed and does not run", id.str());
    }
  }

 private:
  void routed(const Decision& decision, const Act& act) {
    for (const auto& [id, after] : act.after) {
      if (!after.listed || !act.done) continue;
      const auto seen = decision.seen.find(id);
      const bool ran = seen != decision.seen.end() && seen->second == model::TaskState::Running;
      expect(after.running || ran, "{} is routed to and did not run", id.str());
    }
  }
};

// 4. A revision is never grown beyond the wanted count and one more for each task that has to go on elsewhere
// (its node is drained, or it moves for balance); after a round that grew one, at most count + surge tasks of
// the instance exist that are not on their way out (told to stop, or draining), where surge is the count
// again and those that move, and 0 and those for downthenup. Tasks that the observation did not show do not
// count. No task is asked for that has no place, unless the nodes or the tasks there have changed since the
// look. At rest exactly the wanted count exists, of the wanted revision, all happy, none on a drained node,
// and no trace of another.
class CountAndSurge final : public DrainWatch {
 public:
  CountAndSurge() : DrainWatch(4, "at most count and surge exist, and exactly count at rest") {}

  void decided(const Decision& decision, const Answer& answer) override {
    DrainWatch::decided(decision, answer);
    grown_.clear();
  }

  void acted(const Decision& decision, const Act& act) override {
    carrying_out(decision);
    const auto* scale = step_as<model::ScaleStep>(act);
    if (scale == nullptr || !act.done) return;
    const model::InstanceId& instance = scale->revision.instance;
    const auto known = decision.counts.find(scale->revision.id);
    if (known != decision.counts.end() && scale->count <= known->second) return;
    grown_[instance] = scale->revision.id;
    const int most = decision.terms_for(instance).count + moving(decision, instance);
    expect(scale->count <= most, "{}: {} is scaled to {}, and {} are wanted", instance.text(),
           scale->revision.id.str(), scale->count, most);
    if (!decision.stale && act.node_changes == decision.node_changes) has_place(decision, act, *scale);
  }

  void carried_out(const Decision& decision, const Picture& picture) override {
    carrying_out(decision);
    for (const auto& [instance, revision] : grown_) {
      const Terms& terms = decision.terms_for(instance);
      int there = 0;
      for (const auto& [id, task] : picture) {
        const bool known = task.revision == revision || decision.seen.contains(id);
        there += known && task.instance == instance && !task.stopping && !task.lost && !drains(id);
      }
      const bool one_set =
          terms.instance != nullptr && terms.instance->bounce.method == BounceMethod::DownThenUp;
      const int most = (one_set ? terms.count : 2 * terms.count) + moving(decision, instance);
      expect(there <= most, "{}: {} tasks exist, and at most {} may", instance.text(), there, most);
    }
  }

  void rested(const Rest& rest) override {
    if (!rest.quiet) return;
    if (rest.going_down) {
      expect(rest.picture.empty() && rest.revisions.empty(), "{} tasks are left after the shutdown",
             rest.picture.size());
      return;
    }
    for (const auto& [id, terms] : rest.terms) at_rest(rest, id, terms);
  }

 private:
  static int moving(const Decision& decision, const model::InstanceId& instance) {
    const auto found = decision.moving.find(instance);
    return found == decision.moving.end() ? 0 : found->second;
  }

  void has_place(const Decision& decision, const Act& act, const model::ScaleStep& scale) {
    for (const auto& [id, state] : decision.seen) {
      if (!act.before.contains(id)) return;
    }
    for (const auto& [id, task] : act.after) {
      if (task.revision != scale.revision.id || act.before.contains(id)) continue;
      expect(!task.node.empty(), "{} is asked for, and there is no place for it", id.str());
    }
  }

  void at_rest(const Rest& rest, const model::InstanceId& id, const Terms& terms) {
    std::set<model::RevisionId> wanted;
    for (const model::ObservedRevision& revision : rest.revisions) {
      if (revision.revision.instance != id) continue;
      const bool is_wanted = terms.count > 0 && revision.revision.spec == terms.spec;
      expect(is_wanted, "{}: revision {} with a count of {} is left over, and {} are wanted", id.text(),
             revision.revision.id.str(), revision.count, terms.count);
      if (is_wanted) wanted.insert(revision.revision.id);
    }
    int there = 0, happy = 0;
    for (const auto& [task, truth] : rest.picture) {
      if (truth.instance != id) continue;
      ++there;
      happy += wanted.contains(truth.revision) && terms.happy(truth, rest.now);
      expect(!rest.drained_nodes.contains(truth.node), "{} is still on {}, which is drained", task.str(),
             truth.node.str());
    }
    expect(there == terms.count && happy == terms.count,
           "{}: {} tasks exist, {} of them happy, and {} are wanted", id.text(), there, happy, terms.count);
  }

  std::map<model::InstanceId, model::RevisionId> grown_;
};

// 5. A step that was carried out is carried out again only after another look, and not if that look, unless
// it was an old one, shows it done. Of two control planes on one state the older does nothing once the newer
// has begun to act; and on each revision the numbers of the plans never fall.
class NothingTwice final : public Invariant {
 public:
  NothingTwice() : Invariant(5, "no step is repeated, no older plan applied") {}

  void acted(const Decision& decision, const Act& act) override {
    expect(decision.plane >= newest_, "control plane {} acts after {} has begun to", decision.plane, newest_);
    newest_ = std::max(newest_, decision.plane);
    if (act.step == nullptr || !act.done) return;
    const auto done = std::ranges::find_if(done_, [&](const Done& other) { return other.step == *act.step; });
    const bool again = done != done_.end();
    if (again) {
      expect(done->plane != decision.plane || done->look < decision.look,
             "a step is repeated without a new look");
      expect(decision.stale || changed_in_this_round(decision, *act.step) || !shown_done(decision, *act.step),
             "a step is repeated though it shows as done");
      *done = {*act.step, decision.plane, decision.look};
    } else {
      done_.push_back({*act.step, decision.plane, decision.look});
      if (done_.size() > kRemembered) done_.erase(done_.begin());
    }
    if (const auto* scale = std::get_if<model::ScaleStep>(act.step))
      numbered(scale->revision.id, act.generation);
    if (const auto* remove = std::get_if<model::RemoveTasksStep>(act.step))
      numbered(remove->revision, act.generation);
    // Should the revision come back, it is another one to the engine.
    if (const auto* remove = std::get_if<model::RemoveRevisionStep>(act.step))
      generations_.erase(remove->revision);
  }

 private:
  static constexpr size_t kRemembered = 200;
  struct Done {
    model::Action step;
    int plane;
    int64_t look;
  };

  void numbered(const model::RevisionId& revision, model::Generation generation) {
    model::Generation& last = generations_[revision];
    expect(generation >= last, "plan {} is applied to {} after plan {}", generation, revision.str(), last);
    last = generation;
  }

  // A count that this round has lowered may have to be raised again.
  bool changed_in_this_round(const Decision& decision, const model::Action& step) const {
    const auto* scale = std::get_if<model::ScaleStep>(&step);
    return scale != nullptr && std::ranges::any_of(done_, [&](const Done& done) {
             const auto* remove = std::get_if<model::RemoveTasksStep>(&done.step);
             return remove != nullptr && remove->revision == scale->revision.id &&
                    done.plane == decision.plane && done.look == decision.look;
           });
  }

  static bool shown_done(const Decision& decision, const model::Action& step) {
    if (const auto* scale = std::get_if<model::ScaleStep>(&step)) {
      const auto count = decision.counts.find(scale->revision.id);
      return count != decision.counts.end() && count->second == scale->count;
    }
    if (const auto* remove = std::get_if<model::RemoveTasksStep>(&step)) {
      return std::ranges::all_of(remove->tasks, [&](const TaskId& id) {
        const auto seen = decision.seen.find(id);
        return seen == decision.seen.end() || seen->second == model::TaskState::Stopping;
      });
    }
    if (const auto* remove = std::get_if<model::RemoveRevisionStep>(&step))
      return !decision.counts.contains(remove->revision);
    return false;
  }

  int newest_ = 0;
  std::vector<Done> done_;
  std::map<model::RevisionId, model::Generation> generations_;
};

// 6. The planner, asked the same twice, answers the same: plan, routes, memory, status, events, and when to
// wake.
class SameAnswer final : public Invariant {
 public:
  SameAnswer() : Invariant(6, "the same input gives the same plan") {}

  void decided(const Decision&, const Answer& answer) override {
    const plan::Outcome& one = answer.outcome;
    const plan::Outcome& other = answer.again;
    const bool same = plan::same_answer(one, other);
    expect(same, "two answers to one question: {}", same ? "" : difference(one, other));
  }

 private:
  static std::string text_of(const plan::Memory& memory) {
    std::string text;
    for (const auto& [id, of_instance] : memory)
      text += fmt::format("{} {}\n", id.text(), plan::to_json(of_instance).dump());
    return text;
  }
  static std::string difference(const plan::Outcome& one, const plan::Outcome& other) {
    if (one.plan != other.plan) return fmt::format("plans\n{}and\n{}", one.plan.text(), other.plan.text());
    if (one.memory != other.memory)
      return fmt::format("memories\n{}and\n{}", text_of(one.memory), text_of(other.memory));
    if (one.wake_at != other.wake_at) return "when to wake";
    return one.events != other.events ? "events" : "status";
  }
};

// 7. When faults have stopped, a last round with a step comes within a bounded time and number of rounds.
class ComesToRest final : public Invariant {
 public:
  ComesToRest() : Invariant(7, "once faults stop, the plan becomes empty and stays so") {}
  void rested(const Rest& rest) override { expect(rest.quiet, "{}", rest.not_quiet); }
};

// 8. An instance has no reason only where the observation shows exactly the wanted tasks, of one revision,
// all healthy, and the load balancer has them, as far as it can be asked.
class HasAReason final : public Invariant {
 public:
  HasAReason() : Invariant(8, "every instance that is not as wanted has a reason") {}

  void decided(const Decision& decision, const Answer& answer) override {
    std::set<model::InstanceId> told;
    for (const model::InstanceStatus& status : answer.outcome.status) {
      told.insert(status.id);
      const Terms& terms = decision.terms_for(status.id);
      expect(!status.reason.empty() || as_wanted(answer.inputs, status.id, terms),
             "{} is not as wanted ({}: {} tasks, {} wanted), and has no reason", status.id.text(),
             model::to_text(status.state), status.seen->tasks.size(), terms.count);
    }
    for (const model::Instance& instance : answer.inputs.desired->instances)
      expect(told.contains(instance.id), "{} has no status", instance.id.text());
  }

 private:
  // Told to stop, or lost with its node and replaced: it only is in sight for a while.
  static bool is_over(const model::Task& task) {
    return task.state == model::TaskState::Stopping || task.state == model::TaskState::Lost;
  }

  static bool as_wanted(const plan::Inputs& in, const model::InstanceId& id, const Terms& terms) {
    if (terms.frozen) return false;
    std::set<model::RevisionId> wanted;
    for (const model::ObservedRevision& revision : in.observed.revisions) {
      if (revision.revision.instance == id && revision.revision.spec == terms.spec)
        wanted.insert(revision.revision.id);
    }
    int tasks = 0;
    for (const model::Task& task : in.observed.tasks) {
      if (task.instance != id || task.one_off || is_over(task)) continue;
      ++tasks;
      if (task.state != model::TaskState::Running || !wanted.contains(task.revision)) return false;
      if (task.health != model::Health::Healthy && !terms.skip_health) return false;
      const auto routed = in.routing.tasks.find(task.id);
      const bool in_traffic = routed != in.routing.tasks.end() && routed->second.in;
      if (terms.proxied() && in.routing.known && !in_traffic) return false;
    }
    return tasks == terms.count;
  }
};

}  // namespace

std::vector<std::unique_ptr<Invariant>> all_invariants() {
  std::vector<std::unique_ptr<Invariant>> all;
  all.push_back(std::make_unique<Floor>());
  all.push_back(std::make_unique<DrainedFirst>());
  all.push_back(std::make_unique<OnlyRunningListed>());
  all.push_back(std::make_unique<CountAndSurge>());
  all.push_back(std::make_unique<NothingTwice>());
  all.push_back(std::make_unique<SameAnswer>());
  all.push_back(std::make_unique<ComesToRest>());
  all.push_back(std::make_unique<HasAReason>());
  all.push_back(placement_invariant());
  return all;
}

}  // namespace slipway::sim
