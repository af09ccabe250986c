#include "discovery/sockets.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::discovery {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<SocketAddress> socket_address(const std::string& ip, int port) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, ip == "*" ? "0.0.0.0" : ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof(*v4);
    return address;
  }
  if (inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof(*v6);
    return address;
  }
  return std::nullopt;
}

// Inodes of the sockets that listen on `port`. A line of /proc/net/tcp:
//   sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...
//   0: 0100007F:4A38 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 ...
std::set<std::string> listening_inodes(int port) {
  std::set<std::string> inodes;
  const std::string suffix = fmt::format(":{:04X}", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const Result<std::string> text = io::read_file(table);
    if (!text) continue;
    for (const std::string& line : split(*text, '\n')) {
      std::vector<std::string> fields = split(line, ' ');
      std::erase(fields, "");
      if (fields.size() > 9 && fields[1].ends_with(suffix) && fields[3] == "0A") inodes.insert(fields[9]);
    }
  }
  return inodes;
}

// The inode of "socket:[12345]".
std::string inode_of_link(const std::string& target) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!target.starts_with(kPrefix) || !target.ends_with("]")) return "";
  return target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1);
}

bool has_socket(const std::string& pid, const std::set<std::string>& inodes) {
  const std::string folder = "/proc/" + pid + "/fd";
  const Result<std::vector<std::string>> fds = io::list_directory(folder);
  if (!fds) return false;
  return std::any_of(fds->begin(), fds->end(), [&](const std::string& fd) {
    std::error_code gone;  // descriptors close while we look
    return inodes.contains(inode_of_link(std::filesystem::read_symlink(folder + "/" + fd, gone).string()));
  });
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Status try_listen(const std::string& address, int port) {
  const std::optional<SocketAddress> where = socket_address(address, port);
  if (!where) return Error(ErrorCode::Invalid, fmt::format("\"{}\" is not an IP address", address));
  const io::Fd fd(socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, "make a socket");
  // As a server would: connections that have ended do not keep a port taken.
  const int yes = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd.get(), where->get(), where->size) != 0 || listen(fd.get(), 1) != 0) {
    if (errno == EADDRINUSE) return Error(ErrorCode::Conflict, fmt::format("port {} is taken", port));
    return errno_error(errno, fmt::format("listen on {}:{}", address, port));
  }
  return {};
}

std::optional<std::string> listener_of(int port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return std::nullopt;
  const Result<std::vector<std::string>> entries = io::list_directory("/proc");
  if (!entries) return std::nullopt;
  for (const std::string& pid : *entries) {
    if (!is_number(pid) || !has_socket(pid, inodes)) continue;
    const Result<std::string> name = io::read_file("/proc/" + pid + "/comm");
    return fmt::format("{} (pid {})", name ? std::string(trim(*name)) : "a process", pid);
  }
  return std::nullopt;
}

std::set<std::string> accepting(const std::set<std::string>& addresses, const Clock& clock,
                                Deadline deadline) {
  std::set<std::string> accepted;
  std::map<int, std::string> names;
  std::vector<io::Fd> sockets;
  std::vector<pollfd> pending;
  for (const std::string& text : addresses) {
    const size_t colon = text.rfind(':');
    int port = 0;
    std::from_chars(text.data() + std::min(colon + 1, text.size()), text.data() + text.size(), port);
    const std::optional<SocketAddress> where = socket_address(text.substr(0, colon), port);
    if (!where) continue;
    io::Fd fd(socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) continue;
    if (connect(fd.get(), where->get(), where->size) == 0) {
      accepted.insert(text);
    } else if (errno == EINPROGRESS) {
      pending.push_back({fd.get(), POLLOUT, 0});
      names[fd.get()] = text;
    }
    sockets.push_back(std::move(fd));
  }
  while (!pending.empty() && !deadline.passed(clock.steady_now())) {
    const int wait = static_cast<int>(deadline.left(clock.steady_now()).count());
    if (poll(pending.data(), pending.size(), wait) < 0 && errno != EINTR) break;
    for (const pollfd& item : pending) {
      if ((item.revents & POLLOUT) != 0 && (item.revents & (POLLERR | POLLHUP)) == 0)
        accepted.insert(names[item.fd]);
    }
    std::erase_if(pending, [](const pollfd& item) { return item.revents != 0; });
  }
  return accepted;
}

}  // namespace slipway::discovery
