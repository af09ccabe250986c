#include "engine/local/process_sweep.h"

#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/local/conmon.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace {

bool is_marked(pid_t pid, std::string_view mark) {
  const Result<std::string> environment = io::read_file(fmt::format("/proc/{}/environ", pid));
  if (!environment) return false;  // gone, or another user's, and so none of ours
  return (std::string(1, '\0') + *environment).find(mark) != std::string::npos;
}

std::vector<ProcessName> marked_processes(const model::TaskId& task) {
  const std::string mark = std::string(1, '\0') + "SLIPWAY_TASK=" + task.str() + std::string(1, '\0');
  std::vector<ProcessName> found;
  const Result<std::vector<std::string>> names = io::list_directory("/proc");
  if (!names) return found;
  for (const std::string& name : *names) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size() || pid == ::getpid()) continue;
    // The name first: if the pid changes hands before the environment is read, the name no longer fits it.
    const Result<uint64_t> started = io::process_start_time(pid);
    if (started && is_marked(pid, mark)) found.push_back({pid, *started});
  }
  return found;
}

}  // namespace

Status kill_marked_processes(const model::TaskId& task, const Clock& clock, Deadline deadline) {
  for (auto left = marked_processes(task); !left.empty(); left = marked_processes(task)) {
    for (const ProcessName& process : left) {
      // One that has ended meanwhile is as good as killed.
      if (!signal_process(process, SIGKILL)) continue;
      TRY(wait_for_end(process, clock, deadline));
    }
    if (deadline.passed(clock.steady_now()))
      return Error(ErrorCode::Timeout, "kill the processes of " + task.str());
  }
  return {};
}

}  // namespace slipway::engine::local
