// How an expected failure travels: a Result<T> holds a value or an Error.
//
// The rules of the house: a message says what was attempted, its cause says why, and neither repeats the
// other. A layer that knows more adds it by context(); text() prints the whole chain, and nobody else does.
// An Error is an immutable value and may cross threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace slipway {

// What kind of failure it was. Each code has one HTTP status and one exit code (see exit_code and
// http_status).
enum class ErrorCode {
  Invalid,       // the caller's input is wrong; the same call will never work
  NotFound,      // the thing named does not exist
  Conflict,      // somebody else got there first, or a plan is older than the one applied last
  Unauthorized,  // who are you?
  Forbidden,     // you may not
  Unavailable,   // the other side cannot be reached or is not ready: try again later
  Timeout,       // the deadline passed; the outcome is unknown
  Exhausted,     // no room: disk, memory, addresses, nodes
  Internal,      // ours: a bug or a state that should not be
};

std::string_view to_text(ErrorCode code);

class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string message, Error cause)
      : code_(code), message_(std::move(message)), cause_(std::make_shared<const Error>(std::move(cause))) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // The reason one layer below; null at the bottom.
  const Error* cause() const { return cause_.get(); }

  // The same failure seen from one layer above: keeps the code, hangs this error below the new message.
  Error context(std::string message) const { return Error(code_, std::move(message), *this); }

  // The chain in one line: "start web.main: create bridge: Operation not permitted".
  std::string text() const;

 private:
  ErrorCode code_;
  std::string message_;
  std::shared_ptr<const Error> cause_;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: an Error is a Result by design

  Result context(std::string message) && {
    if (this->has_value()) return std::move(*this);
    return Result(this->error().context(std::move(message)));
  }

  // For TRY: the value moved out, or nothing of a Result<void>.
  T take() && {
    if constexpr (!std::is_void_v<T>) return std::move(this->operator*());
  }
};

using Status = Result<void>;

// An Error from errno, its message the text of the error number: EACCES and EPERM become Forbidden, ENOENT
// NotFound, EEXIST Conflict, ENOSPC and friends Exhausted, ETIMEDOUT Timeout, ECONNREFUSED and friends
// Unavailable, the rest Internal.
Error errno_error(int number, std::string message);

// Exit code of the command line for this kind of failure (contract: 1 failed, 3 not found, 4 invalid, 5 timed
// out, 6 unreachable, 7 forbidden).
int exit_code(ErrorCode code);
int http_status(ErrorCode code);
ErrorCode code_of_http_status(int status);

}  // namespace slipway

// TRY(expr): the value of a Result, or return its error from the enclosing function. TRY_CONTEXT adds a
// layer. Each use has a variable of its own name, so that one may stand inside another.
#define SLIPWAY_TRY_NAMED(name, expr, on_error)           \
  __extension__({                                         \
    auto name = (expr);                                   \
    if (!name.has_value()) return (name.error())on_error; \
    std::move(name).take();                               \
  })
#define SLIPWAY_TRY_JOIN(prefix, number) prefix##number
#define SLIPWAY_TRY_NAME(number) SLIPWAY_TRY_JOIN(try_result_, number)
#define TRY(expr) SLIPWAY_TRY_NAMED(SLIPWAY_TRY_NAME(__COUNTER__), expr, )
#define TRY_CONTEXT(expr, message) SLIPWAY_TRY_NAMED(SLIPWAY_TRY_NAME(__COUNTER__), expr, .context(message))
