#include "engine/local/task_files.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/local/netlink.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr size_t kHostNameLimit = 63;

// The address of a "nameserver" line; empty for any other line.
std::string_view name_server(std::string_view line) {
  constexpr std::string_view kKeyword = "nameserver";
  line = trim(line);
  if (!line.starts_with(kKeyword)) return {};
  return trim(line.substr(kKeyword.size()));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string read_or_empty(const char* path) {
  Result<std::string> text = io::read_file(path);
  return text ? *text : std::string();
}

std::string hosts_for(const std::string& host_name, const std::string& address, model::NetMode net) {
  if (net == model::NetMode::Host)
    return read_or_empty("/etc/hosts") + fmt::format("\n127.0.1.1\t{}\n", host_name);
  return fmt::format("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{}\t{}\n",
                     address.empty() ? "127.0.1.1" : address, host_name);
}

}  // namespace

std::string host_name_for(const model::TaskId& task) {
  std::string name = task.str();
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain) c = '-';
  }
  // The end is kept: it is what tells one task of an instance from another.
  if (name.size() > kHostNameLimit) name = name.substr(name.size() - kHostNameLimit);
  const size_t first = name.find_first_not_of('-');
  return first == std::string::npos ? "task" : name.substr(first);
}

std::string resolv_conf_for(std::string_view host, std::string_view upstream, bool own_network) {
  std::string out;
  bool reachable = false;
  bool dropped = false;
  for (const std::string& line : split(host, '\n')) {
    const std::string_view server = name_server(line);
    if (own_network && is_loopback(server)) {
      dropped = true;
      continue;
    }
    if (!server.empty()) reachable = true;
    if (!line.empty()) out += line + "\n";
  }
  if (reachable || !dropped) return out;
  for (const std::string& line : split(upstream, '\n')) {
    const std::string_view server = name_server(line);
    if (!server.empty() && !is_loopback(server)) out += line + "\n";
  }
  return out;
}

std::vector<std::string> name_servers_of_tasks() {
  std::vector<std::string> servers;
  const std::string text = resolv_conf_for(read_or_empty("/etc/resolv.conf"),
                                           read_or_empty("/run/systemd/resolve/resolv.conf"), true);
  for (const std::string& line : split(text, '\n')) {
    const std::string server(name_server(line));
    if (parse_ipv4(server)) servers.push_back(server);
  }
  return servers;
}

Status write_task_files(const TaskPaths& paths, const std::string& host_name, const std::string& address,
                        model::NetMode net) {
  TRY(io::make_directories(paths.etc()));
  const std::string resolv_conf =
      resolv_conf_for(read_or_empty("/etc/resolv.conf"), read_or_empty("/run/systemd/resolve/resolv.conf"),
                      net != model::NetMode::Host);
  TRY(io::write_file(paths.etc() / "hostname", host_name + "\n"));
  TRY(io::write_file(paths.etc() / "hosts", hosts_for(host_name, address, net)));
  return io::write_file(paths.etc() / "resolv.conf", resolv_conf);
}

}  // namespace slipway::engine::local
