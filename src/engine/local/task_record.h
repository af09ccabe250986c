// What the local engine keeps on disk about its revisions and tasks: all that another process needs to take
// them over.
//
// A record is one small JSON file, replaced whole. It is not synced: adoption follows the death of a process,
// which loses nothing that was written; after a power cut no task runs any more and there is nothing to
// adopt.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/local/conmon.h"
#include "model/observed.h"

namespace slipway::engine::local {

struct RevisionRecord {
  model::Revision revision;
  int count = 0;
  model::Generation generation = 0;
  bool removing = false;  // remove() was taken: its last trace goes with its last task
  bool operator==(const RevisionRecord&) const = default;
};

// What has been ordered of a task. Where it stands on the way is `task.state`.
enum class Goal {
  Run,   // keep it running; of a one-off task: let it end once
  Stop,  // stop it and delete every trace
};

struct TaskRecord {
  model::Task task;          // what `observe` says of it
  model::Revision revision;  // whole, so that a task needs no other record to be kept running
  Goal goal = Goal::Run;
  std::string ip;            // of its own on the bridge; empty without one
  std::string image_digest;  // of what it runs from; empty on the host's filesystem
  std::string boot_id;       // of the machine, when the processes below were started
  ProcessName monitor;       // conmon, which outlives us and writes down how the container ended; pid 0: none
  ProcessName container;     // the first process of the task
  std::optional<int64_t> wrote_mb;  // to its layer, too much, for which it is being killed
  int failures = 0;                 // ends in a row, for the backoff
  std::optional<Time> kill_at;      // while stopping: when SIGKILL is due
  std::optional<Time> stop_at;      // of a one-off task: when its time is over

  bool operator==(const TaskRecord&) const = default;
};

Json to_json(const RevisionRecord& record);
Result<RevisionRecord> revision_record_from_json(const Json& json);
Json to_json(const TaskRecord& record);
Result<TaskRecord> task_record_from_json(const Json& json);

// The records below one folder: revisions/ID.json and tasks/ID/task.json. One thread writes; every error
// names the file.
class RecordStore {
 public:
  explicit RecordStore(std::filesystem::path root) : root_(std::move(root)) {}

  struct Unreadable {
    std::string name;  // of the task or revision, from its file's name
    Error error;
  };
  struct Loaded {
    std::vector<RevisionRecord> revisions;
    std::vector<TaskRecord> tasks;
    std::vector<Unreadable> bad_revisions;
    std::vector<Unreadable> bad_tasks;
  };
  // A record that cannot be read is reported and costs no other one. A task folder without a record is one
  // whose creation or deletion was cut short; it is listed in `bad_tasks` as NotFound.
  Result<Loaded> load() const;

  Status save(const RevisionRecord& record) const;
  Status save(const TaskRecord& record) const;
  Status erase(const model::RevisionId& revision) const;
  // The task's folder with all in it. Nothing may be mounted below.
  Status erase(const model::TaskId& task) const;

  // Where the pieces of one task keep their files.
  std::filesystem::path task_folder(const model::TaskId& task) const { return root_ / "tasks" / task.str(); }

 private:
  std::filesystem::path revision_file(const model::RevisionId& revision) const;
  std::filesystem::path task_file(const model::TaskId& task) const { return task_folder(task) / "task.json"; }

  std::filesystem::path root_;
};

}  // namespace slipway::engine::local
