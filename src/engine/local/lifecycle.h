// The decisions in a task's life, as pure functions: when it is started again, what it says meanwhile, which tasks go
// when there are too many.
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
struct Run {
  Duration lasted{};                    // since the process started
  std::optional<Duration> healthy_for;  // up to its end; absent: it was not healthy when it ended
  bool checked = false;                 // its spec has a health check, so that being healthy means something
};

struct Restart {
  int failures = 0;    // in a row, this one included
  Duration delay{};    // until the next start
  bool operator==(const Restart&) const = default;
};

// The first failure of a task that had been well starts again at once: somebody killed it, or it met a rare bug, and
// waiting would only prolong the outage. From the second on, and for one that never was well, the delays double from
// one second. `max_launch_delay` long health forgets the past (see kBackoffReset).
Restart restart_after_exit(int failures_before, const Run& run, Duration max_launch_delay);

// A launch that failed (no image, no command, no volume) always waits.
Restart restart_after_failed_launch(int failures_before, Duration max_launch_delay);

// "exited with code 3; restart 4 in 8s", "killed by SIGSEGV; restart 1 now", "out of memory (limit 64 MB); ...".
std::string exit_reason(const model::Exit& exit, const model::TaskSpec& spec);
std::string with_restart(std::string what, int number, Duration delay);

// The last steps of a log, written down once where tasks are shown to people.
constexpr int kLastLines = 10;

// Which `count` of these tasks to stop: unhealthy before healthy, then younger before older, then by id.
std::vector<model::TaskId> choose_victims(std::span<const model::Task> tasks, int count);

// "<service>-<instance>-<first 6 of the revision>-<token>", where every byte that is not a letter, digit or '-' becomes
// '-' and both names are cut so that the whole fits a host name (63 bytes).
model::TaskId make_task_id(const model::Revision& revision, const std::string& token);

// Ids chosen by others become names of folders and containers: letters, digits, '-', '_' and '.', at most 100, the
// first a letter or digit.
bool is_task_id(std::string_view text);

}  // namespace slipway::engine::local
