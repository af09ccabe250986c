#include "contract/traces.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sched.h>
#include <sstream>
#include <unistd.h>
#include <vector>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/process.h"

namespace slipway::contract {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool all_digits(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Where and of what type, without the numbers that differ from mount to mount.
void add_mounts(std::set<std::string>& found) {
  std::istringstream lines(read_text("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const auto fields = split(line, ' ');
    if (fields.size() > 4) found.insert("mount " + fields[4]);
  }
}

void add_links(std::set<std::string>& found) {
  struct if_nameindex* const links = ::if_nameindex();
  for (const auto* link = links; link && link->if_index != 0; ++link) {
    found.insert(std::string("link ") + link->if_name);
  }
  ::if_freenameindex(links);
}

void add_output(std::set<std::string>& found, const std::string& kind, const std::vector<std::string>& argv) {
  const SystemClock clock;
  io::Command command;
  command.argv = argv;
  const auto finished = io::run(command, clock, clock.deadline_in(10s));
  if (!finished) return;  // a tool that is not installed cannot have left a rule
  std::istringstream lines(finished->out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#") && !trim(line).empty()) found.insert(kind + " " + line);
  }
}

void add_processes(std::set<std::string>& found, const std::string& cluster,
                   const std::filesystem::path& state) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (!all_digits(pid) || pid == std::to_string(::getpid())) continue;
    std::string command = read_text(entry.path() / "cmdline");
    const std::string environment = read_text(entry.path() / "environ");
    const bool ours = command.find(state.native()) != std::string::npos ||
                      environment.find("SLIPWAY_CLUSTER=" + cluster + '\0') != std::string::npos;
    std::ranges::replace(command, '\0', ' ');
    if (ours) found.insert("process " + pid + " " + command);
  }
}

void add_tree(std::set<std::string>& found, const std::string& kind, const std::filesystem::path& root,
              const std::string& part) {
  std::error_code failed;
  std::filesystem::recursive_directory_iterator entries(
      root, std::filesystem::directory_options::skip_permission_denied, failed);
  for (const std::filesystem::recursive_directory_iterator end; !failed && entries != end;
       entries.increment(failed)) {
    const std::string& path = entries->path().native();
    if (path.find(part) != std::string::npos) found.insert(kind + " " + path);
  }
}

// Folders only: the files of a cgroup come and go with it.
void add_cgroups(std::set<std::string>& found, const std::string& cluster) {
  std::error_code failed;
  std::filesystem::recursive_directory_iterator entries("/sys/fs/cgroup", failed);
  for (const std::filesystem::recursive_directory_iterator end; !failed && entries != end;
       entries.increment(failed)) {
    std::error_code vanished;
    if (!entries->is_directory(vanished) || entries->is_symlink(vanished)) continue;
    const std::string& path = entries->path().native();
    if (path.find(cluster) != std::string::npos) found.insert("cgroup " + path);
  }
}

}  // namespace

std::string enter_private_machine() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) return std::string("unshare: ") + std::strerror(errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return std::string("make mounts private: ") + std::strerror(errno);
  }
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  const int up = ::ioctl(control, SIOCSIFFLAGS, &loopback);
  ::close(control);
  return up == 0 ? "" : std::string("bring loopback up: ") + std::strerror(errno);
}

std::set<std::string> machine_traces(const std::string& cluster, const std::filesystem::path& state) {
  std::set<std::string> found;
  add_mounts(found);
  add_links(found);
  add_output(found, "netns", {"ip", "netns", "list-id"});
  add_output(found, "nft", {"nft", "list", "ruleset"});
  add_output(found, "iptables", {"iptables-save"});
  found.insert("ip_forward " + read_text("/proc/sys/net/ipv4/ip_forward"));
  add_processes(found, cluster, state);
  add_cgroups(found, cluster);
  add_tree(found, "file", state, "");
  add_tree(found, "run", "/run", cluster);
  return found;
}

std::set<std::string> open_descriptors() {
  std::set<std::string> found;
  std::map<std::string, int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed;  // the one that reads the folder
    std::string target = std::filesystem::read_symlink(entry.path(), closed);
    if (closed) continue;
    // "socket:[123]" and "pipe:[456]": the number is the one's own, and says nothing.
    if (!target.starts_with("/")) target = target.substr(0, target.find(":["));
    const int number = ++numbers[target];
    found.insert("descriptor " + target + " " + std::to_string(number));
  }
  return found;
}

std::set<int> processes_with(const std::string& entry) {
  std::set<int> pids;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = process.path().filename();
    if (!all_digits(pid)) continue;
    const std::string environment = '\0' + read_text(process.path() / "environ");
    if (environment.find('\0' + entry + '\0') != std::string::npos) pids.insert(std::stoi(pid));
  }
  return pids;
}

}  // namespace slipway::contract
