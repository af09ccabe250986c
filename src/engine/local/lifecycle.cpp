#include "engine/local/lifecycle.h"

#include <algorithm>
#include <cctype>
#include <csignal>

#include <fmt/format.h>

namespace slipway::engine::local {

namespace {

constexpr size_t kNamePart = 22;  // two of them, six of the revision, five of the token and three dashes: 58

// conmon writes the exit code down as its last act.
constexpr const char* kUnknownEnd =
    "ended, and its monitor (conmon) did not write down how: it was killed, or the disk is full";

std::string host_name_part(const std::string& name) {
  std::string part = name.substr(0, kNamePart);
  for (char& c : part) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  }
  return part;
}

Duration between(Time from, Time to) {
  return std::max(to - from, Duration::zero());
}

PastRun run_of(const TaskRecord& record, Time now) {
  const model::Task& task = record.task;
  PastRun run;
  run.checked = record.revision.spec.health.mode != model::HealthMode::None;
  if (task.started_at) run.lasted = between(*task.started_at, now);
  if (task.healthy_since) run.healthy_for = between(*task.healthy_since, now);
  return run;
}

void forget_processes(TaskRecord& record) {
  record.monitor = {};
  record.container = {};
  record.task.health = model::Health::Unknown;
  record.task.healthy_since.reset();
}

std::string ending(const TaskRecord& record, const std::optional<model::Exit>& exit) {
  const model::TaskSpec& spec = record.revision.spec;
  if (record.wrote_mb)
    return fmt::format("disk: wrote {} MB, its limit is {} MB", *record.wrote_mb, spec.resources.disk_mb);
  return exit ? exit_reason(*exit, spec) : std::string(kUnknownEnd);
}

// Where a task that failed stands until it is started again.
void await_restart(TaskRecord& record, const Restart& restart, std::string what, Time now) {
  record.failures = restart.failures;
  record.task.next_start_at = now + restart.delay;
  record.task.reason = with_restart(std::move(what), record.task.restarts + 1, restart.delay);
}

}  // namespace

TaskRecord new_task(const model::Revision& revision, model::TaskId id, const model::NodeId& node, Time now) {
  TaskRecord record;
  record.task.id = std::move(id);
  record.task.revision = revision.id;
  record.task.instance = revision.instance;
  record.task.node = node;
  record.task.created_at = now;
  record.revision = revision;
  return record;
}

void task_launching(TaskRecord& record) {
  record.task.state = model::TaskState::Starting;
  record.task.next_start_at.reset();
}

void task_preparing(TaskRecord& record) {
  record.task.state = model::TaskState::Preparing;
  record.task.reason = "waits for " + model::describe(record.revision.spec.image);
}

void task_running(TaskRecord& record, const Launched& launched, Time now) {
  model::Task& task = record.task;
  record.container = launched.container;
  record.monitor = launched.supervisor;
  if (task.started_at) ++task.restarts;
  task.started_at = now;
  record.wrote_mb.reset();
  if (record.goal == Goal::Stop) return;  // told to stop while it was being started
  task.state = model::TaskState::Running;
  task.reason.clear();
  if (record.revision.spec.health.mode == model::HealthMode::None) {
    task.health = model::Health::Healthy;
    task.healthy_since = now;
  }
}

void task_ended(TaskRecord& record, const std::optional<model::Exit>& exit,
                std::vector<std::string> last_lines, Time now) {
  model::Task& task = record.task;
  const PastRun run = run_of(record, now);
  forget_processes(record);
  task.last_exit = exit;
  if (record.goal == Goal::Stop) return;
  const bool well = exit && exit->code == 0;
  if (!well) task.last_lines = std::move(last_lines);
  std::string what = ending(record, exit);
  if (task.one_off) {
    const bool overdue = record.stop_at && now >= *record.stop_at;
    task.state = model::TaskState::Exited;
    task.reason = overdue ? "stopped when its time was over; " + what : well ? "" : std::move(what);
    return;
  }
  task.state = well ? model::TaskState::Exited : model::TaskState::Failed;
  await_restart(record, restart_after_exit(record.failures, run, record.revision.spec.max_launch_delay),
                std::move(what), now);
}

void task_launch_failed(TaskRecord& record, const Error& error, Time now) {
  forget_processes(record);
  if (record.goal == Goal::Stop) return;
  record.task.state = model::TaskState::Failed;
  if (record.task.one_off) {
    record.task.reason = error.text();
    return;
  }
  // A retry that failed counts as a restart, so that a command that does not exist shows as a crash loop.
  if (record.failures > 0) ++record.task.restarts;
  const Restart restart = restart_after_failed_launch(record.failures, record.revision.spec.max_launch_delay);
  record.failures = restart.failures;
  record.task.next_start_at = now + restart.delay;
  record.task.reason = fmt::format("{}; next try in {}", error.text(), to_text(restart.delay));
}

void task_lacks_host(TaskRecord& record, const Error& error) {
  forget_processes(record);
  record.task.state = model::TaskState::Failed;
  record.task.next_start_at.reset();
  record.task.reason = error.text();
}

void task_stopping(TaskRecord& record, Duration grace, Time now) {
  record.goal = Goal::Stop;
  record.task.state = model::TaskState::Stopping;
  record.task.next_start_at.reset();
  record.task.health = model::Health::Unknown;
  record.task.healthy_since.reset();
  record.kill_at = record.kill_at ? std::min(*record.kill_at, now + grace) : now + grace;
}

bool task_health(TaskRecord& record, model::Health health, const std::string& reason, Time now) {
  model::Task& task = record.task;
  task.reason = reason;
  if (task.health == health) return false;
  task.health = health;
  task.healthy_since.reset();
  if (health == model::Health::Healthy) task.healthy_since = now;
  return true;
}

model::Exit exit_of(int code, bool out_of_memory) {
  // A child may be killed for lack of memory and its parent cope with that: then the task has not died of it.
  if (out_of_memory && code == 128 + SIGKILL) return model::Exit{std::nullopt, SIGKILL, true};
  model::Exit exit{code, std::nullopt, false};
  if (code > 128 && code <= 128 + 64) exit.signal = code - 128;
  return exit;
}

model::TaskId make_task_id(const model::Revision& revision, const std::string& token) {
  return model::TaskId(fmt::format("{}-{}-{}-{}", host_name_part(revision.instance.service),
                                   host_name_part(revision.instance.instance), revision.id.str().substr(0, 6),
                                   token));
}

bool is_task_id(std::string_view text) {
  if (text.empty() || text.size() > 100 || std::isalnum(static_cast<unsigned char>(text.front())) == 0)
    return false;
  return std::ranges::all_of(
      text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

}  // namespace slipway::engine::local
