#include "io/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace slipway::io {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kBacklog = 512;

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error(
        ErrorCode::Invalid,
        fmt::format("the socket path '{}' has {} bytes; a unix socket takes 1 to {}: choose a shorter folder",
                    path, path.size(), sizeof address.sun_path - 1));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// "host:port" or "[v6]:port".
Result<AddressList> tcp_addresses(const Endpoint& endpoint, bool passive) {
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return Error(ErrorCode::Invalid,
                 fmt::format("'{}' is not an endpoint like unix:/path or host:port", endpoint));
  }
  std::string host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), endpoint.c_str() + colon + 1, &hints, &found);
  if (error == EAI_SERVICE || error == EAI_BADFLAGS) {
    return Error(ErrorCode::Invalid, fmt::format("'{}' has no port number", endpoint));
  }
  if (error != 0) {
    return Error(ErrorCode::Unavailable, fmt::format("look up '{}'", endpoint),
                 Error(ErrorCode::Unavailable, ::gai_strerror(error)));
  }
  return AddressList(found, &::freeaddrinfo);
}

Error connect_error(int number, const Endpoint& endpoint) {
  const std::string what = fmt::format("connect to {}", endpoint);
  // A path without a socket and a socket without a server are one thing to the caller: nobody listens there.
  if (number == ENOENT || number == ECONNREFUSED) {
    return Error(ErrorCode::Unavailable, what, Error(ErrorCode::Unavailable, "nobody listens there"));
  }
  if (number == EAGAIN || number == ETIMEDOUT) {
    return Error(ErrorCode::Timeout, what, Error(ErrorCode::Timeout, "no answer by the deadline"));
  }
  return errno_error(number, what);
}

timeval to_timeval(Duration wait) {
  // Zero would mean for ever.
  const auto micros = std::max<int64_t>(std::chrono::microseconds(wait).count(), 1000);
  return timeval{micros / 1'000'000, static_cast<suseconds_t>(micros % 1'000'000)};
}

Result<Fd> connect_unix(const Endpoint& endpoint, const Clock& clock, Deadline deadline) {
  const sockaddr_un address = TRY(unix_address(endpoint.substr(kUnixPrefix.size())));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, "create a socket");
  // A non-blocking connect would fail at once where the backlog is full, and poll() cannot wait for room.
  const timeval wait = to_timeval(deadline.left(clock.steady_now()));
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0) {
    return errno_error(errno, "limit the time of a connect");
  }
  if (::connect(fd.get(), generic(address), sizeof address) != 0) return connect_error(errno, endpoint);
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "prepare a socket");
  return fd;
}

Result<Fd> connect_address(const addrinfo& address, const Endpoint& endpoint, const Clock& clock,
                           Deadline deadline) {
  Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error(errno, "create a socket");
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return connect_error(errno, endpoint);
    if (!TRY(poll_fd(fd.get(), POLLOUT, deadline.left(clock.steady_now()))))
      return connect_error(ETIMEDOUT, endpoint);
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      return connect_error(errno, endpoint);
    if (error != 0) return connect_error(error, endpoint);
  }
  const int yes = 1;
  static_cast<void>(
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));  // a matter of speed alone
  return fd;
}

// Makes the path free: a socket that nobody listens on is what a killed process left.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : errno_error(errno, fmt::format("look at '{}'", path));
  }
  const std::string what = fmt::format("listen on unix:{}", path);
  if (!S_ISSOCK(info.st_mode)) {
    return Error(ErrorCode::Conflict, what,
                 Error(ErrorCode::Conflict, "there is a file that is not a socket"));
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return errno_error(errno, "create a socket");
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return Error(ErrorCode::Conflict, what, Error(ErrorCode::Conflict, "another process listens there"));
  }
  if (errno != ECONNREFUSED && errno != ENOENT) return errno_error(errno, what);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return errno_error(errno, fmt::format("remove '{}'", path));
  return {};
}

}  // namespace

Result<ListenSocket> ListenSocket::open_unix(const std::string& path, int socket_mode) {
  const sockaddr_un address = TRY(unix_address(path));
  TRY(remove_stale(path, address));
  const std::string what = fmt::format("listen on unix:{}", path);
  ListenSocket made;
  made.fd_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd_.valid()) return errno_error(errno, "create a socket");
  // Linux gives the path the mode of the unbound socket less the umask: so it is never wider than asked for,
  // not even for an instant, and the umask, which all threads share, stays as it is. The chmod after it can
  // only widen.
  const mode_t mode = static_cast<mode_t>(socket_mode);
  if (::fchmod(made.fd_.get(), mode) != 0) return errno_error(errno, what);
  if (::bind(made.fd_.get(), generic(address), sizeof address) != 0) return errno_error(errno, what);
  made.path_ = path;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno_error(errno, what);
  made.inode_ = info.st_ino;
  if (::chmod(path.c_str(), mode) != 0) return errno_error(errno, what);
  if (::listen(made.fd_.get(), kBacklog) != 0) return errno_error(errno, what);
  return made;
}

Result<ListenSocket> ListenSocket::open_tcp(const Endpoint& endpoint) {
  const AddressList addresses = TRY(tcp_addresses(endpoint, true));
  const std::string what = fmt::format("listen on {}", endpoint);
  ListenSocket made;
  made.fd_ = Fd(::socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd_.valid()) return errno_error(errno, "create a socket");
  const int yes = 1;
  // Without it a restart would wait for the connections of the last run to time out.
  if (::setsockopt(made.fd_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
    return errno_error(errno, what);
  if (::bind(made.fd_.get(), addresses->ai_addr, addresses->ai_addrlen) != 0) return errno_error(errno, what);
  if (::listen(made.fd_.get(), kBacklog) != 0) return errno_error(errno, what);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(made.fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return errno_error(errno, what);
  made.port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                 : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return made;
}

Result<ListenSocket> ListenSocket::open(const Endpoint& endpoint, int socket_mode) {
  if (endpoint.starts_with(kUnixPrefix)) return open_unix(endpoint.substr(kUnixPrefix.size()), socket_mode);
  return open_tcp(endpoint);
}

void ListenSocket::close() {
  if (!fd_.valid()) return;
  struct stat info {};
  if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) ::unlink(path_.c_str());
  fd_.reset();
}

Result<Fd> connect_socket(const Endpoint& endpoint, const Clock& clock, Deadline deadline) {
  if (endpoint.starts_with(kUnixPrefix)) return connect_unix(endpoint, clock, deadline);
  const AddressList addresses = TRY(tcp_addresses(endpoint, false));
  Result<Fd> connected = connect_error(ECONNREFUSED, endpoint);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    connected = connect_address(*address, endpoint, clock, deadline);
    if (connected.has_value()) return connected;
  }
  return connected;
}

Result<bool> poll_fd(int fd, short events, Duration wait) {
  pollfd polled{fd, events, 0};
  const int millis = static_cast<int>(std::clamp<Duration::rep>(wait.count(), 0, 1'000'000'000));
  int ready = 0;
  // A signal starts the wait again; signals are too rare for that to matter.
  do {
    ready = ::poll(&polled, 1, millis);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return errno_error(errno, "wait for a socket");
  return ready > 0;
}

}  // namespace slipway::io
