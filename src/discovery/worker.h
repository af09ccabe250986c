// One HAProxy worker process as its runtime interface shows it, and the commands that make it treat each task
// as the plan says. Pure: text in, text out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "discovery/haproxy.h"

namespace slipway::discovery {

struct WorkerServer {
  std::string address = "";   // "ip:port"
  bool up = false;            // by HAProxy's own check
  bool maintenance = false;   // not to be used, not checked
  bool drained = false;       // gets nothing new
  int sessions = 0;           // requests (http) or connections (tcp) in progress or queued
  int seconds_unchanged = 0;  // since it last went up or down or was told to
  bool operator==(const WorkerServer&) const = default;
};

// Backend and server, as named in the text.
using ServerKey = std::pair<std::string, std::string>;

struct WorkerView {
  std::string signature;  // of the text it was started with, see haproxy.h
  std::set<std::string> frontends;
  std::set<std::string> backends;
  std::map<ServerKey, WorkerServer> servers;
  // Connections of clients whose next request has not come or has no backend yet.
  int undecided = 0;
};

// The questions whose answers, in the same order, parse_worker() reads.
const std::vector<std::string>& worker_questions();
Result<WorkerView> parse_worker(const std::vector<std::string>& answers);

// The servers that `instances` ask for: those of backends that this worker has.
using WantedServers = std::map<ServerKey, model::Route>;
WantedServers wanted_servers(const WorkerView& view, const std::vector<RoutedInstance>& instances);

// What to say to the worker so that it has these servers. Idempotent: once obeyed, the next view gives no
// command, but for servers that cannot be deleted yet because they have sessions, which are asked to go each
// time.
//
// `listening` are the addresses among new servers' that accept connections now: those begin as up and get
// traffic at once. The others begin as down, and come up by HAProxy's check when they listen, so that a task
// which is not ready never costs a request.
std::vector<std::string> commands(const WorkerView& view, const WantedServers& wanted,
                                  const std::set<std::string>& listening);

// Addresses of the servers that commands() will bring in, whose readiness is the question.
std::set<std::string> new_addresses(const WorkerView& view, const WantedServers& wanted);

// An answer to one of commands() that is not as it should be. Refusing to delete a server that still has
// connections is as it should be.
bool is_refusal(std::string_view answer);

}  // namespace slipway::discovery
