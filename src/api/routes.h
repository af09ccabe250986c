// The API's routes, which describe themselves: what dispatches requests also writes docs/reference/api.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"
#include "base/json.h"
#include "base/result.h"
#include "io/http.h"

namespace slipway::api {

// One request, taken apart. Values are decoded.
struct Call {
  std::map<std::string, std::string>
      path;  // by the names of the pattern: "instance" of "/v1/history/{instance}"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;
  Json body;          // null when there was none
  Deadline deadline;  // of whatever the handler waits for before it answers

  // A value of the path or of the query; empty when absent.
  std::string text(const std::string& name) const;
  bool flag(const std::string& name) const;  // "1" or "true"
  // Invalid when it is no whole number of 0 to `most`.
  Result<int64_t> number(const std::string& name, int64_t fallback, int64_t most) const;
  Result<Duration> duration(const std::string& name, Duration fallback) const;
};

// Runs on the server's pool: may block until call.deadline.
using Handler = Result<io::HttpAnswer> (*)(Context& context, const Call& call);
// Runs on the loop's thread: must not block. nullopt: nothing at hand, ask the handler.
using QuickHandler = std::optional<io::HttpResponse> (*)(Context& context, const Call& call);

struct RouteParameter {
  std::string name;
  std::string where;  // "path", "query" or "body"
  std::string text;
};

struct Route {
  std::string method;
  std::string pattern;  // "/v1/instances/{instance}/why"
  std::string summary;
  std::vector<RouteParameter> parameters;
  std::string example;  // what is sent (a target, and a body where there is one)
  std::string answer;   // what comes back
  Handler handler = nullptr;
  QuickHandler quick = nullptr;
  bool waits =
      false;  // knows `wait` and `seen`: answered when the snapshot is newer than `seen` or the wait is over
};

// All of them, in the order of the documentation.
const std::vector<Route>& routes();

struct RouteMatch {
  const Route* route = nullptr;
  std::map<std::string, std::string> path;  // values by name
};
// NotFound for an unknown path; Invalid for a path that does not know the method, with `allowed` filled in.
Result<RouteMatch> match_route(const std::string& method, std::string_view target, std::string& allowed);

// The text of docs/reference/api.md.
std::string api_docs_markdown();

// {"error": {"code", "message"}} as it is sent; `status` 0 stands for the one of the error's code.
std::string error_text(const Error& error);
io::HttpResponse error_response(const Error& error, int status = 0);
io::HttpResponse json_response(const Json& json, int status = 200);

}  // namespace slipway::api
