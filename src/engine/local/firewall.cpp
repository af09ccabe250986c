#include "engine/local/firewall.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "base/text.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace {

struct Rule {
  std::string_view table;
  std::string_view chain;
  std::string match;  // and target
};

// What iptables-save prints of ours carries this comment; bridge names are letters, digits and dashes.
std::string comment_of(const std::string& bridge) {
  return "slipway:" + bridge;
}

// New connections of tasks to the host.
std::vector<std::string> door_matches(const HostDoors& doors) {
  constexpr size_t kPorts = 15;  // that one rule takes
  std::vector<std::string> matches;
  for (const std::string& server : doors.name_servers) {
    for (const char* protocol : {"udp", "tcp"}) {
      matches.push_back(fmt::format("-d {} -p {} --dport 53", server, protocol));
    }
  }
  const std::vector<int> ports(doors.ports.begin(), doors.ports.end());
  for (size_t at = 0; at < ports.size(); at += kPorts) {
    const size_t end = std::min(at + kPorts, ports.size());
    matches.push_back(fmt::format("-p tcp -m multiport --dports {}",
                                  fmt::join(ports.data() + at, ports.data() + end, ",")));
  }
  return matches;
}

std::vector<Rule> wanted_rules(const std::string& bridge, const Subnet& subnet, const HostDoors& doors) {
  const std::string tag = fmt::format("-m comment --comment {}", comment_of(bridge));
  std::vector<Rule> rules = {
      {"nat", "POSTROUTING", fmt::format("-s {} ! -o {} {} -j MASQUERADE", subnet.text(), bridge, tag)},
      // From tasks to this host: answers to the proxy and to health checks.
      {"filter", "INPUT",
       fmt::format("-i {} -m conntrack --ctstate RELATED,ESTABLISHED {} -j ACCEPT", bridge, tag)},
      // To tasks: answers only. New connections from elsewhere come by the proxy, which speaks from this
      // host.
      {"filter", "FORWARD",
       fmt::format("-o {} -m conntrack --ctstate RELATED,ESTABLISHED {} -j ACCEPT", bridge, tag)},
      {"filter", "FORWARD", fmt::format("-i {} {} -j ACCEPT", bridge, tag)},
  };
  for (const std::string& match : door_matches(doors)) {
    rules.push_back({"filter", "INPUT", fmt::format("-i {} {} {} -j ACCEPT", bridge, match, tag)});
  }
  return rules;
}

// Lines "-D CHAIN ..." for the rules of a table in `saved` (the text of iptables-save) that carry our
// comment.
std::vector<std::string> deletions(std::string_view saved, std::string_view table,
                                   const std::string& bridge) {
  std::vector<std::string> out;
  const std::string comment = comment_of(bridge);
  bool in_table = false;
  for (const std::string& line : split(saved, '\n')) {
    if (line.starts_with('*')) in_table = line.substr(1) == table;
    if (!in_table || !line.starts_with("-A ")) continue;
    if (line.find("--comment " + comment + " ") != std::string::npos ||
        line.find("--comment \"" + comment + "\"") != std::string::npos) {
      out.push_back("-D " + line.substr(3));
    }
  }
  return out;
}

// One transaction a table: what is ours goes, what is wanted comes to the top, and nothing is ever missing in
// between.
std::string restore_script(std::string_view saved, const std::string& bridge,
                           const std::vector<Rule>& rules) {
  std::string script;
  for (const std::string_view table : {"nat", "filter"}) {
    std::string body;
    for (const std::string& line : deletions(saved, table, bridge)) body += line + "\n";
    for (const Rule& rule : rules) {
      if (rule.table == table) body += fmt::format("-I {} 1 {}\n", rule.chain, rule.match);
    }
    if (!body.empty()) script += fmt::format("*{}\n{}COMMIT\n", table, body);
  }
  return script;
}

// "iptables", or "iptables-legacy" where the host's rules are in there: rules in both are obeyed both, but
// Docker or ufw and we should look at the same ones.
std::optional<std::string> iptables_program() {
  const Result<std::string> legacy_tables = io::read_file("/proc/net/ip_tables_names");
  if (legacy_tables && !trim(*legacy_tables).empty() && io::find_program("iptables-legacy"))
    return "iptables-legacy";
  if (io::find_program("iptables")) return "iptables";
  return std::nullopt;
}

Result<io::Finished> run_program(const std::vector<std::string>& argv, const std::string& input,
                                 const Clock& clock, Deadline deadline) {
  io::Command command;
  command.argv = argv;
  command.input = input;
  return io::run_ok(command, clock, deadline);
}

std::string nft_table(const std::string& bridge) {
  std::string name = "slipway_" + bridge;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

std::string nft_script(const std::string& bridge, const Subnet& subnet, bool wanted) {
  const std::string table = nft_table(bridge);
  // Declared, then deleted, so that deleting cannot fail.
  std::string script = fmt::format("table ip {0} {{}}\ndelete table ip {0}\n", table);
  if (!wanted) return script;
  return script + fmt::format(R"(table ip {0} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {1} oifname != "{2}" masquerade
  }}
  chain forward {{
    type filter hook forward priority filter;
    oifname "{2}" ct state related,established accept
    iifname "{2}" accept
  }}
}}
)",
                              table, subnet.text(), bridge);
}

// The rules of the bridge become exactly these; none: they go.
Status apply_iptables(const std::string& program, const std::string& bridge, const std::vector<Rule>& rules,
                      const Clock& clock, Deadline deadline) {
  const io::Finished saved = TRY(run_program({program + "-save"}, "", clock, deadline));
  const std::string script = restore_script(saved.out, bridge, rules);
  if (script.empty()) return {};
  TRY(run_program({program + "-restore", "--noflush", "--wait"}, script, clock, deadline));
  return {};
}

Status apply_nft(const std::string& script, const Clock& clock, Deadline deadline) {
  TRY(run_program({"nft", "-f", "-"}, script, clock, deadline));
  return {};
}

Status put_in_place(const std::string& bridge, const Subnet& subnet, const HostDoors& doors,
                    const Clock& clock, Deadline deadline) {
  if (const std::optional<std::string> program = iptables_program()) {
    return apply_iptables(*program, bridge, wanted_rules(bridge, subnet, doors), clock, deadline);
  }
  if (io::find_program("nft")) return apply_nft(nft_script(bridge, subnet, true), clock, deadline);
  return Error(ErrorCode::Unavailable, "neither iptables nor nft is installed: apt-get install iptables");
}

// By every program there is: the rules may be older than the one that would be chosen now. That one has to
// succeed; another may be of a kind that this kernel does not know, and then none of our rules are its.
Status take_away(const std::string& bridge, const Subnet& subnet, const Clock& clock, Deadline deadline) {
  const std::string chosen = iptables_program().value_or("nft");
  for (const std::string program : {"iptables", "iptables-legacy", "nft"}) {
    if (!io::find_program(program)) continue;
    const Status removed = program == "nft" ? apply_nft(nft_script(bridge, subnet, false), clock, deadline)
                                            : apply_iptables(program, bridge, {}, clock, deadline);
    if (!removed && program == chosen) return removed;
    if (!removed) log::debug("engine.local", "{} has no rules of ours: {}", program, removed.error().text());
  }
  return {};
}

}  // namespace

Firewall::Firewall(std::string bridge, Subnet subnet, const Clock& clock)
    : bridge_(std::move(bridge)), subnet_(subnet), clock_(clock) {}

Status Firewall::ensure(const HostDoors& doors, Deadline deadline) {
  return put_in_place(bridge_, subnet_, doors, clock_, deadline)
      .context("let bridge " + bridge_ + " through the firewall");
}

Status Firewall::remove(Deadline deadline) {
  return take_away(bridge_, subnet_, clock_, deadline).context("remove the firewall rules of " + bridge_);
}

}  // namespace slipway::engine::local
