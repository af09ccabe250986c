#include "engine/local/health_probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/text.h"

namespace slipway::engine::local {

namespace {

// The status line must be within this many bytes; what follows it is nobody's business here.
constexpr size_t kStatusLineLimit = 4096;

// "Connection refused" reads better in the middle of a sentence with a small letter.
std::string errno_words(int number) {
  std::string text = std::strerror(number);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string http_request_text(const model::HealthCheck& check, const model::Address& address) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: slipway-health\r\nAccept: */*\r\nConnection: close\r\n\r\n",
      check.uri, address.text());
}

SSL_CTX* tls_context() {
  // One for the process; OpenSSL's contexts are thread-safe once made.
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    CHECK(made != nullptr);
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context;
}

}  // namespace

struct SocketProbe::Tls {
  explicit Tls(int fd) : ssl(SSL_new(tls_context())) {
    CHECK(ssl != nullptr && SSL_set_fd(ssl, fd) == 1);
    SSL_set_connect_state(ssl);
  }
  ~Tls() { SSL_free(ssl); }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  SSL* ssl;
};

std::string probe_name(const model::HealthCheck& check, const std::optional<model::Address>& address) {
  const std::string where = address ? address->text() : "(no address)";
  switch (check.mode) {
    case model::HealthMode::None:
      return "no check";
    case model::HealthMode::Http:
      return fmt::format("http GET http://{}{}", where, check.uri);
    case model::HealthMode::Https:
      return fmt::format("http GET https://{}{}", where, check.uri);
    case model::HealthMode::Tcp:
      return fmt::format("tcp {}", where);
    case model::HealthMode::Cmd:
      return fmt::format("command '{}'", join(check.cmd, " "));
  }
  UNREACHABLE();
}

Result<std::unique_ptr<SocketProbe>> SocketProbe::start(const model::HealthCheck& check,
                                                        const model::Address& address) {
  const std::string name = probe_name(check, address);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(address.port));
  if (::inet_pton(AF_INET, address.ip.c_str(), &peer.sin_addr) != 1) {
    return Error(ErrorCode::Invalid, fmt::format("{}: '{}' is no IPv4 address", name, address.ip));
  }
  io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, name + ": open a socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 &&
      errno != EINPROGRESS) {
    return errno_error(errno, name);
  }
  std::string request = check.mode == model::HealthMode::Tcp ? "" : http_request_text(check, address);
  return std::unique_ptr<SocketProbe>(new SocketProbe(check.mode, name, std::move(request), std::move(fd)));
}

SocketProbe::SocketProbe(model::HealthMode mode, std::string name, std::string request, io::Fd fd)
    : mode_(mode),
      name_(std::move(name)),
      request_(std::move(request)),
      fd_(std::move(fd)),
      events_(EPOLLOUT) {}

SocketProbe::~SocketProbe() = default;

std::optional<Verdict> SocketProbe::step() {
  while (true) {
    const Stage before = stage_;
    std::optional<Verdict> verdict;
    switch (stage_) {
      case Stage::Connecting:
        verdict = connected();
        break;
      case Stage::Handshake:
        verdict = handshake();
        break;
      case Stage::Sending:
        verdict = send();
        break;
      case Stage::Receiving:
        verdict = receive();
        break;
    }
    if (verdict || stage_ == before) return verdict;
  }
}

Verdict SocketProbe::timed_out(Duration timeout) const {
  const std::string_view what = stage_ == Stage::Connecting ? "no connection" : "no answer";
  return failed(fmt::format("{} within {}", what, to_text(timeout)));
}

std::optional<Verdict> SocketProbe::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return failed(errno_words(error));
  sockaddr_in peer{};
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return std::nullopt;
  if (mode_ == model::HealthMode::Tcp) return Verdict{true, ""};
  if (mode_ == model::HealthMode::Https) tls_ = std::make_unique<Tls>(fd_.get());
  stage_ = tls_ ? Stage::Handshake : Stage::Sending;
  return std::nullopt;
}

std::optional<Verdict> SocketProbe::handshake() {
  const int result = SSL_do_handshake(tls_->ssl);
  if (result == 1) {
    stage_ = Stage::Sending;
    return std::nullopt;
  }
  if (tls_outcome(result) == Transfer::Again) return std::nullopt;
  return failed("TLS handshake failed");
}

std::optional<Verdict> SocketProbe::send() {
  while (!request_.empty()) {
    size_t count = 0;
    switch (transfer_out(count)) {
      case Transfer::Again:
        return std::nullopt;
      case Transfer::Closed:
        return failed("connection closed before the request was sent");
      case Transfer::Done:
        request_.erase(0, count);
        break;
    }
  }
  stage_ = Stage::Receiving;
  events_ = EPOLLIN;
  return std::nullopt;
}

std::optional<Verdict> SocketProbe::receive() {
  std::array<char, 1024> buffer;
  while (answer_.size() < kStatusLineLimit) {
    size_t count = 0;
    switch (transfer_in(buffer.data(), buffer.size(), count)) {
      case Transfer::Again:
        return std::nullopt;
      case Transfer::Closed:
        return failed("connection closed before an answer came");
      case Transfer::Done:
        break;
    }
    answer_.append(buffer.data(), count);
    if (auto verdict = judge_answer()) return verdict;
  }
  return failed("the answer is not HTTP");
}

std::optional<Verdict> SocketProbe::judge_answer() const {
  const size_t end = answer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  const std::string_view line = trim(std::string_view(answer_).substr(0, end));
  const size_t space = line.find(' ');
  int status = 0;
  if (!line.starts_with("HTTP/1.") || space == std::string_view::npos)
    return failed("the answer is not HTTP");
  const auto [rest, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  if (error != std::errc()) return failed("the answer is not HTTP");
  if (status >= 200 && status <= 399) return Verdict{true, ""};
  return failed(fmt::format("status {}", status));
}

SocketProbe::Transfer SocketProbe::transfer_out(size_t& count) {
  if (tls_) {
    const int result = SSL_write_ex(tls_->ssl, request_.data(), request_.size(), &count);
    return result == 1 ? Transfer::Done : tls_outcome(result);
  }
  const ssize_t sent = ::send(fd_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? Transfer::Again : Transfer::Closed;
  count = static_cast<size_t>(sent);
  return Transfer::Done;
}

SocketProbe::Transfer SocketProbe::transfer_in(char* buffer, size_t size, size_t& count) {
  if (tls_) {
    const int result = SSL_read_ex(tls_->ssl, buffer, size, &count);
    return result == 1 ? Transfer::Done : tls_outcome(result);
  }
  const ssize_t got = ::recv(fd_.get(), buffer, size, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Transfer::Again : Transfer::Closed;
  if (got == 0) return Transfer::Closed;
  count = static_cast<size_t>(got);
  return Transfer::Done;
}

SocketProbe::Transfer SocketProbe::tls_outcome(int result) {
  // TLS may have to read in order to write and the other way round.
  switch (SSL_get_error(tls_->ssl, result)) {
    case SSL_ERROR_WANT_READ:
      events_ = EPOLLIN;
      return Transfer::Again;
    case SSL_ERROR_WANT_WRITE:
      events_ = EPOLLOUT;
      return Transfer::Again;
    default:
      return Transfer::Closed;
  }
}

}  // namespace slipway::engine::local
