// Starting programs. Two ways: run() for one that ends soon and is waited for, spawn() for one that lives on.
//
// No shell is ever between: argv goes to the program byte for byte. Descriptors are close-on-exec everywhere,
// so a child has standard input, output, error and nothing else that was not given to it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/file.h"

namespace slipway::io {

struct Command {
  std::vector<std::string> argv;                          // argv[0] is looked up in PATH
  std::optional<std::map<std::string, std::string>> env;  // whole environment; absent: ours
  std::string directory;                                  // empty: ours
  std::string input;                                      // of run(): what is on standard input
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;      // of spawn(): -1 is /dev/null; borrowed
  std::vector<std::pair<int, int>> fds;                   // of spawn(): ours -> theirs, kept open; borrowed
  bool new_session = false;                               // setsid: outlives us, gets no terminal signals
  // Runs in the child between fork and exec, where only async-signal-safe calls are allowed. Returns 0 or an
  // errno, which becomes the error of spawn() with `setup_name` in its message.
  std::function<int()> setup;
  std::string setup_name = "set up the child";

  // For messages: the words, quoted as a shell would need them.
  std::string text() const;
};

struct Finished {
  int exit_code = 0;     // 128+N for death by signal N
  std::string out, err;  // each bounded to 1 MiB: the end is kept, as that is where the reason stands
  bool ok() const { return exit_code == 0; }
  // The last lines of err (or of out when err is empty), for messages.
  std::string last_lines(int count = 5) const;
};

// Ends programs that run() waits for, at once and for good: what they work for is not wanted any more.
// Thread-safe.
class Cancellation {
 public:
  // Kills the process group of every program that runs under it; those runs and all later ones end with
  // Unavailable, "cancelled".
  void cancel() EXCLUDES(mutex_);
  bool cancelled() const EXCLUDES(mutex_);

  // For run(): from its start until it is reaped, so that the number is its own. False: it is not to run.
  bool enter(pid_t pid) EXCLUDES(mutex_);
  void leave(pid_t pid) EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  std::set<pid_t> running_ GUARDED_BY(mutex_);
};

// Runs to its end. At the deadline its whole process group is killed and the error is Timeout. A program that
// is missing is NotFound and named. A non-zero exit is no error here: see run_ok. `cancellation` may be null.
Result<Finished> run(const Command& command, const Clock& clock, Deadline deadline,
                     Cancellation* cancellation = nullptr);
// The same, but a non-zero exit is an error with the last lines of its output.
Result<Finished> run_ok(const Command& command, const Clock& clock, Deadline deadline);

// Starts and returns its pid. The caller waits for it (or lives in a process that ignores SIGCHLD).
Result<pid_t> spawn(const Command& command);

// Raises our own soft limit of open descriptors to the hard one. Programs that are started from then on get
// back the limit that was ours before, because some of them walk through all numbers up to it. For the start
// of a program, while it has one thread.
Status raise_descriptor_limit();

// Start time of a process in clock ticks since boot, from /proc/PID/stat: with the pid, a name that is not
// reused. NotFound when there is no such process (a zombie counts as gone), and nothing else says so:
// Exhausted is for want of a descriptor to look with.
Result<uint64_t> process_start_time(pid_t pid);
struct ProcessFacts {
  pid_t parent = 0;
  pid_t session = 0;
  uint64_t start_time = 0;
};
// The same, with more of what stands beside it.
Result<ProcessFacts> process_facts(pid_t pid);
// The pid of every process that we may see.
Result<std::vector<pid_t>> all_processes();
// Becomes readable when the process ends. NotFound when it has.
Result<Fd> open_pidfd(pid_t pid);

// "SIGTERM" or "TERM" or "15" -> 15.
std::optional<int> signal_number(std::string_view name);
std::string signal_name(int number);  // "SIGTERM"; "signal 99"

}  // namespace slipway::io
