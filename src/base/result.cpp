#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace slipway {

std::string_view to_text(ErrorCode code) {
  switch (code) {
    case ErrorCode::Invalid:
      return "invalid";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::Conflict:
      return "conflict";
    case ErrorCode::Unauthorized:
      return "unauthorized";
    case ErrorCode::Forbidden:
      return "forbidden";
    case ErrorCode::Unavailable:
      return "unavailable";
    case ErrorCode::Timeout:
      return "timeout";
    case ErrorCode::Exhausted:
      return "exhausted";
    case ErrorCode::Internal:
      return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  std::string out = message_;
  for (const Error* error = cause(); error != nullptr; error = error->cause()) out += ": " + error->message();
  return out;
}

namespace {
ErrorCode code_of_errno(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
      return ErrorCode::Forbidden;
    case ENOENT:
    case ESRCH:
      return ErrorCode::NotFound;
    case EEXIST:
    case EBUSY:
    case EADDRINUSE:
      return ErrorCode::Conflict;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::Exhausted;
    case ETIMEDOUT:
      return ErrorCode::Timeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
      return ErrorCode::Unavailable;
    case EINVAL:
    case ENAMETOOLONG:
      return ErrorCode::Invalid;
    default:
      return ErrorCode::Internal;
  }
}
}  // namespace

Error errno_error(int number, std::string message) {
  const ErrorCode code = code_of_errno(number);
  return Error(code, std::move(message), Error(code, std::strerror(number)));
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::NotFound:
      return 3;
    case ErrorCode::Invalid:
      return 4;
    case ErrorCode::Timeout:
      return 5;
    case ErrorCode::Unavailable:
      return 6;
    case ErrorCode::Unauthorized:
    case ErrorCode::Forbidden:
      return 7;
    case ErrorCode::Conflict:
    case ErrorCode::Exhausted:
    case ErrorCode::Internal:
      return 1;
  }
  return 1;
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::Invalid:
      return 400;
    case ErrorCode::Unauthorized:
      return 401;
    case ErrorCode::Forbidden:
      return 403;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::Conflict:
      return 409;
    case ErrorCode::Internal:
      return 500;
    case ErrorCode::Unavailable:
      return 503;
    case ErrorCode::Timeout:
      return 504;
    case ErrorCode::Exhausted:
      return 507;
  }
  return 500;
}

ErrorCode code_of_http_status(int status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::Invalid;
    case 401:
      return ErrorCode::Unauthorized;
    case 403:
      return ErrorCode::Forbidden;
    case 404:
      return ErrorCode::NotFound;
    case 409:
      return ErrorCode::Conflict;
    case 429:
    case 503:
      return ErrorCode::Unavailable;
    case 504:
      return ErrorCode::Timeout;
    case 507:
      return ErrorCode::Exhausted;
    default:
      return ErrorCode::Internal;
  }
}

}  // namespace slipway
