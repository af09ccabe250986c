// Sockets by endpoint, for the HTTP server and client of this folder.
#pragma once

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "io/file.h"
#include "io/http.h"

namespace slipway::io {

// A listening socket, non-blocking. A unix socket's path is removed with it, if it is still ours by then.
class ListenSocket {
 public:
  // See HttpServer::listen.
  static Result<ListenSocket> open(const Endpoint& endpoint, int socket_mode);
  ListenSocket() = default;
  ListenSocket(ListenSocket&& other) noexcept = default;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket() { close(); }

  int fd() const { return fd_.get(); }
  int port() const { return port_; }  // 0 of a unix socket
  void close();

 private:
  static Result<ListenSocket> open_unix(const std::string& path, int socket_mode);
  static Result<ListenSocket> open_tcp(const Endpoint& endpoint);

  Fd fd_;
  int port_ = 0;
  std::string path_;  // of a unix socket
  ino_t inode_ = 0;   // of the path, to tell ours from a successor's
};

// A connected, non-blocking socket. Unavailable when nobody listens, Timeout by the deadline. The name of a
// TCP host is looked up by the system resolver, whose time is its own: give addresses where the deadline
// matters.
Result<Fd> connect_socket(const Endpoint& endpoint, const Clock& clock, Deadline deadline);

// Waits until `events` (of poll) or an error stand on the descriptor; false: not within `wait`.
Result<bool> poll_fd(int fd, short events, Duration wait);

}  // namespace slipway::io
