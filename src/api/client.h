// The API as its callers see it: one method per question, over HTTP on a unix socket or TCP.
//
// Answers are the API's own JSON (docs/reference/api.md), so that `-o json` passes them on unchanged. Errors
// carry the server's code and message; Unavailable, with the endpoint, when nobody answers.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/exec_frame.h"
#include "base/clock.h"
#include "base/json.h"
#include "io/http.h"
#include "model/override.h"

namespace slipway::api {

// "/v1/logs" and {{"since", "10m"}} -> "/v1/logs?since=10m"; parameters with an empty value are left out.
using Parameters = std::map<std::string, std::string>;
std::string target_of(const std::string& path, const Parameters& parameters);

// JSON lines as they come. One thread.
class LineStream {
 public:
  explicit LineStream(std::unique_ptr<io::HttpStream> stream) : stream_(std::move(stream)) {}
  // The next object, waiting up to `wait`. nullopt: none came in time, or the stream has ended. A line
  // {"error": {...}} is the server's way to say why it could not go on, and comes back as that error.
  Result<std::optional<Json>> next(Duration wait);
  // All of it has been read.
  bool ended() const { return closed_ && buffer_.empty(); }

 private:
  std::optional<std::string> take_line();

  std::unique_ptr<io::HttpStream> stream_;
  std::string buffer_;
  size_t searched_ = 0;  // bytes of buffer_ known to hold no newline
  bool closed_ = false;
};

// A command running inside a task. read() from one thread, write() from another.
class ExecChannel {
 public:
  explicit ExecChannel(std::unique_ptr<io::HttpStream> stream) : stream_(std::move(stream)) {}
  // nullopt: nothing within `wait`. Unavailable when the connection ended without an Exit frame.
  Result<std::optional<Frame>> read(Duration wait);
  Status write(const Frame& frame) { return stream_->write(encode(frame)); }

 private:
  std::unique_ptr<io::HttpStream> stream_;
  FrameReader frames_;
};

struct StatusQuery {
  std::string service = {};   // empty: all
  std::string instance = {};  // empty: all of the service
  Duration wait{};            // zero: answer at once
  int64_t seen = 0;           // with `wait`: answer as soon as the sequence is above this
};

struct LogQuery {
  std::string task = {};  // a task, or
  std::string service = {};
  std::string instance = {};
  std::string since = {};  // "10m" or a time
  std::optional<int> tail = {};
  std::string stream = {};  // "out", "err"; empty: both
  bool follow = false;
};

struct EventQuery {
  std::optional<int64_t> after = {};  // absent: the newest `limit`
  int limit = 100;
  std::string subject = {};  // "service" or "service.instance"; empty: all
  bool follow = false;
};

// Cheap to make and to copy: every call is a connection of its own. May be used from any thread.
class Client {
 public:
  Client(io::Endpoint endpoint, const Clock& clock) : endpoint_(std::move(endpoint)), clock_(&clock) {}
  const io::Endpoint& endpoint() const { return endpoint_; }

  Result<Json> version(Duration timeout = kTimeout) const;
  Result<Json> status(const StatusQuery& query) const;
  Result<Json> why(const model::InstanceId& instance) const;
  Result<Json> services() const;
  Result<Json> service(const std::string& name) const;
  Result<Json> config(const std::string& service, const std::string& instance) const;
  Result<Json> nodes() const;
  Result<Json> plan() const;
  Result<Json> observed() const;
  Result<Json> history(const model::InstanceId& instance, int limit) const;
  Result<Json> task(const std::string& id) const;
  Result<Json> overrides() const;

  Status put_override(const model::Override& value) const;
  // NotFound where there is none of that kind. A freeze is of no instance.
  Status remove_override(const model::InstanceId& instance, model::OverrideKind kind) const;
  // The node as it is then.
  Result<Json> set_draining(const std::string& node, bool draining, const std::string& owner,
                            const std::string& reason) const;
  // The number of the reload: a status whose `reload` is no less has taken the files in.
  Result<int64_t> reload() const;
  Status shut_down(bool keep_tasks) const;

  // The id of the one-off task that was started; `argv` empty: the instance's own command.
  Result<std::string> run(const model::InstanceId& instance, const std::vector<std::string>& argv) const;
  Status collect(const std::string& task) const;

  Result<LineStream> events(const EventQuery& query) const;
  Result<LineStream> logs(const LogQuery& query) const;
  // `request`: {"task", "argv", "env", "tty", "rows", "columns"}.
  Result<ExecChannel> exec(const Json& request) const;

 private:
  // Most answers come from memory; the longest, a command that must be stored, takes a round of the control
  // loop.
  static constexpr Duration kTimeout = 30s;

  Result<Json> call(const std::string& method, const std::string& target, const Json& body = nullptr,
                    Duration timeout = kTimeout) const;
  Result<LineStream> open(const std::string& target) const;

  io::Endpoint endpoint_;
  const Clock* clock_;
};

}  // namespace slipway::api
