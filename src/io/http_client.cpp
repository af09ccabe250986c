// The client: a blocking socket by poll and deadline; Beast only parses.
#include <optional>
#include <poll.h>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "io/http.h"
#include "io/socket.h"
#include "io/socket_stream.h"

namespace slipway::io {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

using AsioError = boost::system::error_code;
using HeadParser = http::response_parser<http::buffer_body>;

constexpr uint32_t kHeaderBytes = 64 << 10;
constexpr uint64_t kBodyBytes = 256ULL << 20;
constexpr size_t kReadBytes = 64 << 10;

// The request as it goes over the wire.
std::string wire_text(const Endpoint& endpoint, const HttpRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  if (!request.headers.contains("host")) {
    text += fmt::format("host: {}\r\n", endpoint.starts_with("unix:") ? "localhost" : endpoint);
  }
  // One request a connection: an answer without a length then ends by itself.
  if (!request.headers.contains("connection")) text += "connection: close\r\n";
  for (const auto& [name, value] : request.headers) text += fmt::format("{}: {}\r\n", name, value);
  const bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (!request.body.empty() || may_have_body)
    text += fmt::format("content-length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

// A connection during one request. Every wait ends by the deadline.
class Exchange {
 public:
  Exchange(Fd socket, Endpoint endpoint, const Clock& clock, Deadline deadline)
      : socket_(std::move(socket)), endpoint_(std::move(endpoint)), clock_(clock), deadline_(deadline) {}

  // True: all of it was taken. False: the server closed before, perhaps after an answer such as 413.
  Result<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EPIPE || errno == ECONNRESET) {
        return false;
      } else if (errno == EAGAIN) {
        TRY(wait_for(POLLOUT, "send a request to"));
      } else if (errno != EINTR) {
        return errno_error(errno, fmt::format("send a request to {}", endpoint_));
      }
    }
    return true;
  }

  // Appends to `bytes`; false at the end of the stream.
  Result<bool> read(std::string& bytes) {
    char chunk[kReadBytes];
    while (true) {
      const ssize_t count = ::recv(socket_.get(), chunk, sizeof chunk, 0);
      if (count > 0) bytes.append(chunk, static_cast<size_t>(count));
      if (count >= 0) return count > 0;
      if (errno == EAGAIN) {
        TRY(wait_for(POLLIN, "wait for an answer of"));
      } else if (errno != EINTR) {
        return errno_error(errno, fmt::format("read an answer of {}", endpoint_));
      }
    }
  }

  Error broken(std::string_view why) const {
    return Error(ErrorCode::Unavailable, fmt::format("read an answer of {}", endpoint_),
                 Error(ErrorCode::Unavailable, std::string(why)));
  }
  Fd take_socket() { return std::move(socket_); }

 private:
  Status wait_for(short events, std::string_view what) {
    if (TRY(poll_fd(socket_.get(), events, deadline_.left(clock_.steady_now())))) return {};
    return Error(ErrorCode::Timeout, fmt::format("{} {}", what, endpoint_),
                 Error(ErrorCode::Timeout, "nothing by the deadline"));
  }

  Fd socket_;
  const Endpoint endpoint_;
  const Clock& clock_;
  const Deadline deadline_;
};

// Feeds `received` to a parser and takes off what it consumed.
template <class Parser>
AsioError feed(Parser& parser, std::string& received) {
  AsioError error;
  const size_t used = parser.put(asio::const_buffer(received.data(), received.size()), error);
  received.erase(0, used);
  return error == http::error::need_more ? AsioError() : error;
}

// Reads from the connection until the parser has what it was asked for (`done`).
template <class Parser, class Done>
Status read_until(Exchange& exchange, Parser& parser, std::string& received, Done done) {
  while (true) {
    if (!received.empty()) {
      const AsioError error = feed(parser, received);
      if (error) return exchange.broken(error.message());
    }
    if (done()) return {};
    if (!TRY(exchange.read(received))) {
      if (!parser.got_some()) return exchange.broken("the connection was closed without one");
      AsioError error;
      parser.put_eof(error);
      if (error || !done()) return exchange.broken("the connection was closed too early");
      return {};
    }
  }
}

template <class Message>
HttpResponse head_of(const Message& message) {
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    response.headers[std::move(name)] = std::string(field.value());
  }
  return response;
}

Result<Exchange> send_request(const Endpoint& endpoint, const HttpRequest& request, const Clock& clock,
                              Deadline deadline) {
  Exchange exchange(TRY(connect_socket(endpoint, clock, deadline)), endpoint, clock, deadline);
  // Where the server closed early its answer may still be there to read.
  TRY(exchange.write(wire_text(endpoint, request)));
  return exchange;
}

// A body that is read as it comes, chunked or up to the end of the connection.
class BodyStream final : public HttpStream {
 public:
  BodyStream(std::unique_ptr<SocketStream> connection, std::unique_ptr<HeadParser> parser,
             std::string received)
      : connection_(std::move(connection)), parser_(std::move(parser)), received_(std::move(received)) {}

  Status write(std::string_view bytes) override { return connection_->write(bytes); }
  bool peer_closed() override { return connection_->peer_closed(); }

  Result<std::string> read(Duration wait) override {
    std::string decoded = TRY(decode());
    if (!decoded.empty()) return decoded;
    if (parser_->is_done()) return Error(ErrorCode::Unavailable, "the answer is complete");
    auto bytes = connection_->read(wait);
    if (!bytes.has_value()) return bytes;
    received_ += *bytes;
    return decode();
  }

 private:
  // At most kReadBytes of what was received; empty when more must come first.
  Result<std::string> decode() {
    std::string out(kReadBytes, '\0');
    size_t filled = 0;
    while (!received_.empty() && !parser_->is_done() && filled < out.size()) {
      auto& body = parser_->get().body();
      body.data = out.data() + filled;
      body.size = out.size() - filled;
      const size_t before = received_.size();
      const AsioError error = feed(*parser_, received_);
      filled = out.size() - body.size;
      if (error && error != http::error::need_buffer)
        return Error(ErrorCode::Internal, "a broken answer: " + error.message());
      if (received_.size() == before) break;
    }
    out.resize(filled);
    return out;
  }

  const std::unique_ptr<SocketStream> connection_;
  const std::unique_ptr<HeadParser> parser_;
  std::string received_;
};

}  // namespace

Result<HttpResponse> http_request(const Endpoint& endpoint, const HttpRequest& request, const Clock& clock,
                                  Deadline deadline) {
  Exchange exchange = TRY(send_request(endpoint, request, clock, deadline));
  http::response_parser<http::string_body> parser;
  parser.header_limit(kHeaderBytes);
  parser.body_limit(kBodyBytes);
  parser.eager(true);
  parser.skip(request.method == "HEAD");
  std::string received;
  TRY(read_until(exchange, parser, received, [&] { return parser.is_done(); }));
  auto message = parser.release();
  HttpResponse response = head_of(message);
  response.body = std::make_shared<const std::string>(std::move(message.body()));
  return response;
}

Result<HttpOpened> http_open(const Endpoint& endpoint, const HttpRequest& request, const Clock& clock,
                             Deadline deadline) {
  Exchange exchange = TRY(send_request(endpoint, request, clock, deadline));
  auto parser = std::make_unique<HeadParser>();
  parser->header_limit(kHeaderBytes);
  parser->body_limit(boost::none);
  std::string received;
  TRY(read_until(exchange, *parser, received, [&] { return parser->is_header_done(); }));
  HttpOpened opened;
  opened.head = head_of(parser->get());
  if (opened.head.status / 100 != 2 && opened.head.status != 101) {
    http::response_parser<http::string_body> whole(std::move(*parser));
    whole.body_limit(kBodyBytes);
    whole.eager(true);
    TRY(read_until(exchange, whole, received, [&] { return whole.is_done(); }));
    opened.head.body = std::make_shared<const std::string>(std::move(whole.get().body()));
    return opened;
  }
  if (opened.head.status == 101) {
    opened.stream = std::make_unique<SocketStream>(exchange.take_socket(), std::move(received));
    return opened;
  }
  parser->eager(true);
  opened.stream =
      std::make_unique<BodyStream>(std::make_unique<SocketStream>(exchange.take_socket(), std::string()),
                                   std::move(parser), std::move(received));
  return opened;
}

}  // namespace slipway::io
