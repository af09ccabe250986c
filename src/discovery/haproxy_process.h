// The HAProxy of one folder: started in master-worker mode and in a session of its own, so that it outlives
// us; found again by its socket and by a pid file with the process's start time, which a reused pid does not
// match.
//
// Files in the folder: haproxy.cfg (what it was started with), haproxy.cfg.next (what is being checked),
// haproxy.log (its messages, bounded), haproxy.pid, and the sockets named in haproxy.h. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "discovery/master_cli.h"
#include "io/file.h"

namespace slipway::discovery {

class HaproxyProcess {
 public:
  // `clock` must outlive this.
  HaproxyProcess(std::string directory, std::string program, const Clock& clock);

  const MasterCli& cli() const { return cli_; }
  // The processes of a HAProxy that runs in the folder; nullopt when there is none. Waits for one that starts
  // or reloads.
  Result<std::optional<Processes>> running(Deadline deadline);
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
  // The pid on record, if it is that process still.
  std::optional<pid_t> recorded() const;
  Status serve(const std::string& signature, pid_t master, Deadline deadline);
  // The first complaints in the log from `offset` on.
  std::string complaint(size_t offset) const;
  size_t log_size() const;
  void reap();
  void remember_workers(const Processes& processes);
  // Workers of a master that was killed end by themselves some milliseconds later; until then they hold the
  // ports.
  void wait_for_orphans(Deadline deadline);

  std::string directory_;
  std::string program_;
  const Clock& clock_;
  MasterCli cli_;
  pid_t child_ = 0;                  // the master, when it is ours to wait for
  std::map<pid_t, io::Fd> workers_;  // as last seen, by pidfd
};

}  // namespace slipway::discovery
