#include "engine/local/process_sweep.h"

#include <csignal>
#include <map>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace {

bool is_marked(pid_t pid, std::string_view mark) {
  const Result<std::string> environment = io::read_file(fmt::format("/proc/{}/environ", pid));
  if (!environment) return false;  // gone, or another user's, and so none of ours
  return (std::string(1, '\0') + *environment).find(mark) != std::string::npos;
}

std::map<pid_t, io::ProcessFacts> look_at_processes() {
  std::map<pid_t, io::ProcessFacts> seen;
  const Result<std::vector<pid_t>> pids = io::all_processes();
  if (!pids) return seen;
  for (const pid_t pid : *pids) {
    if (const auto facts = io::process_facts(pid)) seen[pid] = *facts;
  }
  return seen;
}

// By parents, or, since the look took a while and one may have lost its parent meanwhile, by the session that
// `first` leads and that no other can have while it lives.
bool is_below(pid_t pid, const ProcessName& first, const std::map<pid_t, io::ProcessFacts>& seen) {
  const io::ProcessFacts& facts = seen.at(pid);
  if (pid == first.pid || facts.start_time < first.start_time) return false;
  if (facts.session == first.pid) return true;
  // No deeper than there are processes: a pid that changed hands during the look may close a circle.
  size_t steps = seen.size();
  for (auto at = seen.find(pid); at != seen.end() && steps > 0; --steps) {
    if (at->second.parent == first.pid) return true;
    at = seen.find(at->second.parent);
  }
  return false;
}

std::vector<ProcessName> processes_below(const ProcessName& first) {
  const auto seen = look_at_processes();
  const auto anchor = seen.find(first.pid);
  std::vector<ProcessName> found;
  if (anchor == seen.end() || anchor->second.start_time != first.start_time) return found;
  for (const auto& [pid, facts] : seen) {
    if (is_below(pid, first, seen)) found.push_back({pid, facts.start_time});
  }
  return found;
}

std::vector<ProcessName> processes_of(const model::TaskId& task, const ProcessName& first) {
  std::vector<ProcessName> found = processes_below(first);
  const std::string mark = std::string(1, '\0') + "SLIPWAY_TASK=" + task.str() + std::string(1, '\0');
  // The name is read first: if the pid changes hands before the environment is read, it no longer fits.
  for (const auto& [pid, facts] : look_at_processes()) {
    if (pid != ::getpid() && pid != first.pid && is_marked(pid, mark))
      found.push_back({pid, facts.start_time});
  }
  return found;
}

}  // namespace

Status kill_task_processes(const model::TaskId& task, const ProcessName& first, const Clock& clock,
                           Deadline deadline) {
  for (auto left = processes_of(task, first); !left.empty(); left = processes_of(task, first)) {
    // All before the first is waited for: they start one another anew.
    for (const ProcessName& process : left) {
      const Status sent = signal_process(process, SIGKILL);
      if (!sent && sent.error().code() != ErrorCode::NotFound) return sent;
    }
    for (const ProcessName& process : left) TRY(wait_for_end(process, clock, deadline));
    if (deadline.passed(clock.steady_now()))
      return Error(ErrorCode::Timeout, "kill the processes of " + task.str());
  }
  return {};
}

Status kill_below(const ProcessName& first) {
  const std::vector<ProcessName> below = processes_below(first);
  if (below.empty()) return signal_process(first, SIGKILL);
  for (const ProcessName& process : below) {
    const Status sent = signal_process(process, SIGKILL);
    if (!sent && sent.error().code() != ErrorCode::NotFound) return sent;
  }
  return {};
}

}  // namespace slipway::engine::local
