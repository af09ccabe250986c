// The command line of a running HAProxy master, over its unix socket: which processes there are, and
// questions and commands for any of them, workers that end after a reload included.
//
// A fresh connection for each conversation, so nothing is to be kept in order between them. Errors:
// Unavailable where nobody listens or the other side hangs up (as it does during a reload), Timeout by the
// deadline, and after kAnswerWait.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"

namespace slipway::discovery {

// What `show proc` tells. Pure text in parse_processes().
struct Processes {
  pid_t master = 0;
  int failed_reloads = 0;          // in a row
  std::vector<pid_t> workers;      // the present one; none while a reload is on its way
  std::vector<pid_t> old_workers;  // replaced by a reload, ending their sessions
  bool operator==(const Processes&) const = default;
};
Result<Processes> parse_processes(std::string_view text);

// What a conversation may take, whatever the deadline. Answers take milliseconds; the state of 100,000
// servers takes a second or two.
constexpr Duration kAnswerWait = 5s;

class MasterCli {
 public:
  // `directory` holds the master's socket. `clock` must outlive this.
  MasterCli(std::string directory, const Clock& clock) : directory_(std::move(directory)), clock_(clock) {}

  Result<Processes> processes(Deadline deadline) const;
  // Says all `commands` to the process `worker` in one go; one answer for each, in order, trimmed. A command
  // that HAProxy refuses is no error here: the answer says so.
  Result<std::vector<std::string>> ask(pid_t worker, const std::vector<std::string>& commands,
                                       Deadline deadline) const;
  // Tells the master to read its configuration again. Returns once it has been told; see processes() for the
  // outcome.
  Status reload(Deadline deadline) const;

 private:
  // Sends `lines` and returns all that comes until the other side closes.
  Result<std::string> converse(const std::string& lines, Deadline deadline) const;

  std::string directory_;
  const Clock& clock_;
};

}  // namespace slipway::discovery
