#include "io/socket_stream.h"

#include <cerrno>
#include <poll.h>

#include <sys/socket.h>

#include "io/socket.h"

namespace slipway::io {

namespace {
Error gone() {
  return Error(ErrorCode::Unavailable, "the other side has closed the connection");
}
Error ended_here() {
  return Error(ErrorCode::Unavailable, "the server is closing");
}
}  // namespace

SocketStream::SocketStream(Fd socket, std::string received)
    : socket_(std::move(socket)), received_(std::move(received)) {}

Status SocketStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (ended_) return ended_here();
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) return ended_ ? ended_here() : gone();
    if (errno != EAGAIN) return errno_error(errno, "write to a connection");
    if (!TRY(poll_fd(socket_.get(), POLLOUT, kWriteStall))) {
      return Error(ErrorCode::Timeout, "the other side takes nothing more");
    }
  }
  return {};
}

Result<std::string> SocketStream::read(Duration wait) {
  if (!received_.empty()) return std::exchange(received_, {});
  if (ended_) return ended_here();
  if (!TRY(poll_fd(socket_.get(), POLLIN, wait))) return std::string();
  constexpr size_t kLimit = 64 << 10;
  std::string bytes(kLimit, '\0');
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return std::string();
  if (count < 0 && errno != ECONNRESET) return errno_error(errno, "read from a connection");
  if (count <= 0) return ended_ ? ended_here() : gone();
  bytes.resize(static_cast<size_t>(count));
  return bytes;
}

bool SocketStream::peer_closed() {
  pollfd polled{socket_.get(), POLLRDHUP, 0};
  return ended_ || (::poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void SocketStream::end() {
  ended_ = true;
  ::shutdown(socket_.get(), SHUT_RDWR);
}

void SocketStream::finish() {
  constexpr Duration kLinger = 1s;
  constexpr int kChunks = 64;  // 4 MiB: a peer that goes on sending is not waited for
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return;
  for (int i = 0; i < kChunks; ++i) {
    const auto rest = read(kLinger);
    if (!rest.has_value() || rest->empty()) return;
  }
}

}  // namespace slipway::io
