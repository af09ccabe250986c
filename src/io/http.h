// HTTP/1.1, server and client, over unix sockets and TCP. Boost.Beast is behind it and does not show.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "io/event_loop.h"
#include "io/file.h"

namespace slipway::io {

// Header names are lower case.
struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as on the wire
  std::map<std::string, std::string> headers;
  std::string body;

  std::string path() const;                          // decoded, without the query
  std::map<std::string, std::string> query() const;  // decoded; the last of a repeated key wins
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  // Shared, so that one large answer (the status of ten thousand instances) is serialised once for all
  // readers.
  std::shared_ptr<const std::string> body;

  static HttpResponse text(int status, std::string body, std::string content_type = "application/json");
};

// The raw connection, after the head of a response was written: for streams and upgrades. One thread writes
// while another reads. Blocking; every wait is bounded.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Writes all of it; Unavailable when the peer has gone.
  virtual Status write(std::string_view bytes) = 0;
  // What has come, at most 64 KiB; empty: nothing within `wait`. Unavailable at the end of the stream.
  virtual Result<std::string> read(Duration wait) = 0;
  // The peer has closed its side or is gone; does not block.
  virtual bool peer_closed() = 0;
};

// An answer that is written bit by bit. The server writes status line and headers (with `Connection: close`
// and no length; status 101 for upgrades), then calls `body` on a thread of its own; the connection ends when
// it returns.
struct HttpStreamed {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::function<void(HttpStream&)> body;
};

using HttpAnswer = std::variant<HttpResponse, HttpStreamed>;
// Called once with the answer, from any thread. Dropped without a call, it answers 503.
using HttpRespond = std::function<void(HttpAnswer)>;
// Called on the loop's thread; must not block; answers now or later.
using HttpHandler = std::function<void(HttpRequest, HttpRespond)>;

// Where a server listens or a client connects: "unix:/path/to/socket" or "host:port".
using Endpoint = std::string;

struct HttpServerLimits {
  size_t connections = 1024;
  size_t streams = 128;           // connections handed to HttpStreamed at once; more get 503
  size_t body_bytes = 8 << 20;    // a larger request gets 413
  Duration header_timeout = 10s;  // to send a whole request
  Duration idle_timeout = 60s;    // between requests of one connection
};

class HttpServer {
 public:
  // Loop's thread, or before the loop runs. The loop must outlive the server and every answer that is still
  // owed. Listens at once; a stale unix socket (nobody listens) is replaced, a live one is Conflict. `mode`:
  // of the socket.
  static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, const Endpoint& endpoint,
                                                    HttpHandler handler, HttpServerLimits limits = {},
                                                    int socket_mode = 0600);
  virtual ~HttpServer() = default;
  // The port it got, for "host:0".
  virtual int port() const = 0;
  // Stops accepting, drops the connections, ends the streams (their next read or write is Unavailable) and
  // waits for their functions to return. Loop's thread, or while the loop does not run; destruction does the
  // same.
  virtual void close() = 0;
};

// One request on a fresh connection. Timeout by the deadline; Unavailable when nobody listens, with the
// endpoint.
Result<HttpResponse> http_request(const Endpoint& endpoint, const HttpRequest& request, const Clock& clock,
                                  Deadline deadline);

// A request whose answer is a stream: the head is returned, the body is read from `stream`.
struct HttpOpened {
  HttpResponse head;  // body set when the status is an error (not 2xx or 101)
  std::unique_ptr<HttpStream> stream;
};
Result<HttpOpened> http_open(const Endpoint& endpoint, const HttpRequest& request, const Clock& clock,
                             Deadline deadline);

std::string url_encode(std::string_view text);
std::string url_decode(std::string_view text);

}  // namespace slipway::io
