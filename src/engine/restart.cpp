#include "engine/restart.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/backoff.h"

namespace slipway::engine {

namespace {

bool was_well(const PastRun& run) {
  return run.checked ? run.healthy_for.has_value() : run.lasted >= kProperRun;
}

}  // namespace

Restart restart_after_exit(int failures_before, const PastRun& run, Duration max_launch_delay) {
  const bool forgiven = run.healthy_for && *run.healthy_for >= kBackoffReset;
  const int failures = forgiven ? 1 : failures_before + 1;
  if (failures == 1 && was_well(run)) return Restart{failures, 0ms};
  return Restart{failures, Backoff{.maximum = max_launch_delay}.delay(failures)};
}

Restart restart_after_failed_launch(int failures_before, Duration max_launch_delay) {
  const int failures = failures_before + 1;
  return Restart{failures, Backoff{.maximum = max_launch_delay}.delay(failures)};
}

std::string exit_reason(const model::Exit& exit, const model::TaskSpec& spec) {
  if (exit.oom_killed) return fmt::format("killed: out of memory (limit {} MB)", spec.resources.mem_mb);
  if (exit.signal && exit.code) return "ended with " + exit.text();
  if (exit.signal) return "killed by " + exit.text();
  return fmt::format("exited with code {}", exit.code.value_or(0));
}

std::string with_restart(std::string what, int number, Duration delay) {
  const std::string when = delay > 0ms ? "in " + to_text(delay) : "now";
  return fmt::format("{}; restart {} {}", what, number, when);
}

std::vector<model::TaskId> choose_victims(std::span<const model::Task> tasks, int count) {
  std::vector<const model::Task*> order;
  order.reserve(tasks.size());
  for (const model::Task& task : tasks) order.push_back(&task);
  std::ranges::sort(order, [](const model::Task* a, const model::Task* b) {
    const bool a_healthy = a->health == model::Health::Healthy;
    const bool b_healthy = b->health == model::Health::Healthy;
    return std::tie(a_healthy, b->created_at, a->id) < std::tie(b_healthy, a->created_at, b->id);
  });
  std::vector<model::TaskId> victims;
  for (const model::Task* task : order) {
    if (static_cast<int>(victims.size()) >= count) break;
    victims.push_back(task->id);
  }
  return victims;
}

}  // namespace slipway::engine
