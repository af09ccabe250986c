#include "reconcile/task_call.h"

#include <fmt/format.h>

#include "base/text.h"
#include "io/http.h"

namespace slipway::reconcile {

namespace {

// Of what a task says, as much as a reason may quote.
constexpr size_t kQuoted = 120;
// Of a command's output, as much as is kept to find its last line in.
constexpr size_t kKept = 4096;

std::string quote(std::string_view line) {
  return line.empty() ? "" : ": " + printable(line.substr(0, kQuoted));
}

std::string first_line(std::string_view text) {
  return std::string(trim(text.substr(0, text.find('\n'))));
}

std::string last_line(std::string_view text) {
  text = trim(text);
  const size_t newline = text.rfind('\n');
  return std::string(trim(newline == std::string_view::npos ? text : text.substr(newline + 1)));
}

io::HttpRequest request_of(const std::string& call) {
  io::HttpRequest request;
  const std::string_view text = trim(call);
  const size_t space = text.find(' ');
  request.method = space == std::string_view::npos ? "POST" : text.substr(0, space);
  request.target = space == std::string_view::npos ? text : trim(text.substr(space));
  return request;
}

}  // namespace

Status call_by_http(const model::Address& address, const std::string& call, const Clock& clock,
                    Deadline deadline) {
  const io::HttpRequest request = request_of(call);
  const std::string what = fmt::format("{} {}", request.method, request.target);
  if (address.ip.empty()) return Error(ErrorCode::Unavailable, what + ": the task has no address");
  const auto answer = TRY_CONTEXT(io::http_request(address.text(), request, clock, deadline), what);
  if (answer.status >= 200 && answer.status < 300) return {};
  return Error(ErrorCode::Unavailable, fmt::format("{} answered {}{}", what, answer.status,
                                                   quote(answer.body ? first_line(*answer.body) : "")));
}

Status call_by_command(engine::Engine& engine, const model::TaskId& task, const std::string& script,
                       const Clock& clock, Deadline deadline) {
  const std::string what = fmt::format("command {}", shell_quote(script));
  engine::ExecRequest request;
  request.task = task;
  request.argv = {"sh", "-c", script};
  const auto session = TRY_CONTEXT(engine.exec(request, deadline), what);
  // A command that has ended already takes no input, and is none the worse for it.
  static_cast<void>(session->close_input());
  std::string said;
  while (!session->finished()) {
    const Duration left = deadline.left(clock.steady_now());
    if (left <= Duration::zero())
      return Error(ErrorCode::Timeout, fmt::format("{} did not end in time{}", what, quote(last_line(said))));
    const auto chunk = TRY_CONTEXT(session->read(left), what);
    if (chunk) said += chunk->data;
    if (said.size() > kKept) said.erase(0, said.size() - kKept);
  }
  if (session->exit_code() == 0) return {};
  return Error(ErrorCode::Unavailable, fmt::format("{} ended with exit code {}{}", what, session->exit_code(),
                                                   quote(last_line(said))));
}

namespace {

// What a task is given to answer one call.
constexpr Duration kCallTime = 5s;
// Enough that some tasks which do not answer hold up no others.
constexpr int kCalls = 8;
constexpr size_t kWaitingCalls = 4096;

const char* parameter_of(TaskCall what) {
  switch (what) {
    case TaskCall::Drain:
      return "drain";
    case TaskCall::Safe:
      return "safe";
    case TaskCall::Undrain:
      return "undrain";
  }
  return "";
}

Status carry_out(engine::Engine& engine, const Clock& clock, const model::TellTaskStep& wish, TaskCall what) {
  const auto text = wish.how.params.find(parameter_of(what));
  if (text == wish.how.params.end()) return {};
  const Deadline deadline = clock.deadline_in(kCallTime);
  switch (wish.how.method) {
    case model::DrainMethod::Noop:
    case model::DrainMethod::Proxy:
      return {};  // takes no part in its drain any more: its files have changed
    case model::DrainMethod::Http:
      return call_by_http(wish.address, text->second, clock, deadline);
    case model::DrainMethod::Command:
      return call_by_command(engine, wish.task, text->second, clock, deadline);
  }
  return {};
}

}  // namespace

TaskCaller::TaskCaller(engine::Engine& engine, io::EventLoop& loop, const Clock& clock)
    : engine_(engine),
      loop_(loop),
      clock_(clock),
      pool_(std::make_unique<io::WorkerPool>(kCalls, kWaitingCalls)) {}

TaskCaller::~TaskCaller() = default;

void TaskCaller::start(const model::TellTaskStep& wish, TaskCall what,
                       std::function<void(const Status&)> done) {
  const Status submitted = pool_->submit([this, wish, what, done] {
    loop_.post([done, answer = carry_out(engine_, clock_, wish, what)] { done(answer); });
  });
  if (!submitted.has_value()) loop_.post([done, submitted] { done(submitted); });
}

}  // namespace slipway::reconcile
