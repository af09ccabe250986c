#include <atomic>
#include <list>
#include <thread>
#include <unordered_set>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/log.h"
#include "io/http.h"
#include "io/socket.h"
#include "io/socket_stream.h"

namespace slipway::io {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using AsioError = boost::system::error_code;
using SocketProtocol = asio::generic::stream_protocol;
using TimedStream = beast::basic_stream<SocketProtocol, asio::io_context::executor_type>;

constexpr uint32_t kHeaderBytes = 64 << 10;

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  Json body;
  body["error"]["code"] = code;
  body["error"]["message"] = message;
  return HttpResponse::text(status, body.dump());
}

// Status line and headers of an answer that is written bit by bit.
std::string stream_head(const HttpStreamed& streamed) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\n", streamed.status,
      std::string_view(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(streamed.status)))));
  for (const auto& [name, value] : streamed.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!streamed.headers.contains("connection")) {
    head += streamed.status == 101 ? "connection: Upgrade\r\n" : "connection: close\r\n";
  }
  return head + "\r\n";
}

class Connection;

// What the server, its connections and its streams share. Loop's thread, but for `handler`'s answers.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(EventLoop& event_loop, ListenSocket listening, HttpHandler handle, const HttpServerLimits& with_limits)
      : loop(event_loop), limits(with_limits), handler(std::move(handle)), listener_(std::move(listening)) {}

  int port() const { return listener_.port(); }
  bool closed() const { return closed_; }
  asio::io_context& context() { return *static_cast<asio::io_context*>(loop.native()); }

  void accept_from_now();
  void drop(const std::shared_ptr<Connection>& connection);
  bool has_room_for_stream() const { return streams_.size() < limits.streams; }
  void start_stream(Fd socket, std::string received, HttpStreamed streamed);
  void close();

  EventLoop& loop;
  const HttpServerLimits limits;
  const HttpHandler handler;

 private:
  struct Stream {
    Stream(Fd socket, std::string received) : connection(std::move(socket), std::move(received)) {}
    SocketStream connection;
    std::thread thread;
    std::atomic<bool> done = false;
  };

  void accept_some();
  void pause_accepting();
  void accept_soon(const Error& why);
  void reap_streams();

  ListenSocket listener_;
  bool accepting_ = false;
  bool closed_ = false;
  EventLoop::TimerId retry_ = 0;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::list<Stream> streams_;
};

// One connection: reads a request, has it answered, writes the answer, again. Owned by the core's set and by
// the operation under way. Loop's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Core> core, Fd socket)
      : core_(std::move(core)), stream_(core_->context().get_executor()) {
    AsioError error;
    stream_.socket().assign(SocketProtocol(core_->port() == 0 ? AF_UNIX : AF_INET, 0), socket.get(), error);
    if (!error) socket.release();
  }

  void start() { wait_for_request(core_->limits.header_timeout); }
  void close() { stream_.close(); }
  void answer(HttpAnswer answer);

 private:
  void wait_for_request(Duration wait);
  void read_request();
  void on_request(const AsioError& error);
  void refuse(const AsioError& error);
  void hand_over(HttpStreamed streamed);
  void write(HttpResponse response);
  void on_written(const AsioError& error);
  void linger();
  void end();

  const std::shared_ptr<Core> core_;
  TimedStream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpResponse answered_;  // owns the bytes that `response_` points to
  std::optional<http::response<http::span_body<const char>>> response_;
  bool awaited_ = false;  // an answer is owed
  bool keep_alive_ = false;
  bool head_only_ = false;
};

// The promise of one answer. Holds the connection weakly, so that an answer which comes late, or never, keeps
// nothing alive.
class Owed {
 public:
  Owed(EventLoop& loop, std::weak_ptr<Connection> connection)
      : loop_(loop), connection_(std::move(connection)) {}
  Owed(const Owed&) = delete;
  ~Owed() { give(error_response(503, "unavailable", "the server dropped this request; try again")); }

  void give(HttpAnswer answer) {
    if (given_.exchange(true)) return;
    auto& context = *static_cast<asio::io_context*>(loop_.native());
    asio::dispatch(context, [connection = connection_, answer = std::move(answer)]() mutable {
      if (const auto alive = connection.lock()) alive->answer(std::move(answer));
    });
  }

 private:
  EventLoop& loop_;
  const std::weak_ptr<Connection> connection_;
  std::atomic<bool> given_ = false;
};

void Connection::wait_for_request(Duration wait) {
  if (buffer_.size() > 0) return read_request();
  stream_.expires_after(wait);
  stream_.async_read_some(buffer_.prepare(8 << 10),
                          [self = shared_from_this()](const AsioError& error, size_t count) {
                            if (error) return self->end();
                            self->buffer_.commit(count);
                            self->read_request();
                          });
}

void Connection::read_request() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytes);
  parser_->body_limit(core_->limits.body_bytes);
  stream_.expires_after(core_->limits.header_timeout);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](const AsioError& error, size_t) { self->on_request(error); });
}

void Connection::on_request(const AsioError& error) {
  if (core_->closed()) return;
  if (error) return refuse(error);
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  head_only_ = message.method() == http::verb::head;
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    request.headers[std::move(name)] = std::string(field.value());
  }
  request.body = std::move(message.body());
  awaited_ = true;
  stream_.expires_never();
  const auto owed = std::make_shared<Owed>(core_->loop, weak_from_this());
  core_->handler(std::move(request), [owed](HttpAnswer answer) { owed->give(std::move(answer)); });
}

void Connection::refuse(const AsioError& error) {
  keep_alive_ = false;
  if (error == http::error::body_limit) {
    return write(error_response(
        413, "invalid", fmt::format("the request's body is larger than {} bytes", core_->limits.body_bytes)));
  }
  if (error == http::error::header_limit) {
    return write(error_response(431, "invalid",
                                fmt::format("the request's head is larger than {} bytes", kHeaderBytes)));
  }
  static const AsioError any_http_error = http::error::bad_method;
  const bool silent = error == http::error::end_of_stream || error == http::error::partial_message;
  if (error.category() != any_http_error.category() || silent) return end();
  write(error_response(400, "invalid", "not an HTTP/1.1 request: " + error.message()));
}

void Connection::answer(HttpAnswer answer) {
  if (core_->closed() || !std::exchange(awaited_, false)) return;
  if (auto* response = std::get_if<HttpResponse>(&answer)) return write(std::move(*response));
  if (!core_->has_room_for_stream()) {
    return write(error_response(
        503, "unavailable",
        fmt::format("{} streams are open already, which is the limit", core_->limits.streams)));
  }
  hand_over(std::move(std::get<HttpStreamed>(answer)));
}

void Connection::hand_over(HttpStreamed streamed) {
  const std::string received = beast::buffers_to_string(buffer_.data());
  AsioError error;
  Fd socket(stream_.socket().release(error));
  core_->drop(shared_from_this());
  if (error) return log::warning("http", "hand a connection to its stream: {}", error.message());
  core_->start_stream(std::move(socket), received, std::move(streamed));
}

void Connection::write(HttpResponse response) {
  answered_ = std::move(response);
  response_.emplace();
  response_->version(11);
  response_->result(static_cast<unsigned>(answered_.status));
  for (const auto& [name, value] : answered_.headers) response_->set(name, value);
  response_->keep_alive(keep_alive_);
  const size_t size = answered_.body ? answered_.body->size() : 0;
  // 204 and 304 have no body by definition, and must not tell the length of one.
  if (answered_.status != 204 && answered_.status != 304) response_->content_length(size);
  if (size > 0 && !head_only_) response_->body() = beast::span<const char>(answered_.body->data(), size);
  stream_.expires_after(core_->limits.idle_timeout);
  http::async_write(stream_, *response_,
                    [self = shared_from_this()](const AsioError& error, size_t) { self->on_written(error); });
}

void Connection::on_written(const AsioError& error) {
  response_.reset();
  answered_ = HttpResponse();
  if (error || core_->closed()) return end();
  if (!keep_alive_) {
    stream_.expires_after(2s);
    AsioError ignored;
    stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    return linger();
  }
  wait_for_request(core_->limits.idle_timeout);
}

// Reads what the peer still sends and throws it away, until it closes or the stream's time is over: a close
// with unread input would make the kernel throw our answer away.
void Connection::linger() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(16 << 10),
                          [self = shared_from_this()](const AsioError& error, size_t) {
                            if (error) return self->end();
                            self->linger();
                          });
}

void Connection::end() {
  stream_.close();
  core_->drop(shared_from_this());
}

void Core::accept_from_now() {
  if (accepting_ || closed_) return;
  const Status watched = loop.on_readable(listener_.fd(), [this] { accept_some(); });
  accepting_ = watched.has_value();
  if (!watched) accept_soon(watched.error());
}

// Out of descriptors or memory. The listening socket stays readable, so that going on at once would spin.
void Core::accept_soon(const Error& why) {
  log::warning("http", "{}; accepting again soon", why.text());
  pause_accepting();
  loop.cancel(retry_);
  retry_ = loop.after(200ms, [this] { accept_from_now(); });
}

void Core::pause_accepting() {
  if (!std::exchange(accepting_, false)) return;
  loop.unwatch(listener_.fd());
}

void Core::accept_some() {
  // Beyond the limit clients wait in the kernel's backlog until a connection ends.
  while (connections_.size() < limits.connections) {
    Fd socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return accept_soon(errno_error(errno, "accept a connection"));
    }
    const int yes = 1;
    if (port() != 0)
      static_cast<void>(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
    const auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket));
    connections_.insert(connection);
    connection->start();
  }
  pause_accepting();
}

void Core::drop(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  accept_from_now();
}

void Core::start_stream(Fd socket, std::string received, HttpStreamed streamed) {
  Stream& stream = streams_.emplace_back(std::move(socket), std::move(received));
  auto work = [&stream, &event_loop = loop, weak = weak_from_this(), streamed = std::move(streamed)] {
    if (stream.connection.write(stream_head(streamed)).has_value()) {
      streamed.body(stream.connection);
      stream.connection.finish();
    }
    stream.done = true;
    event_loop.post([weak] {
      if (const auto core = weak.lock()) core->reap_streams();
    });
  };
  try {
    stream.thread = std::thread(std::move(work));
  } catch (const std::system_error& error) {
    log::error("http", "start a thread for a stream: {}", error.what());
    streams_.pop_back();
  }
}

void Core::reap_streams() {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (!it->done) {
      ++it;
      continue;
    }
    it->thread.join();
    it = streams_.erase(it);
  }
}

void Core::close() {
  if (std::exchange(closed_, true)) return;
  pause_accepting();
  loop.cancel(retry_);
  listener_.close();
  for (const auto& connection : connections_) connection->close();
  connections_.clear();
  for (Stream& stream : streams_) stream.connection.end();
  for (Stream& stream : streams_) stream.thread.join();
  streams_.clear();
}

class BeastServer final : public HttpServer {
 public:
  explicit BeastServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~BeastServer() override { core_->close(); }
  int port() const override { return core_->port(); }
  void close() override { core_->close(); }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, const Endpoint& endpoint,
                                                       HttpHandler handler, HttpServerLimits limits,
                                                       int socket_mode) {
  ListenSocket listener = TRY(ListenSocket::open(endpoint, socket_mode));
  const auto core = std::make_shared<Core>(loop, std::move(listener), std::move(handler), limits);
  core->accept_from_now();
  return std::unique_ptr<HttpServer>(std::make_unique<BeastServer>(core));
}

}  // namespace slipway::io
