#include "engine/local/host_port.h"

#include <cerrno>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "io/file.h"

namespace slipway::engine::local {

namespace {

// The kernel's choice may be in `taken` (its task is between two lives); so often it is asked again.
constexpr int kTries = 64;

// Binds and lets go. `port` 0: any. Returns the port bound.
Result<int> try_bind(int port) {
  const io::Fd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_fd.valid()) return errno_error(errno, "open a socket");
  // As a server of ours will: a port in TIME_WAIT is free.
  const int on = 1;
  setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(static_cast<uint16_t>(port));
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_fd.get(), generic, sizeof address) != 0) return errno_error(errno, "bind a port");
  socklen_t size = sizeof address;
  if (getsockname(socket_fd.get(), generic, &size) != 0) return errno_error(errno, "ask for the port");
  return ntohs(address.sin_port);
}

}  // namespace

Result<int> choose_host_port(int preferred, const std::set<int>& taken) {
  if (!taken.contains(preferred) && try_bind(preferred).has_value()) return preferred;
  for (int i = 0; i < kTries; ++i) {
    const int port = TRY(try_bind(0));
    if (!taken.contains(port)) return port;
  }
  return Error(ErrorCode::Exhausted, "no port of the host is free");
}

}  // namespace slipway::engine::local
