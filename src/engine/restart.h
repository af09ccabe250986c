// The rules by which engines that keep tasks running start them again, and choose whom to stop: pure, and one
// for all of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/observed.h"
#include "model/spec.h"

namespace slipway::engine {

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

// "exited with code 3", "killed by SIGSEGV", "ended with exit code 143 or SIGTERM",
// "killed: out of memory (limit 64 MB)".
std::string exit_reason(const model::Exit& exit, const model::TaskSpec& spec);
// "exited with code 3; restart 4 in 8s", "killed by SIGKILL; restart 1 now".
std::string with_restart(std::string what, int number, Duration delay);

// Which `count` of these tasks to stop: unhealthy before healthy, then younger before older, then by id.
std::vector<model::TaskId> choose_victims(std::span<const model::Task> tasks, int count);

}  // namespace slipway::engine
