#include <algorithm>

#include <fmt/format.h>

#include "api/exec_bridge.h"
#include "api/handlers.h"
#include "api/log_merge.h"
#include "api/lookup.h"

namespace slipway::api::handlers {

namespace {

constexpr std::string_view kJsonLines = "application/x-ndjson";
// How soon a stream that has nothing to say notices that its reader has gone.
constexpr Duration kLook = 500ms;

io::HttpStreamed json_lines(std::function<void(io::HttpStream&)> body) {
  io::HttpStreamed streamed;
  streamed.headers["content-type"] = kJsonLines;
  streamed.body = std::move(body);
  return streamed;
}

// The last word of a stream whose status was sent long ago.
void write_error(io::HttpStream& stream, const Error& error) {
  // Where the reader has gone too, there is nobody to tell.
  static_cast<void>(stream.write(error_text(error) + "\n"));
}

std::string event_lines(const std::vector<model::Event>& events) {
  std::string text;
  for (const model::Event& event : events) text += model::to_json(event).dump() + "\n";
  return text;
}

void follow_events(Context& context, io::HttpStream& stream, int64_t last, const std::string& subject) {
  constexpr int kBatch = 1000;
  uint64_t seen = 0;
  while (!stream.peer_closed()) {
    const auto events = context.control.events(last, kBatch, subject);
    if (!events.has_value()) return write_error(stream, events.error());
    if (!events->empty()) {
      if (!stream.write(event_lines(*events)).has_value()) return;
      last = events->back().id;
      continue;
    }
    // Events come with snapshots; those that come between two are found a look later.
    seen = context.control.wait_for_change(seen, context.clock.deadline_in(kLook))->sequence;
  }
}

// What GET /v1/logs asks for.
struct LogQuery {
  engine::LogRequest request;  // without the task
  model::InstanceId instance;  // empty where one task is asked for
};

Result<LogQuery> log_query(const Context& context, const Call& call) {
  LogQuery query;
  query.request.follow = call.flag("follow");
  if (const std::string since = call.text("since"); !since.empty()) {
    const auto ago = parse_duration(since);
    query.request.since =
        ago.has_value() ? context.clock.now() - *ago : TRY(parse_time(since).context("since"));
  }
  if (!call.text("tail").empty()) query.request.tail = static_cast<int>(TRY(call.number("tail", 0, 100'000)));
  const std::string stream = call.text("stream");
  if (!stream.empty() && stream != "out" && stream != "err") {
    return Error(ErrorCode::Invalid, fmt::format("stream: '{}' is neither out nor err", stream));
  }
  query.request.out = stream != "err";
  query.request.err = stream != "out";
  return query;
}

// Streams the logs of one task, or of all tasks of an instance, those that come later included when
// following.
class LogStream {
 public:
  LogStream(Context& context, LogQuery query) : context_(context), query_(std::move(query)) {}

  Status open_task(const model::TaskId& task, Deadline deadline) {
    engine::LogRequest request = query_.request;
    request.task = task;
    merge_.add(task, TRY_CONTEXT(context_.control.logs(request, deadline), "open the log of " + task.str()));
    return {};
  }

  // Opens what is not open yet. A task that has no log (it waits to be started, or is gone again) is looked
  // at again the next time.
  Status open_instance(Deadline deadline) {
    const auto snapshot = context_.control.snapshot();
    const model::InstanceStatus* status = find_status(*snapshot, query_.instance);
    if (status == nullptr) return {};
    for (const model::Task& task : status->seen->tasks) {
      if (merge_.knows(task.id)) continue;
      const Status opened = open_task(task.id, deadline);
      if (!opened.has_value() && opened.error().code() != ErrorCode::NotFound) return opened;
    }
    return {};
  }

  void run(io::HttpStream& stream) {
    const Status status = carry(stream);
    if (!status.has_value()) write_error(stream, status.error());
  }

 private:
  bool of_instance() const { return !query_.instance.service.empty(); }

  Status carry(io::HttpStream& stream) {
    if (query_.request.tail) TRY(merge_.keep_last(static_cast<size_t>(*query_.request.tail)));
    // Tasks that start while we follow are followed from their first line.
    query_.request.tail.reset();
    Deadline look_again = context_.clock.deadline_in(kLook);
    while (!stream.peer_closed()) {
      const auto lines = TRY(merge_.next(kLook));
      if (!send(stream, lines)) return {};
      if (merge_.ended() && !(query_.request.follow && of_instance())) return {};
      if (!query_.request.follow || !of_instance() || !look_again.passed(context_.clock.steady_now()))
        continue;
      TRY(open_instance(context_.clock.deadline_in(10s)));
      look_again = context_.clock.deadline_in(kLook);
      // With nothing open, next() has nothing to wait for.
      if (merge_.ended()) context_.control.wait_for_change(context_.control.snapshot()->sequence, look_again);
    }
    return {};
  }

  // False: the reader has gone.
  bool send(io::HttpStream& stream, const std::vector<TaskLine>& lines) {
    constexpr size_t kFlush = 256 << 10;  // lines may be long: the text of a thousand is not held at once
    std::string text;
    for (const TaskLine& line : lines) {
      append_json(text, line);
      if (text.size() < kFlush) continue;
      if (!stream.write(text).has_value()) return false;
      text.clear();
    }
    return text.empty() || stream.write(text).has_value();
  }

  Context& context_;
  LogQuery query_;
  LogMerge merge_;
};

Result<engine::ExecRequest> exec_request(const Context& context, const Json& body) {
  engine::ExecRequest request;
  const auto snapshot = context.control.snapshot();
  request.task = TRY(find_task(*snapshot, body.at("task").as_string()))->id;
  for (const Json& word : body.at("argv").as_array()) request.argv.push_back(word.as_string());
  if (request.argv.empty()) return Error(ErrorCode::Invalid, "argv: must hold the command and its arguments");
  for (const auto& [name, value] : body.at("env").as_object()) request.env[name] = value.as_string();
  request.tty = body.at("tty").as_bool();
  const auto size = [&](const char* name, int fallback) {
    return static_cast<int>(std::clamp<int64_t>(body.at(name).as_int(fallback), 1, 10'000));
  };
  request.tty_rows = size("rows", request.tty_rows);
  request.tty_columns = size("columns", request.tty_columns);
  return request;
}

}  // namespace

Result<io::HttpAnswer> events(Context& context, const Call& call) {
  constexpr int kMost = 10'000;
  const int limit = static_cast<int>(TRY(call.number("limit", 100, kMost)));
  const std::string subject = call.text("subject");
  std::vector<model::Event> first;
  int64_t last = 0;
  if (call.text("after").empty()) {
    // Also the place from where to follow, so that one is needed even where none is asked for.
    first = TRY(context.control.recent_events(std::max(limit, 1), subject));
    if (!first.empty()) last = first.back().id;
    if (limit == 0) first.clear();
  } else {
    last = TRY(call.number("after", 0, std::numeric_limits<int64_t>::max()));
    first = TRY(context.control.events(last, limit, subject));
    if (!first.empty()) last = first.back().id;
  }
  std::string text = event_lines(first);
  if (!call.flag("follow")) return io::HttpResponse::text(200, std::move(text), std::string(kJsonLines));
  return json_lines([&context, text = std::move(text), last, subject](io::HttpStream& stream) {
    if (stream.write(text).has_value()) follow_events(context, stream, last, subject);
  });
}

Result<io::HttpAnswer> logs(Context& context, const Call& call) {
  LogQuery query = TRY(log_query(context, call));
  const auto snapshot = context.control.snapshot();
  if (const std::string task = call.text("task"); !task.empty()) {
    const model::TaskId id = TRY(find_task(*snapshot, task))->id;
    const auto log = std::make_shared<LogStream>(context, std::move(query));
    TRY(log->open_task(id, call.deadline));
    return json_lines([log](io::HttpStream& stream) { log->run(stream); });
  }
  query.instance = {call.text("service"), call.text("instance")};
  if (query.instance.service.empty() || query.instance.instance.empty()) {
    return Error(ErrorCode::Invalid, "whose logs? Give `task`, or `service` and `instance`");
  }
  TRY(check_known(*snapshot, query.instance.service, query.instance.instance));
  const auto log = std::make_shared<LogStream>(context, std::move(query));
  TRY(log->open_instance(call.deadline));
  return json_lines([log](io::HttpStream& stream) { log->run(stream); });
}

Result<io::HttpAnswer> exec(Context& context, const Call& call) {
  const auto upgrade = call.headers.find("upgrade");
  if (upgrade == call.headers.end() || upgrade->second != "slipway-exec") {
    return Error(ErrorCode::Invalid,
                 "exec needs the headers `Connection: Upgrade` and `Upgrade: slipway-exec`");
  }
  const engine::ExecRequest request = TRY(exec_request(context, call.body));
  // Shared because the body's function must be copyable; the stream's thread is its only user.
  std::shared_ptr<engine::ExecSession> session =
      TRY_CONTEXT(context.control.exec(request, call.deadline), "run a command in " + request.task.str());
  io::HttpStreamed streamed;
  streamed.status = 101;
  streamed.headers["connection"] = "Upgrade";
  streamed.headers["upgrade"] = "slipway-exec";
  streamed.body = [session](io::HttpStream& stream) { bridge_exec(stream, *session); };
  return streamed;
}

}  // namespace slipway::api::handlers
