#include "io/http.h"

#include <atomic>
#include <future>
#include <optional>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "io/socket.h"

namespace slipway::io {
namespace {

const SystemClock kClock;

Deadline soon() {
  return kClock.deadline_in(60s);
}

// A server on a loop of its own; `handler` runs on that loop's thread.
class RunningServer {
 public:
  RunningServer(const Endpoint& endpoint, HttpHandler handler, HttpServerLimits limits = {}) {
    auto listening = HttpServer::listen(loop_, endpoint, std::move(handler), limits);
    if (!listening.has_value()) {
      ADD_FAILURE() << listening.error().text();
      return;
    }
    server_ = std::move(*listening);
    endpoint_ = server_->port() == 0 ? endpoint : "127.0.0.1:" + std::to_string(server_->port());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~RunningServer() { stop(); }

  const Endpoint& endpoint() const { return endpoint_; }
  void close() {
    std::promise<void> closed;
    loop_.post([&] {
      server_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    server_.reset();
  }

 private:
  EventLoop loop_;
  std::unique_ptr<HttpServer> server_;
  Endpoint endpoint_;
  std::thread thread_;
};

HttpRequest get(const std::string& target) {
  HttpRequest request;
  request.target = target;
  return request;
}

void echo(HttpRequest request, HttpRespond respond) {
  HttpResponse response =
      HttpResponse::text(200, request.method + " " + request.path() + " " + request.body, "text/plain");
  response.headers["x-seen"] = request.headers.contains("x-mark") ? request.headers.at("x-mark") : "none";
  respond(std::move(response));
}

// A plain socket, for what no proper client would send.
class RawClient {
 public:
  explicit RawClient(const Endpoint& endpoint) : fd_(connect_socket(endpoint, kClock, soon()).value()) {}
  void send(const std::string& text) {
    ASSERT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Everything up to the end of the stream.
  std::string rest() {
    std::string text;
    char buffer[4096];
    while (poll_fd(fd_.get(), POLLIN, 60s).value()) {
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  void close() { fd_.reset(); }

 private:
  Fd fd_;
};

// Both transports.
class Http : public ::testing::TestWithParam<const char*> {
 protected:
  Endpoint endpoint() const {
    return GetParam() == std::string("unix") ? "unix:" + (folder_.path() / "socket").string() : "127.0.0.1:0";
  }
  TemporaryDirectory folder_ = TemporaryDirectory::create().value();
};
INSTANTIATE_TEST_SUITE_P(Transports, Http, ::testing::Values("unix", "tcp"),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(Http, AnswersARequest) {
  RunningServer server(endpoint(), echo);
  HttpRequest request;
  request.method = "POST";
  request.target = "/a%20b?x=1";
  request.headers["x-mark"] = "here";
  request.body = "body";
  const HttpResponse response = http_request(server.endpoint(), request, kClock, soon()).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body, "POST /a b body");
  EXPECT_EQ(response.headers.at("x-seen"), "here");
  EXPECT_EQ(response.headers.at("content-type"), "text/plain");
}

TEST_P(Http, CarriesLargeBodiesBothWays) {
  RunningServer server(endpoint(), [](HttpRequest request, HttpRespond respond) {
    respond(HttpResponse::text(200, request.body + request.body));
  });
  HttpRequest request;
  request.method = "PUT";
  request.body = std::string(7 << 20, 'x') + "end";
  const HttpResponse response = http_request(server.endpoint(), request, kClock, soon()).value();
  EXPECT_EQ(response.body->size(), 2 * request.body.size());
  EXPECT_TRUE(response.body->ends_with("xend"));
}

TEST_P(Http, RefusesABodyAboveTheLimit) {
  HttpServerLimits limits;
  limits.body_bytes = 1000;
  RunningServer server(endpoint(), echo, limits);
  HttpRequest request;
  request.method = "PUT";
  request.body = std::string(1 << 20, 'x');
  EXPECT_EQ(http_request(server.endpoint(), request, kClock, soon()).value().status, 413);
  request.body.resize(1000);
  EXPECT_EQ(http_request(server.endpoint(), request, kClock, soon()).value().status, 200);
}

TEST_P(Http, KeepsTheConnectionForFurtherRequests) {
  RunningServer server(endpoint(), echo);
  RawClient client(server.endpoint());
  // Both at once: the second waits in the server's buffer while the first is answered.
  client.send(
      "GET /one HTTP/1.1\r\nhost: x\r\n\r\nGET /two HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const std::string text = client.rest();
  const size_t one = text.find("GET /one"), two = text.find("GET /two");
  ASSERT_NE(one, std::string::npos) << text;
  ASSERT_NE(two, std::string::npos) << text;
  EXPECT_LT(one, two);
}

TEST_P(Http, AnswersFromAnotherThreadLater) {
  std::vector<std::thread> threads;
  {
    RunningServer server(endpoint(), [&](HttpRequest, HttpRespond respond) {
      threads.emplace_back([respond = std::move(respond)] { respond(HttpResponse::text(202, "later")); });
    });
    EXPECT_EQ(http_request(server.endpoint(), get("/"), kClock, soon()).value().status, 202);
    server.stop();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_P(Http, AHandlerThatForgetsToAnswerIsServed503) {
  RunningServer server(endpoint(), [](HttpRequest, HttpRespond) {});
  EXPECT_EQ(http_request(server.endpoint(), get("/"), kClock, soon()).value().status, 503);
}

TEST_P(Http, AnswersHeadWithoutABody) {
  RunningServer server(endpoint(), echo);
  HttpRequest request = get("/x");
  request.method = "HEAD";
  const HttpResponse response = http_request(server.endpoint(), request, kClock, soon()).value();
  EXPECT_EQ(response.headers.at("content-length"), std::to_string(std::string("HEAD /x ").size()));
  EXPECT_TRUE(response.body->empty());
}

TEST_P(Http, RefusesWhatIsNotHttp) {
  RunningServer server(endpoint(), echo);
  RawClient client(server.endpoint());
  client.send("what is this\r\n\r\n");
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 400"));
  RawClient long_head(server.endpoint());
  long_head.send("GET / HTTP/1.1\r\nx: " + std::string(100 << 10, 'x') + "\r\n\r\n");
  EXPECT_TRUE(long_head.rest().starts_with("HTTP/1.1 431"));
}

TEST_P(Http, DropsAClientThatDoesNotFinishItsRequest) {
  HttpServerLimits limits;
  limits.header_timeout = 50ms;
  RunningServer server(endpoint(), echo, limits);
  RawClient client(server.endpoint());
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(client.rest(), "");
}

TEST_P(Http, DropsAnIdleConnection) {
  HttpServerLimits limits;
  limits.idle_timeout = 50ms;
  RunningServer server(endpoint(), echo, limits);
  RawClient client(server.endpoint());
  client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 200"));
}

TEST_P(Http, ServesMoreClientsThanConnectionsOneAfterAnother) {
  HttpServerLimits limits;
  limits.connections = 2;
  RunningServer server(endpoint(), echo, limits);
  std::vector<std::thread> clients;
  std::atomic<int> served = 0;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&] {
      const auto response = http_request(server.endpoint(), get("/"), kClock, soon());
      if (response.has_value() && response->status == 200) ++served;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(served, 16);
}

TEST_P(Http, StreamsAnAnswerBitByBit) {
  std::promise<void> first_was_read;
  auto gate = first_was_read.get_future().share();
  RunningServer server(endpoint(), [gate](HttpRequest, HttpRespond respond) {
    HttpStreamed streamed;
    streamed.headers["content-type"] = "application/x-ndjson";
    streamed.body = [gate](HttpStream& stream) {
      ASSERT_TRUE(stream.write("first\n"));
      gate.wait();
      ASSERT_TRUE(stream.write(std::string(1 << 20, 'x')));
    };
    respond(std::move(streamed));
  });
  HttpOpened opened = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  EXPECT_EQ(opened.head.status, 200);
  EXPECT_EQ(opened.head.headers.at("content-type"), "application/x-ndjson");
  std::string text;
  while (text.size() < 6) text += opened.stream->read(60s).value();
  EXPECT_EQ(text, "first\n");
  first_was_read.set_value();
  for (Result<std::string> bytes = std::string(); bytes.has_value(); bytes = opened.stream->read(60s))
    text += *bytes;
  EXPECT_EQ(text.size(), 6u + (1 << 20));
}

TEST_P(Http, UpgradesToFramesBothWays) {
  RunningServer server(endpoint(), [](HttpRequest request, HttpRespond respond) {
    HttpStreamed streamed;
    streamed.status = 101;
    streamed.headers["upgrade"] = request.headers.at("upgrade");
    streamed.body = [](HttpStream& stream) {
      std::string heard;
      while (!heard.ends_with("bye")) {
        const auto bytes = stream.read(60s);
        if (!bytes.has_value()) return;
        heard += *bytes;
        static_cast<void>(stream.write("<" + *bytes + ">"));
      }
    };
    respond(std::move(streamed));
  });
  HttpRequest request = get("/");
  request.method = "POST";
  request.headers["connection"] = "Upgrade";
  request.headers["upgrade"] = "slipway-test";
  HttpOpened opened = http_open(server.endpoint(), request, kClock, soon()).value();
  EXPECT_EQ(opened.head.status, 101);
  EXPECT_EQ(opened.head.headers.at("upgrade"), "slipway-test");
  EXPECT_FALSE(opened.stream->peer_closed());
  ASSERT_TRUE(opened.stream->write("hello"));
  EXPECT_EQ(opened.stream->read(60s).value(), "<hello>");
  ASSERT_TRUE(opened.stream->write("bye"));
  EXPECT_EQ(opened.stream->read(60s).value(), "<bye>");
  EXPECT_EQ(opened.stream->read(60s).error().code(), ErrorCode::Unavailable);
  EXPECT_TRUE(opened.stream->peer_closed());
}

TEST_P(Http, AStreamSeesThatItsClientHasGone) {
  std::promise<ErrorCode> seen;
  RunningServer server(endpoint(), [&](HttpRequest, HttpRespond respond) {
    HttpStreamed streamed;
    streamed.body = [&](HttpStream& stream) {
      Result<std::string> end = std::string();
      while (end.has_value()) end = stream.read(60s);
      EXPECT_TRUE(stream.peer_closed());
      seen.set_value(end.error().code());
    };
    respond(std::move(streamed));
  });
  HttpOpened opened = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  opened.stream.reset();
  EXPECT_EQ(seen.get_future().get(), ErrorCode::Unavailable);
}

TEST_P(Http, ClosingTheServerEndsItsStreams) {
  std::promise<void> started;
  std::promise<ErrorCode> ended;
  RunningServer server(endpoint(), [&](HttpRequest, HttpRespond respond) {
    HttpStreamed streamed;
    streamed.body = [&](HttpStream& stream) {
      started.set_value();
      Result<std::string> end = std::string();
      while (end.has_value()) end = stream.read(60s);
      EXPECT_FALSE(stream.write("x").has_value());
      ended.set_value(end.error().code());
    };
    respond(std::move(streamed));
  });
  const HttpOpened opened = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  started.get_future().wait();
  server.close();
  EXPECT_EQ(ended.get_future().get(), ErrorCode::Unavailable);
  EXPECT_EQ(http_request(server.endpoint(), get("/"), kClock, soon()).error().code(), ErrorCode::Unavailable);
}

TEST_P(Http, RefusesMoreStreamsThanItMayHold) {
  HttpServerLimits limits;
  limits.streams = 1;
  RunningServer server(
      endpoint(),
      [](HttpRequest, HttpRespond respond) {
        HttpStreamed streamed;
        streamed.body = [](HttpStream& stream) {
          static_cast<void>(stream.write("x"));
          while (stream.read(60s).has_value()) {
          }
        };
        respond(std::move(streamed));
      },
      limits);
  HttpOpened first = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  const HttpOpened second = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  EXPECT_EQ(second.head.status, 503);
  EXPECT_EQ(second.stream, nullptr);
  EXPECT_NE(second.head.body->find("unavailable"), std::string::npos);
}

TEST_P(Http, GivesUpAtTheDeadline) {
  std::vector<HttpRespond> kept;
  RunningServer server(endpoint(),
                       [&](HttpRequest, HttpRespond respond) { kept.push_back(std::move(respond)); });
  const auto late = http_request(server.endpoint(), get("/"), kClock, kClock.deadline_in(50ms));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::Timeout);
  server.stop();
  kept.clear();
}

// A server that sends exactly this, whatever it is asked.
class CannedServer {
 public:
  explicit CannedServer(std::string answer) : listener_(ListenSocket::open("127.0.0.1:0", 0600).value()) {
    thread_ = std::thread([this, answer = std::move(answer)] {
      if (!poll_fd(listener_.fd(), POLLIN, 60s).value()) return;
      const Fd socket(accept(listener_.fd(), nullptr, nullptr));
      char buffer[4096];
      EXPECT_GT(recv(socket.get(), buffer, sizeof buffer, 0), 0);
      for (const char c : answer) send(socket.get(), &c, 1, MSG_NOSIGNAL);  // in the smallest pieces
    });
  }
  ~CannedServer() { thread_.join(); }
  Endpoint endpoint() const { return "127.0.0.1:" + std::to_string(listener_.port()); }

 private:
  ListenSocket listener_;
  std::thread thread_;
};

constexpr const char* kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n";

TEST(HttpClient, DecodesChunks) {
  const CannedServer server(kChunked);
  EXPECT_EQ(*http_request(server.endpoint(), get("/"), kClock, soon())->body, "hello, world");
}

TEST(HttpClient, DecodesChunksOfAStream) {
  const CannedServer server(kChunked);
  HttpOpened opened = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  std::string text;
  for (Result<std::string> bytes = std::string(); bytes.has_value(); bytes = opened.stream->read(60s))
    text += *bytes;
  EXPECT_EQ(text, "hello, world");
}

TEST(HttpClient, ReadsABodyWithoutALengthToTheEnd) {
  const CannedServer server("HTTP/1.1 200 OK\r\n\r\nto the end");
  EXPECT_EQ(*http_request(server.endpoint(), get("/"), kClock, soon())->body, "to the end");
}

TEST(HttpClient, ATruncatedAnswerIsAnError) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200", "", "garbage\r\n\r\n"}) {
    const CannedServer server(answer);
    const auto response = http_request(server.endpoint(), get("/"), kClock, soon());
    ASSERT_FALSE(response.has_value()) << answer;
    EXPECT_EQ(response.error().code(), ErrorCode::Unavailable);
    EXPECT_NE(response.error().text().find(server.endpoint()), std::string::npos);
  }
}

TEST(HttpClient, TheErrorOfAnOpenHasItsBody) {
  const CannedServer server("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnowhere");
  const HttpOpened opened = http_open(server.endpoint(), get("/"), kClock, soon()).value();
  EXPECT_EQ(opened.head.status, 404);
  EXPECT_EQ(*opened.head.body, "nowhere");
}

TEST(HttpClient, NamesAnEndpointWhereNobodyListens) {
  const TemporaryDirectory folder = TemporaryDirectory::create().value();
  const Endpoint endpoint = "unix:" + (folder.path() / "socket").string();
  const auto refused = http_request(endpoint, get("/"), kClock, soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(refused.error().text().find(endpoint), std::string::npos);
  EXPECT_EQ(http_request("no-colon", get("/"), kClock, soon()).error().code(), ErrorCode::Invalid);
}

TEST(UnixSocket, ReplacesAStaleOneAndKeepsOffALiveOne) {
  const TemporaryDirectory folder = TemporaryDirectory::create().value();
  const std::string path = (folder.path() / "socket").string();
  {
    // What a killed process leaves: a path that is bound, and nobody who listens.
    const Fd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  RunningServer server("unix:" + path, echo);
  EXPECT_EQ(http_request(server.endpoint(), get("/"), kClock, soon())->status, 200);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);

  const auto second = ListenSocket::open("unix:" + path, 0600);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(http_request(server.endpoint(), get("/"), kClock, soon())->status, 200) << "the live one goes on";
  server.close();
  EXPECT_FALSE(io::exists(path));
}

TEST(UnixSocket, LeavesAFileThatIsNoSocketAlone) {
  const TemporaryDirectory folder = TemporaryDirectory::create().value();
  const auto path = folder.path() / "precious";
  ASSERT_TRUE(write_file(path, "content"));
  EXPECT_EQ(ListenSocket::open("unix:" + path.string(), 0600).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(read_file(path).value(), "content");
}

TEST(UnixSocket, APathThatIsTooLongSaysWhatToDo) {
  const auto refused = ListenSocket::open("unix:/tmp/" + std::string(200, 'x'), 0600);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Invalid);
  EXPECT_NE(refused.error().text().find("choose a shorter folder"), std::string::npos);
}

TEST(HttpRequest, DecodesPathAndQuery) {
  const HttpRequest request = get("/a%2Fb+c?x=1%202&y=a+b&x=last&empty&=odd");
  EXPECT_EQ(request.path(), "/a/b+c");
  const std::map<std::string, std::string> expected = {
      {"x", "last"}, {"y", "a b"}, {"empty", ""}, {"", "odd"}};
  EXPECT_EQ(request.query(), expected);
  EXPECT_TRUE(get("/plain").query().empty());
}

TEST(Url, TextReadsBackEqual) {
  const std::string text = "a b/c?d&e=f+\xC3\xA9%";
  EXPECT_EQ(url_encode("a b/+"), "a%20b%2F%2B");
  EXPECT_EQ(url_decode(url_encode(text)), text);
  EXPECT_EQ(url_decode("100%"), "100%");
}

}  // namespace
}  // namespace slipway::io
