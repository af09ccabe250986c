// Taking over what an earlier keeper kept, which may have been killed at any instant.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "engine/local/keeper.h"
#include "engine/local/lifecycle.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

Status Keeper::adopt() {
  TRY(load_node());
  RecordStore::Loaded loaded = TRY(records_.load());
  for (const auto& bad : loaded.bad_tasks) sweep(bad.name, bad.error);
  for (const auto& bad : loaded.bad_revisions) {
    log::error("engine.local", "revision {} is taken from the records of its tasks: {}", bad.name,
               bad.error.text());
  }
  const size_t count = loaded.tasks.size();
  for (TaskRecord& record : loaded.tasks) adopt_task(std::move(record));
  adopt_revisions(std::move(loaded.revisions));
  if (count > 0) log::info("engine.local", "took over {} tasks", count);
  maintain();
  rotate_logs();
  check_host();
  return {};
}

Status Keeper::load_node() {
  const std::filesystem::path path = parts_.state / "node.json";
  if (!io::exists(path)) return {};
  const Json json = TRY_CONTEXT(Json::parse(TRY(io::read_file(path))), "read " + path.string());
  draining_ = json.at("draining").as_bool();
  node_generation_ = static_cast<model::Generation>(json.at("generation").as_int());
  return {};
}

// A task without a readable record cannot be kept: nobody knows what it is. It goes, and where it is missing
// from a count another takes its place. The usual case is harmless: a task whose creation or deletion was cut
// short.
void Keeper::sweep(const std::string& task, const Error& why) {
  if (!is_task_id(task)) {
    log::error("engine.local", "left alone, for its name is no task's: {}",
               (parts_.state / "tasks" / task).string());
    return;
  }
  if (why.code() == ErrorCode::NotFound) {
    log::info("engine.local", "remove the remains of task {}", task);
  } else {
    log::error("engine.local", "remove task {}, whose record is lost: {}", task, why.text());
  }
  TaskRecord record;
  record.task.id = model::TaskId(task);
  record.task.node = node_;
  record.task.state = model::TaskState::Stopping;
  record.task.reason = "its record is lost: " + why.text();
  record.task.one_off = true;  // belongs to no revision's count
  record.goal = Goal::Stop;
  destroy(keep(std::move(record)));
}

void Keeper::adopt_task(TaskRecord record) {
  record.task.node = node_;
  Kept& kept = keep(std::move(record));
  ++kept.run;
  const std::string& ip = kept.record.ip;
  if (parts_.network != nullptr && !ip.empty()) {
    if (const Status claimed = parts_.network->claim(ip); !claimed) {
      log::error("engine.local", "address of {}: {}", kept.record.task.id.str(), claimed.error().text());
      kept.record.ip.clear();  // the task keeps it while it runs, and gets another with its next start
    }
  }
  resume(kept);
}

// Goes on with the task from wherever its record says it was.
void Keeper::resume(Kept& kept) {
  TaskRecord& record = kept.record;
  if (record.monitor.pid == 0) {
    // Perhaps it was started, and we were killed before that was on record.
    const auto found = parts_.launcher.find(record.task.id);
    if (found) return resume_launch(kept, *found);
    if (found.error().code() == ErrorCode::NotFound) return resume_ended(kept);
    log::warning("engine.local", "look for {}: {}", record.task.id.str(), found.error().text());
    return set_timer(kept, kLookAgain, &Keeper::resume);
  }
  if (record.boot_id != boot_id_) {
    record.monitor = {};
    record.container = {};
    record.task.health = model::Health::Unknown;
    record.task.healthy_since.reset();
    log::info("engine.local", "{} ended with the machine's last boot", record.task.id.str());
    return resume_ended(kept);
  }
  follow_run(kept);
}

// The container is there, created and perhaps not yet started; which of the two, the runtime knows.
void Keeper::resume_launch(Kept& kept, const Launched& found) {
  start_job(starts_.get(), kept, [this, id = kept.record.task.id, found]() -> JobEnd {
    const Status started = finish_start(id);
    return [this, started, found](Kept& ended) {
      if (started) return launched(ended, found);
      log::warning("engine.local", "take over {}: {}", ended.record.task.id.str(), started.error().text());
      launch_failed(ended, started.error());
    };
  });
}

// On a pool's thread.
Status Keeper::finish_start(const model::TaskId& task) const {
  const Result<Runtime> found = parts_.launcher.runtime_of(task);
  // Its gate is open, which is as good as the runtime's word that it was started.
  if (!found) return {};
  const Runtime& runtime = *found;
  const Deadline deadline = parts_.clock.deadline_in(30s);
  const io::Finished answer = TRY(io::run_ok(runtime.command({"state", task.str()}), parts_.clock, deadline));
  const Json state = TRY_CONTEXT(Json::parse(answer.out), "read the state of " + task.str());
  if (state.at("status").as_string() != "created") return {};
  TRY(io::run_ok(runtime.command({"start", task.str()}), parts_.clock, deadline));
  return {};
}

// No process of it is there.
void Keeper::resume_ended(Kept& kept) {
  TaskRecord& record = kept.record;
  if (record.goal == Goal::Stop) return destroy(kept);
  switch (record.task.state) {
    case model::TaskState::Exited:
    case model::TaskState::Failed:
      // Its clean-up may not have been over; it is safe to repeat, and goes on with the restart.
      return clean_up(kept);
    case model::TaskState::Running:
      // The machine was restarted under it. A one-off task does not get a second run.
      if (record.task.one_off) {
        task_ended(record, std::nullopt, {}, now());
        record.task.reason = "the machine was restarted";
        save(kept);
      }
      return clean_up(kept);
    case model::TaskState::Starting:
      // A one-off task whose exit is on disk has had its one run.
      if (record.task.one_off &&
          io::exists(parts_.launcher.paths(record.task.id).exit_file(record.task.id))) {
        return monitor_ended(kept);
      }
      return launch(kept);
    case model::TaskState::Pending:
    case model::TaskState::Preparing:
    case model::TaskState::Stopping:
    case model::TaskState::Lost:
      return launch(kept);
  }
}

void Keeper::adopt_revisions(std::vector<RevisionRecord> records) {
  for (RevisionRecord& record : records) {
    const model::RevisionId id = record.revision.id;
    revisions_.emplace(id, std::move(record));
  }
  // Tasks carry their revision whole, so that a lost record is made again from them.
  for (const auto& [id, kept] : tasks_) {
    if (kept.record.task.one_off || kept.record.goal == Goal::Stop) continue;
    if (revisions_.contains(kept.record.task.revision)) continue;
    RevisionRecord record{.revision = kept.record.revision};
    record.count = static_cast<int>(counted_tasks(record.revision.id).size());
    if (const Status saved = save(record); !saved) {
      log::error("engine.local", "{}", saved.error().text());
      revisions_.emplace(record.revision.id, record);
    }
  }
  std::vector<model::RevisionId> ids;
  for (const auto& [id, record] : revisions_) ids.push_back(id);
  for (const model::RevisionId& id : ids) {
    reconcile(revisions_.at(id));
    forget_if_gone(id);
  }
}

}  // namespace slipway::engine::local
