// A control plane for tests of its callers: answers what it was told to, over a real unix socket, and
// remembers what it was asked.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/mutex.h"
#include "io/event_loop.h"
#include "io/file.h"
#include "io/http.h"

namespace slipway::api {

class FakeControlPlane {
 public:
  using Handler = std::function<io::HttpAnswer(const io::HttpRequest&)>;

  FakeControlPlane() {
    auto server = io::HttpServer::listen(
        loop_, endpoint(),
        [this](io::HttpRequest request, io::HttpRespond respond) { respond(answer(request)); });
    CHECK(server.has_value());
    server_ = std::move(*server);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~FakeControlPlane() {
    loop_.post([this] { server_->close(); });
    loop_.stop();
    thread_.join();
  }
  FakeControlPlane(const FakeControlPlane&) = delete;
  FakeControlPlane& operator=(const FakeControlPlane&) = delete;

  io::Endpoint endpoint() const { return "unix:" + (folder_.path() / "api.sock").string(); }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // `route`: "GET /v1/status". Whoever asks for anything else gets 404. May be changed at any time.
  void on(const std::string& route, Handler handler) {
    const Lock lock(mutex_);
    handlers_[route] = std::move(handler);
  }
  void on(const std::string& route, const Json& json) {
    on(route, [json](const io::HttpRequest&) { return io::HttpResponse::text(200, json.dump()); });
  }
  void fail(const std::string& route, ErrorCode code, const std::string& message) {
    const Json error = Json::Object{{"error", Json::Object{{"code", to_text(code)}, {"message", message}}}};
    on(route,
       [=](const io::HttpRequest&) { return io::HttpResponse::text(http_status(code), error.dump()); });
  }
  void stream(const std::string& route, const std::string& lines) {
    on(route, [lines](const io::HttpRequest&) {
      io::HttpStreamed streamed;
      streamed.headers["content-type"] = "application/x-ndjson";
      // Whoever went away early has its own reasons.
      streamed.body = [lines](io::HttpStream& out) { static_cast<void>(out.write(lines)); };
      return streamed;
    });
  }

  // "PUT /v1/overrides" and the body, in order. Targets with their query.
  std::vector<std::pair<std::string, std::string>> asked() const {
    const Lock lock(mutex_);
    return asked_;
  }
  bool was_asked(const std::string& what) const {
    for (const auto& [request, body] : asked()) {
      if (request == what) return true;
    }
    return false;
  }

 private:
  io::HttpAnswer answer(const io::HttpRequest& request) {
    const Lock lock(mutex_);
    asked_.emplace_back(request.method + " " + request.target, request.body);
    const auto handler = handlers_.find(request.method + " " + request.path());
    if (handler != handlers_.end()) return handler->second(request);
    return io::HttpResponse::text(404, R"({"error": {"code": "not_found", "message": "no such route"}})");
  }

  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
  mutable Mutex mutex_;
  std::map<std::string, Handler> handlers_ GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, std::string>> asked_ GUARDED_BY(mutex_);
  io::EventLoop loop_;
  std::unique_ptr<io::HttpServer> server_;
  std::thread thread_;
};

}  // namespace slipway::api
