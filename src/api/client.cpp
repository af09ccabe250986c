#include "api/client.h"

#include <fmt/format.h>

namespace slipway::api {

namespace {

// A log line of 1 MiB may grow sixfold as JSON; beyond that the other side is no control plane.
constexpr size_t kMaxLineBytes = 8 << 20;

std::string instance_path(const model::InstanceId& instance) {
  return io::url_encode(instance.service) + "." + io::url_encode(instance.instance);
}

Error error_of(const Json& body, ErrorCode code, int status) {
  const std::string& message = body.at("error").at("message").as_string();
  if (message.empty())
    return Error(code, fmt::format("the control plane answered with HTTP status {}", status));
  return Error(code, message);
}

Error error_of(const io::HttpResponse& response) {
  const ErrorCode code = code_of_http_status(response.status);
  const auto body = Json::parse(response.body ? *response.body : "");
  return error_of(body ? *body : Json(), code, response.status);
}

io::HttpRequest request_of(const std::string& method, const std::string& target, const Json& body) {
  io::HttpRequest request;
  request.method = method;
  request.target = target;
  if (!body.is_null()) {
    request.headers["content-type"] = "application/json";
    request.body = body.dump();
  }
  return request;
}

// The word of an error inside a stream, whose HTTP status was already sent.
ErrorCode code_from(std::string_view text) {
  for (const ErrorCode code :
       {ErrorCode::Invalid, ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::Unauthorized,
        ErrorCode::Forbidden, ErrorCode::Unavailable, ErrorCode::Timeout, ErrorCode::Exhausted}) {
    if (to_text(code) == text) return code;
  }
  return ErrorCode::Internal;
}

}  // namespace

std::string target_of(const std::string& path, const Parameters& parameters) {
  std::string target = path;
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    target += separator + name + "=" + io::url_encode(value);
    separator = '&';
  }
  return target;
}

std::optional<std::string> LineStream::take_line() {
  const size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos && !(closed_ && !buffer_.empty())) {
    searched_ = buffer_.size();
    return std::nullopt;
  }
  // At the end of the stream the last line may lack its newline.
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end == std::string::npos ? end : end + 1);
  searched_ = 0;
  return line;
}

Result<std::optional<Json>> LineStream::next(Duration wait) {
  std::optional<std::string> line = take_line();
  while (!line && !closed_) {
    const auto bytes = stream_->read(wait);
    if (!bytes) {
      closed_ = true;
    } else if (bytes->empty()) {
      return std::optional<Json>();
    } else {
      buffer_ += *bytes;
    }
    line = take_line();
    if (!line && buffer_.size() > kMaxLineBytes) {
      return Error(ErrorCode::Internal,
                   fmt::format("a line of the answer is longer than {} bytes", kMaxLineBytes));
    }
  }
  if (!line) return std::optional<Json>();
  Json json = TRY_CONTEXT(Json::parse(*line), "read a line of the answer");
  const Json& error = json.at("error");
  if (error.is_object()) return error_of(json, code_from(error.at("code").as_string()), 200);
  return std::optional<Json>(std::move(json));
}

Result<std::optional<Frame>> ExecChannel::read(Duration wait) {
  while (true) {
    auto frame = TRY(frames_.next());
    if (frame) return frame;
    const std::string bytes = TRY_CONTEXT(stream_->read(wait), "the command's connection ended");
    if (bytes.empty()) return std::optional<Frame>();
    frames_.feed(bytes);
  }
}

Result<Json> Client::call(const std::string& method, const std::string& target, const Json& body,
                          Duration timeout) const {
  const io::HttpRequest request = request_of(method, target, body);
  const io::HttpResponse response =
      TRY(io::http_request(endpoint_, request, *clock_, clock_->deadline_in(timeout)));
  if (response.status < 200 || response.status >= 300) return error_of(response);
  if (!response.body || response.body->empty()) return Json();
  return TRY_CONTEXT(Json::parse(*response.body), "read the answer to " + method + " " + target);
}

Result<LineStream> Client::open(const std::string& target) const {
  const io::HttpRequest request = request_of("GET", target, nullptr);
  io::HttpOpened opened = TRY(io::http_open(endpoint_, request, *clock_, clock_->deadline_in(kTimeout)));
  if (opened.head.status < 200 || opened.head.status >= 300) return error_of(opened.head);
  return LineStream(std::move(opened.stream));
}

Result<Json> Client::version(Duration timeout) const {
  return call("GET", "/v1/version", nullptr, timeout);
}

Result<Json> Client::status(const StatusQuery& query) const {
  Parameters parameters{{"service", query.service}, {"instance", query.instance}};
  if (query.wait > Duration::zero()) {
    parameters["wait"] = fmt::format("{}ms", query.wait.count());
    parameters["seen"] = std::to_string(query.seen);
  }
  return call("GET", target_of("/v1/status", parameters), nullptr, kTimeout + query.wait);
}

Result<Json> Client::why(const model::InstanceId& instance) const {
  return call("GET", "/v1/instances/" + instance_path(instance) + "/why");
}

Result<Json> Client::services() const {
  return call("GET", "/v1/services");
}

Result<Json> Client::service(const std::string& name) const {
  return call("GET", "/v1/services/" + io::url_encode(name));
}

Result<Json> Client::config(const std::string& service, const std::string& instance) const {
  return call("GET", target_of("/v1/config", {{"service", service}, {"instance", instance}}));
}

Result<Json> Client::nodes() const {
  return call("GET", "/v1/nodes");
}
Result<Json> Client::observed() const {
  return call("GET", "/v1/observed");
}

Result<Json> Client::plan() const {
  return call("GET", "/v1/plan");
}

Result<Json> Client::history(const model::InstanceId& instance, int limit) const {
  return call("GET", target_of("/v1/history/" + instance_path(instance), {{"limit", std::to_string(limit)}}));
}

Result<Json> Client::task(const std::string& id) const {
  return call("GET", "/v1/tasks/" + io::url_encode(id));
}
Result<Json> Client::overrides() const {
  return call("GET", "/v1/overrides");
}

Status Client::put_override(const model::Override& value) const {
  TRY(call("PUT", "/v1/overrides", model::to_json(value)));
  return {};
}

Status Client::remove_override(const model::InstanceId& instance, model::OverrideKind kind) const {
  const std::string kind_text(model::to_text(kind));
  const bool whole = kind == model::OverrideKind::Freeze;
  TRY(call("DELETE", "/v1/overrides/" + (whole ? kind_text : instance_path(instance) + "/" + kind_text)));
  return {};
}

Result<Json> Client::set_draining(const std::string& node, bool draining, const std::string& owner,
                                  const std::string& reason) const {
  return call("POST", "/v1/nodes/" + io::url_encode(node) + (draining ? "/drain" : "/undrain"),
              Json::Object{{"owner", owner}, {"reason", reason}});
}

Result<int64_t> Client::reload() const {
  return TRY(call("POST", "/v1/reload", Json::Object())).at("reload").as_int();
}

Status Client::shut_down(bool keep_tasks) const {
  TRY(call("POST", "/v1/shutdown", Json::Object{{"keep_tasks", keep_tasks}}));
  return {};
}

Result<std::string> Client::run(const model::InstanceId& instance,
                                const std::vector<std::string>& argv) const {
  const Json body =
      Json::Object{{"instance", instance.text()}, {"argv", Json::Array(argv.begin(), argv.end())}};
  const Json answer = TRY(call("POST", "/v1/run", body));
  return answer.at("task").as_string();
}

Status Client::collect(const std::string& task) const {
  TRY(call("DELETE", "/v1/tasks/" + io::url_encode(task)));
  return {};
}

Result<LineStream> Client::events(const EventQuery& query) const {
  Parameters parameters{{"limit", std::to_string(query.limit)}, {"subject", query.subject}};
  if (query.after) parameters["after"] = std::to_string(*query.after);
  if (query.follow) parameters["follow"] = "1";
  return open(target_of("/v1/events", parameters));
}

Result<LineStream> Client::logs(const LogQuery& query) const {
  Parameters parameters{{"task", query.task},
                        {"service", query.service},
                        {"instance", query.instance},
                        {"since", query.since},
                        {"stream", query.stream}};
  if (query.tail) parameters["tail"] = std::to_string(*query.tail);
  if (query.follow) parameters["follow"] = "1";
  return open(target_of("/v1/logs", parameters));
}

Result<ExecChannel> Client::exec(const Json& request) const {
  io::HttpRequest upgrade = request_of("POST", "/v1/exec", request);
  upgrade.headers["connection"] = "Upgrade";
  upgrade.headers["upgrade"] = "slipway-exec";
  io::HttpOpened opened = TRY(io::http_open(endpoint_, upgrade, *clock_, clock_->deadline_in(kTimeout)));
  if (opened.head.status != 101) return error_of(opened.head);
  return ExecChannel(std::move(opened.stream));
}

}  // namespace slipway::api
