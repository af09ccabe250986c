#include "engine/local/task_record.h"

#include <fmt/format.h>

#include "io/file.h"
#include "model/json_fields.h"

namespace slipway::engine::local {

namespace {

// A record holds one task's spec and last lines; a megabyte is far beyond what either may grow to.
constexpr uint64_t kRecordLimit = 4 << 20;

Json process_json(const ProcessName& process) {
  if (process.pid == 0) return nullptr;
  Json json;
  json["pid"] = process.pid;
  json["start_time"] = process.start_time;
  return json;
}

ProcessName process_from(const Json& json) {
  return ProcessName{static_cast<pid_t>(json.at("pid").as_int()),
                     static_cast<uint64_t>(json.at("start_time").as_int())};
}

Result<Json> read_record(const std::filesystem::path& path) {
  const std::string text = TRY(io::read_file(path, kRecordLimit));
  return Json::parse(text).context("read the record " + path.string());
}

Result<RevisionRecord> read_revision(const std::filesystem::path& path) {
  const Json json = TRY(read_record(path));
  return revision_record_from_json(json).context("read the record " + path.string());
}

Result<TaskRecord> read_task(const std::filesystem::path& path) {
  const Json json = TRY(read_record(path));
  return task_record_from_json(json).context("read the record " + path.string());
}

}  // namespace

Json to_json(const RevisionRecord& record) {
  Json json;
  json["revision"] = model::to_json(record.revision);
  json["count"] = record.count;
  json["generation"] = record.generation;
  json["removing"] = record.removing;
  return json;
}

Result<RevisionRecord> revision_record_from_json(const Json& json) {
  RevisionRecord record;
  record.revision = TRY(model::revision_from_json(json.at("revision")));
  record.count = static_cast<int>(json.at("count").as_int());
  record.generation = static_cast<model::Generation>(json.at("generation").as_int());
  record.removing = json.at("removing").as_bool();
  return record;
}

Json to_json(const TaskRecord& record) {
  Json json;
  json["task"] = model::to_json(record.task);
  json["goal"] = record.goal == Goal::Run ? "run" : "stop";
  json["revision"] = model::to_json(record.revision);
  json["ip"] = record.ip;
  json["image_digest"] = record.image_digest;
  json["boot_id"] = record.boot_id;
  json["monitor"] = process_json(record.monitor);
  json["container"] = process_json(record.container);
  json["wrote_mb"] = record.wrote_mb ? Json(*record.wrote_mb) : Json();
  json["failures"] = record.failures;
  json["kill_at"] = model::time_or_null(record.kill_at);
  json["stop_at"] = model::time_or_null(record.stop_at);
  return json;
}

Result<TaskRecord> task_record_from_json(const Json& json) {
  TaskRecord record;
  record.task = TRY(model::task_from_json(json.at("task")));
  record.goal = json.at("goal").as_string() == "stop" ? Goal::Stop : Goal::Run;
  record.revision = TRY(model::revision_from_json(json.at("revision")));
  record.ip = json.at("ip").as_string();
  record.image_digest = json.at("image_digest").as_string();
  record.boot_id = json.at("boot_id").as_string();
  record.monitor = process_from(json.at("monitor"));
  record.container = process_from(json.at("container"));
  if (json.at("wrote_mb").is_int()) record.wrote_mb = json.at("wrote_mb").as_int();
  record.failures = static_cast<int>(json.at("failures").as_int());
  record.kill_at = TRY(model::optional_time_from(json.at("kill_at")));
  record.stop_at = TRY(model::optional_time_from(json.at("stop_at")));
  return record;
}

Result<RecordStore::Loaded> RecordStore::load() const {
  Loaded loaded;
  for (const std::string& name : TRY(io::list_directory(root_ / "revisions"))) {
    if (!name.ends_with(".json")) continue;  // the rest of a write that was cut short
    auto record = read_revision(root_ / "revisions" / name);
    if (record) {
      loaded.revisions.push_back(std::move(*record));
    } else {
      loaded.bad_revisions.push_back({name.substr(0, name.size() - 5), record.error()});
    }
  }
  for (const std::string& name : TRY(io::list_directory(root_ / "tasks"))) {
    auto record = read_task(task_file(model::TaskId(name)));
    // Nothing is wrong with a record that there was no descriptor or memory to read with.
    if (!record && record.error().code() == ErrorCode::Exhausted) return record.error();
    if (record) {
      loaded.tasks.push_back(std::move(*record));
    } else {
      loaded.bad_tasks.push_back({name, record.error()});
    }
  }
  return loaded;
}

Status RecordStore::save(const RevisionRecord& record) const {
  TRY(io::make_directories(root_ / "revisions", 0700));
  return io::write_file(revision_file(record.revision.id), to_json(record).dump(), false, 0600);
}

Status RecordStore::save(const TaskRecord& record) const {
  return io::write_file(task_file(record.task.id), to_json(record).dump(), false, 0600);
}

Status RecordStore::erase(const model::RevisionId& revision) const {
  return io::remove_all(revision_file(revision));
}

Status RecordStore::erase(const model::TaskId& task) const {
  return io::remove_all(task_folder(task));
}

std::filesystem::path RecordStore::revision_file(const model::RevisionId& revision) const {
  return root_ / "revisions" / (revision.str() + ".json");
}

}  // namespace slipway::engine::local
