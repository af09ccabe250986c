// The decisions in a task's life, as pure functions: what each thing that happens makes of it, when it is
// called. The keeper (keeper.h) does what they say; the rules that all engines share are in engine/restart.h.
//
//   Pending -> Starting -> Running -> Failed (or Exited) -> Starting -> ...      a task, as long as its goal
//   is Run
//                 |  ^                    ^
//                 v  |                    |
//              Preparing ------------> Failed                                   its image had to be fetched
//              first
//   ... -> Running -> Exited                                                    a one-off task: for good
//   any -> Stopping -> (gone)                                                   once its goal is Stop
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/local/task_record.h"
#include "engine/restart.h"

namespace slipway::engine::local {

// Each of these changes `record` to what it is after something has happened to it, `now`.
TaskRecord new_task(const model::Revision& revision, model::TaskId id, const model::NodeId& node, Time now);
void task_launching(TaskRecord& record);
void task_preparing(TaskRecord& record);
void task_running(TaskRecord& record, const Launched& launched, Time now);
// `exit` is absent when nobody knows how it ended (its monitor was killed).
void task_ended(TaskRecord& record, const std::optional<model::Exit>& exit,
                std::vector<std::string> last_lines, Time now);
void task_launch_failed(TaskRecord& record, const Error& error, Time now);
// It cannot be launched because of the host, which is no failure of its own: nothing is counted.
void task_lacks_host(TaskRecord& record, const Error& error);
// Does nothing to a task that is stopping already, but for a shorter grace.
void task_stopping(TaskRecord& record, Duration grace, Time now);
// Returns whether anything changed that a reader of records must know (not the reason alone).
bool task_health(TaskRecord& record, model::Health health, const std::string& reason, Time now);

// How a process ended, from its monitor's exit code. For 128+N both are told, for conmon writes the same for
// death by signal N and for an exit with that code, as of a shell whose command died so. `out_of_memory`: the
// kernel killed a process of the task for lack of memory, which is what ended the task if that was SIGKILL.
model::Exit exit_of(int code, bool out_of_memory);

// "<service>-<instance>-<first 6 of the revision>-<token>", where every byte that is not a letter, digit or
// '-' becomes
// '-' and both names are cut so that the whole fits a host name (63 bytes).
model::TaskId make_task_id(const model::Revision& revision, const std::string& token);

// Ids chosen by others become names of folders and containers: letters, digits, '-', '_' and '.', at most
// 100, the first a letter or digit.
bool is_task_id(std::string_view text);

}  // namespace slipway::engine::local
