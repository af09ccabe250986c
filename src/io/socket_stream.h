// The raw connection behind an HttpStream, on both sides.
#pragma once

#include <atomic>
#include <string>

#include "io/http.h"

namespace slipway::io {

// Owns the socket. write() and read() may run on a thread each; end() on any.
class SocketStream final : public HttpStream {
 public:
  // A peer that takes nothing for this long is given up, because a stream holds a thread. Long, because the
  // peer may be a person who reads a paused terminal.
  static constexpr Duration kWriteStall = 10min;

  // `received`: bytes that came with the head and are read first.
  SocketStream(Fd socket, std::string received);

  Status write(std::string_view bytes) override;
  Result<std::string> read(Duration wait) override;
  bool peer_closed() override;

  // Ends the stream from another thread: what waits in read() or write() returns Unavailable. The socket
  // itself stays open until destruction, so that its number is not given to another connection while somebody
  // uses it.
  void end();
  // Says that nothing more comes and waits a little for the peer to take what was written. Closing at once
  // with unread input would make the kernel throw away our last bytes.
  void finish();

 private:
  Fd socket_;
  std::string received_;
  std::atomic<bool> ended_ = false;
};

}  // namespace slipway::io
