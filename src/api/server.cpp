#include "api/server.h"

#include <algorithm>

#include "api/change_waiters.h"
#include "api/routes.h"

namespace slipway::api {

namespace {

constexpr int kThreads = 4;
constexpr size_t kQueue = 256;
// Below the patience of our own client, so that it hears why.
constexpr Duration kAnswerWithin = 25s;
constexpr Duration kLongestWait = 5min;

Result<Call> call_of(io::HttpRequest request, RouteMatch match) {
  Call call;
  call.query = request.query();
  call.path = std::move(match.path);
  call.headers = std::move(request.headers);
  if (request.body.empty()) return call;
  call.body = TRY_CONTEXT(Json::parse(request.body), "read the request's body");
  if (!call.body.is_object()) return Error(ErrorCode::Invalid, "the request's body must be a JSON object");
  return call;
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(reconcile::Control& control, ServerFacts facts, const Clock& clock)
      : context_{control, clock, std::move(facts), {}},
        pool_(std::make_unique<io::WorkerPool>(kThreads, kQueue)),
        waiters_(std::make_unique<ChangeWaiters>(control, clock)) {}

  ~Impl() {
    // First no more requests and streams, then nobody who hands work to the pool, then the pool.
    http_.reset();
    waiters_.reset();
    pool_.reset();
  }

  Status listen(io::EventLoop& loop, const io::Endpoint& endpoint) {
    http_ =
        TRY(io::HttpServer::listen(loop, endpoint, [this](io::HttpRequest request, io::HttpRespond respond) {
          dispatch(std::move(request), std::move(respond));
        }));
    endpoint_ = http_->port() == 0
                    ? endpoint
                    : endpoint.substr(0, endpoint.rfind(':') + 1) + std::to_string(http_->port());
    return {};
  }
  const io::Endpoint& endpoint() const { return endpoint_; }

 private:
  void dispatch(io::HttpRequest request, io::HttpRespond respond) {
    std::string allowed;
    auto match = match_route(request.method, request.target, allowed);
    if (!match.has_value()) {
      io::HttpResponse refused = error_response(match.error(), allowed.empty() ? 0 : 405);
      if (!allowed.empty()) refused.headers["allow"] = allowed;
      return respond(std::move(refused));
    }
    const Route& route = *match->route;
    auto call = call_of(std::move(request), std::move(*match));
    if (!call.has_value()) return respond(error_response(call.error()));
    if (route.waits && !call->text("wait").empty()) return wait_then_answer(route, std::move(*call), respond);
    answer(route, std::move(*call), respond);
  }

  void answer(const Route& route, Call call, const io::HttpRespond& respond) {
    if (route.quick != nullptr) {
      if (auto response = route.quick(context_, call)) return respond(std::move(*response));
    }
    const Status submitted = pool_->submit([this, &route, call = std::move(call), respond]() mutable {
      call.deadline = context_.clock.deadline_in(kAnswerWithin);
      auto made = route.handler(context_, call);
      respond(made.has_value() ? std::move(*made) : io::HttpAnswer(error_response(made.error())));
    });
    // A full queue passes with time, so it is told as 503 and not as the lack of room that Exhausted
    // otherwise means.
    if (!submitted.has_value()) respond(error_response(submitted.error(), 503));
  }

  void wait_then_answer(const Route& route, Call call, const io::HttpRespond& respond) {
    const auto wait = call.duration("wait", 0s);
    const auto seen = call.number("seen", 0, std::numeric_limits<int64_t>::max());
    if (!wait.has_value()) return respond(error_response(wait.error()));
    if (!seen.has_value()) return respond(error_response(seen.error()));
    const auto known = static_cast<uint64_t>(*seen);
    if (context_.control.snapshot()->sequence > known) return answer(route, std::move(call), respond);
    const Deadline deadline = context_.clock.deadline_in(std::min(*wait, kLongestWait));
    const Status added = waiters_->add(
        known, deadline, [this, &route, call = std::move(call), respond] { answer(route, call, respond); });
    if (!added.has_value()) respond(error_response(added.error()));
  }

  Context context_;
  io::Endpoint endpoint_;
  std::unique_ptr<io::WorkerPool> pool_;
  std::unique_ptr<ChangeWaiters> waiters_;
  std::unique_ptr<io::HttpServer> http_;
};

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

const io::Endpoint& ApiServer::endpoint() const {
  return impl_->endpoint();
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(io::EventLoop& loop, const io::Endpoint& endpoint,
                                                    reconcile::Control& control, ServerFacts facts,
                                                    const Clock& clock) {
  auto impl = std::make_unique<Impl>(control, std::move(facts), clock);
  TRY_CONTEXT(impl->listen(loop, endpoint), "start the API");
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

}  // namespace slipway::api
