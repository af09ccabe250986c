#include "engine/local/keeper.h"

#include <algorithm>
#include <future>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "engine/local/lifecycle.h"
#include "engine/local/node_facts.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr size_t kPoolQueue = 1 << 16;  // far above one job for each of the tasks a machine can hold
// Few: images are there before tasks are ordered, but for those that were lost since.
constexpr io::PatientLimits kPrepares{.places = 2, .threads = 8, .queue = kPoolQueue};
constexpr size_t kUpkeepQueue = 8;

Error outdated(const std::string& what, model::Generation asked, model::Generation seen) {
  return Error(
      ErrorCode::Conflict, what,
      Error(ErrorCode::Conflict, fmt::format("generation {} is older than {}, seen before", asked, seen)));
}

}  // namespace

Keeper::Keeper(KeeperParts parts)
    : parts_(std::move(parts)),
      records_(parts_.state),
      boot_id_(read_boot_id()),
      node_(host_name()),
      starts_(std::make_unique<io::WorkerPool>(parts_.limits.starts, kPoolQueue)),
      ends_(std::make_unique<io::WorkerPool>(parts_.limits.starts, kPoolQueue)),
      pulls_(std::make_unique<io::PatientPool>(kPrepares, parts_.clock)),
      builds_(std::make_unique<io::PatientPool>(kPrepares, parts_.clock)),
      upkeep_(std::make_unique<io::WorkerPool>(1, kUpkeepQueue)),
      sweeps_(std::make_unique<io::WorkerPool>(1, kUpkeepQueue)) {}

Result<std::unique_ptr<Keeper>> Keeper::start(KeeperParts parts) {
  std::unique_ptr<Keeper> keeper(new Keeper(std::move(parts)));
  Keeper* const self = keeper.get();
  keeper->prober_ = std::make_unique<HealthProber>(
      self->parts_.clock, [self](const ProbeTarget& target) { return self->check_command(target); },
      [self](HealthReport report) {
        self->loop_.post([self, report = std::move(report)] { self->take_report(report); });
      });
  if (self->parts_.launcher.runtime().kind() == RuntimeKind::Container) {
    keeper->disk_ = std::make_unique<DiskWatch>(
        self->parts_.clock, DiskPace{}, [self](const model::TaskId& task, uint64_t run, uint64_t used) {
          self->loop_.post([self, task, run, used] { self->take_disk_report(task, run, used); });
        });
  }
  keeper->thread_ = std::thread([self] { self->loop_.run(); });
  // Reading some thousand small files takes well under a second; the minute is for a disk that is very slow.
  const Deadline deadline = self->parts_.clock.deadline_in(60s);
  TRY_CONTEXT(self->ask<void>(deadline, [self] { return self->adopt(); }),
              "take over what the local engine kept");
  return keeper;
}

Keeper::~Keeper() {
  if (thread_.joinable()) {
    std::promise<void> told;
    loop_.post([&] {
      stopping_ = true;
      told.set_value();
    });
    told.get_future().wait();
  }
  prober_.reset();
  disk_.reset();
  parts_.images.cancel();
  // Each pool waits for its running jobs, whose results the loop still takes in: a container that was just
  // started is on record before we go.
  pulls_.reset();
  builds_.reset();
  upkeep_.reset();
  sweeps_.reset();
  starts_.reset();
  ends_.reset();
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

// Carries the question to the keeper's thread. At the deadline its answer is no longer waited for, and
// dropped.
template <class T>
Result<T> Keeper::ask(Deadline deadline, std::function<Result<T>()> question) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> answer = promise->get_future();
  loop_.post([promise, question = std::move(question)] { promise->set_value(question()); });
  if (answer.wait_until(deadline.at) != std::future_status::ready) {
    return Error(ErrorCode::Timeout, "ask the local engine");
  }
  return answer.get();
}

void Keeper::watch(std::function<void()> changed) {
  const Lock lock(watcher_mutex_);
  watcher_ = std::move(changed);
}

void Keeper::tell_watcher() {
  const Lock lock(watcher_mutex_);
  if (watcher_) watcher_();
}

Result<model::Observed> Keeper::observe(Deadline deadline) {
  return ask<model::Observed>(deadline, [this] { return Result<model::Observed>(snapshot()); });
}

Status Keeper::scale(const model::Revision& revision, int count, model::Generation generation,
                     Deadline deadline) {
  if (count < 0) return Error(ErrorCode::Invalid, fmt::format("scale {} to {}", revision.id.str(), count));
  return ask<void>(deadline,
                   [this, revision, count, generation] { return do_scale(revision, count, generation); });
}

Status Keeper::remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                            Duration grace, model::Generation generation, Deadline deadline) {
  return ask<void>(deadline, [this, revision, list = std::vector(tasks.begin(), tasks.end()), grace,
                              generation] { return do_remove_tasks(revision, list, grace, generation); });
}

Status Keeper::remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                      Deadline deadline) {
  return ask<void>(deadline,
                   [this, revision, grace, generation] { return do_remove(revision, grace, generation); });
}

Status Keeper::run(const RunRequest& request, Deadline deadline) {
  if (!is_task_id(request.id.str())) {
    return Error(ErrorCode::Invalid, fmt::format("'{}' cannot be the id of a task", request.id.str()));
  }
  return ask<void>(deadline, [this, request] { return do_run(request); });
}

Status Keeper::collect(const model::TaskId& task, Duration grace, Deadline deadline) {
  return ask<void>(deadline, [this, task, grace]() -> Status {
    Kept* kept = find_kept(task);
    if (kept == nullptr) return {};
    if (!kept->record.task.one_off) return Error(ErrorCode::Invalid, task.str() + " is no one-off task");
    stop(*kept, grace);
    return {};
  });
}

Status Keeper::set_draining(const model::NodeId& node, bool draining, model::Generation generation,
                            Deadline deadline) {
  return ask<void>(deadline, [this, node, draining, generation]() -> Status {
    if (node != node_) return Error(ErrorCode::NotFound, "node " + node.str());
    if (generation < node_generation_) return outdated("drain " + node.str(), generation, node_generation_);
    Json json;
    json["draining"] = draining;
    json["generation"] = generation;
    TRY(io::write_file(parts_.state / "node.json", json.dump(), false, 0600));
    draining_ = draining;
    node_generation_ = generation;
    for (const auto& [id, revision] : revisions_) reconcile(revision);
    tell_watcher();
    return {};
  });
}

Result<TaskRecord> Keeper::find(const model::TaskId& task, Deadline deadline) {
  return ask<TaskRecord>(deadline, [this, task]() -> Result<TaskRecord> {
    const Kept* kept = find_kept(task);
    if (kept == nullptr) return Error(ErrorCode::NotFound, "task " + task.str());
    return kept->record;
  });
}

Status Keeper::check_empty(Deadline deadline) {
  return ask<void>(deadline, [this]() -> Status {
    if (!tasks_.empty()) {
      return Error(ErrorCode::Conflict, fmt::format("{} tasks are left, among them {}", tasks_.size(),
                                                    tasks_.begin()->first.str()));
    }
    if (!revisions_.empty()) {
      return Error(ErrorCode::Conflict, "revision " + revisions_.begin()->first.str() + " is left");
    }
    return {};
  });
}

Status Keeper::save(const RevisionRecord& record) {
  TRY_CONTEXT(records_.save(record), "record revision " + record.revision.id.str());
  revisions_[record.revision.id] = record;
  return {};
}

Status Keeper::do_scale(const model::Revision& revision, int count, model::Generation generation) {
  RevisionRecord record{.revision = revision};
  if (const auto found = revisions_.find(revision.id); found != revisions_.end()) record = found->second;
  if (generation < record.generation)
    return outdated("scale " + revision.id.str(), generation, record.generation);
  if (count > record.count && wanted_tasks() - record.count + count > parts_.limits.tasks) {
    return Error(
        ErrorCode::Exhausted, fmt::format("scale {} to {}", revision.id.str(), count),
        Error(ErrorCode::Exhausted, fmt::format("this engine keeps at most {} tasks", parts_.limits.tasks)));
  }
  record.count = count;
  record.generation = generation;
  record.removing = false;
  TRY(save(record));
  reconcile(record);
  tell_watcher();
  return {};
}

Status Keeper::do_remove_tasks(const model::RevisionId& revision, const std::vector<model::TaskId>& tasks,
                               Duration grace, model::Generation generation) {
  std::set<model::TaskId> victims;  // of those named, the ones that still count
  for (const model::TaskId& id : tasks) {
    const Kept* kept = find_kept(id);
    if (kept == nullptr || kept->record.task.revision != revision) continue;
    if (kept->record.goal == Goal::Run && !kept->record.task.one_off) victims.insert(id);
  }
  const auto found = revisions_.find(revision);
  if (found != revisions_.end()) {
    RevisionRecord record = found->second;
    if (generation < record.generation) {
      return outdated("remove tasks of " + revision.str(), generation, record.generation);
    }
    record.generation = generation;
    record.count = std::max(0, record.count - static_cast<int>(victims.size()));
    TRY(save(record));
  }
  for (const model::TaskId& id : victims) stop(tasks_.at(id), grace);
  tell_watcher();
  return {};
}

Status Keeper::do_remove(const model::RevisionId& revision, Duration grace, model::Generation generation) {
  const auto found = revisions_.find(revision);
  if (found != revisions_.end()) {
    RevisionRecord record = found->second;
    if (generation < record.generation)
      return outdated("remove " + revision.str(), generation, record.generation);
    record.generation = generation;
    record.count = 0;
    record.removing = true;
    TRY(save(record));
  }
  std::vector<model::TaskId> ids;  // stop() may drop a task at once
  for (const auto& [id, kept] : tasks_) {
    if (kept.record.task.revision == revision && !kept.record.task.one_off) ids.push_back(id);
  }
  for (const model::TaskId& id : ids) stop(tasks_.at(id), grace);
  forget_if_gone(revision);
  tell_watcher();
  return {};
}

Status Keeper::do_run(const RunRequest& request) {
  if (find_kept(request.id) != nullptr) return {};
  if (static_cast<int>(tasks_.size()) >= parts_.limits.tasks) {
    return Error(ErrorCode::Exhausted,
                 fmt::format("this engine keeps at most {} tasks", parts_.limits.tasks));
  }
  TaskRecord record = new_task(request.revision, request.id, node_, now());
  record.task.one_off = true;
  record.stop_at = now() + request.timeout;
  // The caller is told that the order was taken, so it must be on record before.
  TRY(io::make_directories(records_.task_folder(request.id), 0700));
  TRY_CONTEXT(records_.save(record), "record task " + request.id.str());
  launch(keep(std::move(record)));
  return {};
}

// Makes the tasks of the revision as many as its count says.
void Keeper::reconcile(const RevisionRecord& revision) {
  const std::vector<model::Task> tasks = counted_tasks(revision.revision.id);
  const int have = static_cast<int>(tasks.size());
  for (const model::TaskId& victim : choose_victims(tasks, have - revision.count)) {
    stop(tasks_.at(victim), revision.revision.spec.stop_grace);
  }
  if (draining_) return;
  for (int i = have; i < revision.count; ++i) {
    model::TaskId id = make_task_id(revision.revision, parts_.random.token(5));
    // A token of five out of some thirty letters: a clash with a living task is drawn again.
    while (find_kept(id) != nullptr) id = make_task_id(revision.revision, parts_.random.token(5));
    launch(keep(new_task(revision.revision, id, node_, now())));
  }
}

// Those that count: not one-off, and not told to stop.
std::vector<model::Task> Keeper::counted_tasks(const model::RevisionId& revision) const {
  std::vector<model::Task> tasks;
  for (const auto& [id, kept] : tasks_) {
    const TaskRecord& record = kept.record;
    if (record.task.revision == revision && !record.task.one_off && record.goal == Goal::Run) {
      tasks.push_back(record.task);
    }
  }
  return tasks;
}

int Keeper::wanted_tasks() const {
  int wanted = 0;
  for (const auto& [id, revision] : revisions_) wanted += revision.count;
  for (const auto& [id, kept] : tasks_) wanted += kept.record.task.one_off ? 1 : 0;
  return wanted;
}

// The last trace of a revision that is being removed goes when its last task has gone.
void Keeper::forget_if_gone(const model::RevisionId& revision) {
  const auto found = revisions_.find(revision);
  if (found == revisions_.end() || !found->second.removing) return;
  for (const auto& [id, kept] : tasks_) {
    if (kept.record.task.revision == revision && !kept.record.task.one_off) return;
  }
  if (const Status erased = records_.erase(revision); !erased) {
    // It stays in memory and is tried again by maintain().
    log::error("engine.local", "forget revision {}: {}", revision.str(), erased.error().text());
    return;
  }
  revisions_.erase(found);
  tell_watcher();
}

model::Observed Keeper::snapshot() const {
  model::Observed observed;
  observed.at = now();
  observed.isolation = parts_.isolation;
  for (const auto& [id, record] : revisions_) {
    observed.revisions.push_back({record.revision, record.count, record.generation});
  }
  for (const auto& [id, kept] : tasks_) observed.tasks.push_back(kept.record.task);
  model::Node node = node_facts(parts_.state);
  node.id = node_;
  node.draining = draining_;
  observed.nodes.push_back(std::move(node));
  return observed;
}

}  // namespace slipway::engine::local
