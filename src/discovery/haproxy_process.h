// The HAProxy of one folder: started in master-worker mode and in a session of its own, so that it outlives
// us; found again by its socket and by a pid file with the process's start time, which a reused pid does not
// match.
//
// Files in the folder: haproxy.cfg (what it was started with), haproxy.cfg.next (what is being checked),
// haproxy.log (its messages, bounded), haproxy.pid, and the sockets named in haproxy.h. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "discovery/master_cli.h"
#include "io/file.h"

namespace slipway::discovery {

// Questions in a row (to the master, or to one worker) that may stay without an answer, each for kAnswerWait
// or until its deadline. Long enough that no machine is merely busy, short enough that somebody may wait for
// it.
constexpr int kSilences = 3;

class HaproxyProcess {
 public:
  // HAProxy is started in the control group `cgroup` (empty: ours). `clock` must outlive this.
  HaproxyProcess(std::string directory, std::string program, std::string cgroup, const Clock& clock);

  // The processes of a HAProxy that runs in the folder; nullopt when there is none. Waits for one that starts
  // or reloads. One that has left kSilences questions in a row unanswered is killed: then none runs.
  Result<std::optional<Processes>> running(Deadline deadline);
  // As MasterCli::ask; silence is counted.
  Result<std::vector<std::string>> ask(pid_t worker, const std::vector<std::string>& commands,
                                       Deadline deadline);
  // HAProxy's own check of a configuration. Invalid, with what it says, when it refuses.
  Status check(const std::string& text, Deadline deadline);
  // Both return when a worker with this signature (see haproxy.h) serves. Unavailable with HAProxy's own
  // words when it does not come up; after a failed reload the former worker goes on.
  Status start(const std::string& text, const std::string& signature, Deadline deadline);
  Status reload(const std::string& text, const std::string& signature, Deadline deadline);
  // Ends it, cutting sessions, and deletes its files. Fine when none runs.
  Status stop(Deadline deadline);
  // Keeps the log small. HAProxy appends to it, so it may be cut at any time.
  void bound_log();

 private:
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }
  Result<std::string> program() const;
  Status have_folder() const;
  std::function<int()> leave_our_cgroup() const;
  // The pid on record, if it is that process still.
  std::optional<pid_t> recorded() const;
  Status serve(const std::string& signature, pid_t master, Deadline deadline);
  // The first complaints in the log from `offset` on.
  std::string complaint(size_t offset) const;
  size_t log_size() const;
  void reap();
  void remember_workers(const Processes& processes);
  void remember_children(pid_t master);
  // Whether this process, which was asked just now, has not answered for too long.
  bool too_silent(pid_t pid) const;
  void note_answer(pid_t pid, bool silent);
  // A worker that a reload replaced goes alone; the present one only with its master.
  void kill_silent_old(const Processes& processes);
  Status kill_master(pid_t master, Deadline deadline);
  // Workers of a master that was killed end by themselves some milliseconds later; until then they hold the
  // ports.
  void wait_for_orphans(Deadline deadline);

  std::string directory_;
  std::string program_;
  std::string cgroup_;
  const Clock& clock_;
  MasterCli cli_;
  pid_t child_ = 0;                  // the master, when it is ours to wait for
  std::map<pid_t, io::Fd> workers_;  // as last seen, by pidfd
  std::map<pid_t, int> silences_;    // questions in a row without an answer; kMaster: to the master
};

}  // namespace slipway::discovery
