// One attempt at one http, https or tcp check, without ever blocking: a small state machine over a socket
// that its owner drives from an epoll loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "io/file.h"
#include "model/observed.h"
#include "model/spec.h"

namespace slipway::engine::local {

struct Verdict {
  bool passed = false;
  std::string why;  // of a failure: "tcp 10.1.2.3:80: connection refused"
};

// What a probe is called in reasons: "http GET http://10.1.2.3:8080/status", "tcp 10.1.2.3:80", "command
// 'test -e /ok'".
std::string probe_name(const model::HealthCheck& check, const std::optional<model::Address>& address);

// A pass is: tcp, the connection is made; http, the status is 200 to 399; https, the same over TLS whose
// certificate is not verified (it is the task's own, for a name that nobody asked for here).
class SocketProbe {
 public:
  // Begins to connect. `check.mode` is Http, Https or Tcp.
  static Result<std::unique_ptr<SocketProbe>> start(const model::HealthCheck& check,
                                                    const model::Address& address);
  ~SocketProbe();
  SocketProbe(const SocketProbe&) = delete;
  SocketProbe& operator=(const SocketProbe&) = delete;

  int fd() const { return fd_.get(); }
  // What to wait for before the next step(): EPOLLIN or EPOLLOUT.
  uint32_t events() const { return events_; }
  // Goes as far as it can. nullopt: wait for events(). The calling thread must have SIGPIPE blocked or
  // ignored.
  std::optional<Verdict> step();
  // The verdict when time is up: tells how far it came.
  Verdict timed_out(Duration timeout) const;

 private:
  struct Tls;
  enum class Stage { Connecting, Handshake, Sending, Receiving };
  // What became of one read or write.
  enum class Transfer { Done, Again, Closed };

  SocketProbe(model::HealthMode mode, std::string name, std::string request, io::Fd fd);
  std::optional<Verdict> connected();
  std::optional<Verdict> handshake();
  std::optional<Verdict> send();
  std::optional<Verdict> receive();
  std::optional<Verdict> judge_answer() const;
  Transfer transfer_out(size_t& count);
  Transfer transfer_in(char* buffer, size_t size, size_t& count);
  Transfer tls_outcome(int result);
  Verdict failed(const std::string& why) const { return Verdict{false, name_ + ": " + why}; }

  model::HealthMode mode_;
  std::string name_;
  std::string request_;  // what is still to send
  std::string answer_;   // what has come
  io::Fd fd_;
  std::unique_ptr<Tls> tls_;
  Stage stage_ = Stage::Connecting;
  uint32_t events_;
};

}  // namespace slipway::engine::local
