#include "discovery/worker.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::discovery {
namespace {

// A task that is no longer routed may have sessions left: they end by themselves within this time, or are
// cut, so that no server stays for ever.
constexpr int kLingerSeconds = 60;

// Bits of srv_admin_state: forced, inherited and by configuration.
constexpr int kMaintenanceBits = 0x01 | 0x02 | 0x04;
constexpr int kDrainBits = 0x08 | 0x10;

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A table whose first line, after "# ", names the columns.
class Table {
 public:
  Table(std::string_view text, char separator) : separator_(separator), lines_(split(text, '\n')) {
    for (; first_ < lines_.size() && !lines_[first_].starts_with("# "); ++first_) {
    }
    if (first_ == lines_.size()) return;
    const std::vector<std::string> names = split(std::string_view(lines_[first_]).substr(2), separator);
    for (size_t i = 0; i < names.size(); ++i) columns_[names[i]] = i;
    ++first_;
  }

  bool has(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (!columns_.contains(name)) return false;
    }
    return true;
  }

  // Calls `row(get)` for each row, where get(name) is the field of a column that is there.
  template <class Row>
  void each(Row row) const {
    for (size_t i = first_; i < lines_.size(); ++i) {
      const std::vector<std::string> fields = split(lines_[i], separator_);
      if (fields.size() < columns_.size()) continue;
      row([&](const char* name) -> const std::string& { return fields[columns_.at(name)]; });
    }
  }

 private:
  char separator_;
  std::vector<std::string> lines_;
  size_t first_ = 0;
  std::unordered_map<std::string, size_t> columns_;
};

std::string signature_in(std::string_view info) {
  constexpr std::string_view kKey = "description: ";
  for (const std::string& line : split(info, '\n')) {
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  }
  return "";
}

std::string name_of(const ServerKey& key) {
  return key.first + "/" + key.second;
}

// Out of maintenance, where a server is when it is new. HAProxy takes it for up then.
void enable(const std::string& name, bool listening, std::vector<std::string>& out) {
  out.push_back("enable health " + name);
  out.push_back(fmt::format("set server {} state ready", name));
  if (!listening) out.push_back(fmt::format("set server {} health down", name));
}

// Makes a server that is there take part again where it does not.
void bring_in(const ServerKey& key, const WorkerServer& server, const model::Route& route, bool listening,
              std::vector<std::string>& out) {
  const std::string name = name_of(key);
  if (server.address != route.address.text()) {
    out.push_back(fmt::format("set server {} addr {} port {}", name, route.address.ip, route.address.port));
  }
  if (server.maintenance) {
    enable(name, listening, out);
  } else if (server.drained) {
    out.push_back(fmt::format("set server {} state ready", name));
  }
}

void remove_server(const ServerKey& key, const WorkerServer& server, std::vector<std::string>& out) {
  const std::string name = name_of(key);
  if (!server.maintenance) out.push_back(fmt::format("set server {} state maint", name));
  if (server.sessions > 0 && server.maintenance && server.seconds_unchanged > kLingerSeconds) {
    out.push_back("shutdown sessions server " + name);
  }
  out.push_back("del server " + name);
}

}  // namespace

const std::vector<std::string>& worker_questions() {
  // 7: frontends, backends and servers.
  static const std::vector<std::string> kQuestions = {"show info", "show servers state", "show stat -1 7 -1"};
  return kQuestions;
}

Result<WorkerView> parse_worker(const std::vector<std::string>& answers) {
  if (answers.size() != worker_questions().size())
    return Error(ErrorCode::Internal, "HAProxy left a question open");
  WorkerView view;
  view.signature = signature_in(answers[0]);
  const Table states(answers[1], ' ');
  const Table stats(answers[2], ',');
  if (!states.has({"be_name", "srv_name", "srv_admin_state", "srv_op_state"}) ||
      !stats.has({"pxname", "svname", "scur", "qcur", "lastchg", "addr"})) {
    return Error(ErrorCode::Internal,
                 "HAProxy's tables of servers lack a column: " + answers[1].substr(0, 200));
  }
  states.each([&](const auto& get) {
    WorkerServer& server = view.servers[{get("be_name"), get("srv_name")}];
    const int admin = number(get("srv_admin_state"));
    server.maintenance = (admin & kMaintenanceBits) != 0;
    server.drained = (admin & kDrainBits) != 0;
    server.up = number(get("srv_op_state")) != 0;
  });
  stats.each([&](const auto& get) {
    const std::string& backend = get("pxname");
    const std::string& name = get("svname");
    if (name == "FRONTEND") {
      view.frontends.insert(backend);
      view.undecided += number(get("scur"));
    } else if (name == "BACKEND") {
      view.backends.insert(backend);
      view.undecided -= number(get("scur"));
    } else if (const auto server = view.servers.find({backend, name}); server != view.servers.end()) {
      server->second.sessions = number(get("scur")) + number(get("qcur"));
      server->second.seconds_unchanged = number(get("lastchg"));
      server->second.address = get("addr");
    }
  });
  view.undecided = std::max(view.undecided, 0);
  return view;
}

WantedServers wanted_servers(const WorkerView& view, const std::vector<RoutedInstance>& instances) {
  WantedServers wanted;
  for (const RoutedInstance& instance : instances) {
    const std::string backend = backend_name(instance.id);
    if (!view.backends.contains(backend)) continue;
    for (const model::Route& route : instance.routes) wanted[{backend, server_name(route.task)}] = route;
  }
  return wanted;
}

std::set<std::string> new_addresses(const WorkerView& view, const WantedServers& wanted) {
  std::set<std::string> addresses;
  for (const auto& [key, route] : wanted) {
    if (route.traffic == model::Traffic::Drain) continue;
    const auto server = view.servers.find(key);
    if (server == view.servers.end() || server->second.maintenance) addresses.insert(route.address.text());
  }
  return addresses;
}

std::vector<std::string> commands(const WorkerView& view, const WantedServers& wanted,
                                  const std::set<std::string>& listening) {
  std::vector<std::string> out;
  // What comes is said first, so that a backend is never empty on the way from old servers to new ones.
  for (const auto& [key, route] : wanted) {
    if (route.traffic == model::Traffic::Drain) continue;
    const auto server = view.servers.find(key);
    const bool ready = listening.contains(route.address.text());
    if (server != view.servers.end()) {
      bring_in(key, server->second, route, ready, out);
    } else {
      out.push_back(fmt::format("add server {} {} {}", name_of(key), route.address.text(), kServerOptions));
      enable(name_of(key), ready, out);
    }
  }
  // A task to drain that this worker does not have has nothing to end here.
  for (const auto& [key, route] : wanted) {
    const auto server = view.servers.find(key);
    if (route.traffic == model::Traffic::In || server == view.servers.end()) continue;
    if (!server->second.drained) out.push_back(fmt::format("set server {} state drain", name_of(key)));
  }
  for (const auto& [key, server] : view.servers) {
    if (!wanted.contains(key)) remove_server(key, server, out);
  }
  return out;
}

bool is_refusal(std::string_view answer) {
  return !answer.empty() && !answer.starts_with("New server registered") &&
         !answer.starts_with("Server deleted") &&
         answer.find("still has connections") == std::string_view::npos &&
         answer.find("changed from") == std::string_view::npos &&
         answer.find("no need to change") == std::string_view::npos;
}

}  // namespace slipway::discovery
