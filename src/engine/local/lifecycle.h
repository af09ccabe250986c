// The decisions in a task's life, as pure functions: what each thing that happens makes of it, when it is
// started again, which tasks go when there are too many. The keeper (keeper.h) does what they say.
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
#include <span>
#include <string>
#include <vector>

#include "engine/local/task_record.h"

namespace slipway::engine::local {

// A task that ran this long without a health check to vouch for it had a proper start.
constexpr Duration kProperRun = 10s;

// How one run of a task's process went.
struct PastRun {
  Duration lasted{};                    // since the process started
  std::optional<Duration> healthy_for;  // up to its end; absent: it was not healthy when it ended
  bool checked = false;                 // its spec has a health check, so that being healthy means something
};

struct Restart {
  int failures = 0;  // in a row, this one included
  Duration delay{};  // until the next start
  bool operator==(const Restart&) const = default;
};

// The first failure of a task that had been well starts again at once: somebody killed it, or it met a rare
// bug, and waiting would only prolong the outage. From the second on, and for one that never was well, the
// delays double from one second. Ten minutes of health forget the past (see kBackoffReset).
Restart restart_after_exit(int failures_before, const PastRun& run, Duration max_launch_delay);

// A launch that failed (no image, no command, no volume) always waits.
Restart restart_after_failed_launch(int failures_before, Duration max_launch_delay);

// "exited with code 3", "killed by SIGSEGV", "killed: out of memory (limit 64 MB)".
std::string exit_reason(const model::Exit& exit, const model::TaskSpec& spec);
// "exited with code 3; restart 4 in 8s", "killed by SIGKILL; restart 1 now".
std::string with_restart(std::string what, int number, Duration delay);

// Each of these changes `record` to what it is after something has happened to it, `now`.
TaskRecord new_task(const model::Revision& revision, model::TaskId id, const model::NodeId& node, Time now);
void task_launching(TaskRecord& record);
void task_preparing(TaskRecord& record);
void task_running(TaskRecord& record, const Launched& launched, Time now);
// `exit` is absent when nobody knows how it ended (its monitor was killed).
void task_ended(TaskRecord& record, const std::optional<model::Exit>& exit,
                std::vector<std::string> last_lines, Time now);
void task_launch_failed(TaskRecord& record, const Error& error, Time now);
// Does nothing to a task that is stopping already, but for a shorter grace.
void task_stopping(TaskRecord& record, Duration grace, Time now);
// Returns whether anything changed that a reader of records must know (not the reason alone).
bool task_health(TaskRecord& record, model::Health health, const std::string& reason, Time now);

// How a process ended, from its monitor's exit code: 128+N is death by signal N. `out_of_memory`: the kernel
// killed a process of the task for lack of memory.
model::Exit exit_of(int code, bool out_of_memory);

// Which `count` of these tasks to stop: unhealthy before healthy, then younger before older, then by id.
std::vector<model::TaskId> choose_victims(std::span<const model::Task> tasks, int count);

// "<service>-<instance>-<first 6 of the revision>-<token>", where every byte that is not a letter, digit or
// '-' becomes
// '-' and both names are cut so that the whole fits a host name (63 bytes).
model::TaskId make_task_id(const model::Revision& revision, const std::string& token);

// Ids chosen by others become names of folders and containers: letters, digits, '-', '_' and '.', at most
// 100, the first a letter or digit.
bool is_task_id(std::string_view text);

}  // namespace slipway::engine::local
