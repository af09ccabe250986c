#include "api/routes.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::api {

std::string Call::text(const std::string& name) const {
  if (const auto it = path.find(name); it != path.end()) return it->second;
  const auto it = query.find(name);
  return it == query.end() ? std::string() : it->second;
}

bool Call::flag(const std::string& name) const {
  const std::string value = text(name);
  return value == "1" || value == "true";
}

Result<int64_t> Call::number(const std::string& name, int64_t fallback, int64_t most) const {
  const std::string value = text(name);
  if (value.empty()) return fallback;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0 || number > most) {
    return Error(ErrorCode::Invalid, fmt::format("{}: '{}' is not a number from 0 to {}", name, value, most));
  }
  return number;
}

Result<Duration> Call::duration(const std::string& name, Duration fallback) const {
  const std::string value = text(name);
  if (value.empty()) return fallback;
  return parse_duration(value).context(name);
}

namespace {

// The values of a path that fits the pattern. Compared part by part before decoding, so that an encoded slash
// stays inside its value.
std::optional<std::map<std::string, std::string>> fit(const std::string& pattern, std::string_view path) {
  const std::vector<std::string> wanted = split(pattern, '/');
  const std::vector<std::string> given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string> values;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !given[i].empty()) {
      values[wanted[i].substr(1, wanted[i].size() - 2)] = io::url_decode(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return values;
}

Error unknown_path(std::string_view path) {
  std::vector<std::string> patterns;
  for (const Route& route : routes()) patterns.push_back(route.pattern);
  std::string message = fmt::format("there is no '{}' in this API", printable(path));
  if (const auto near = did_you_mean(path, patterns)) {
    message += fmt::format("; did you mean '{}'?", *near);
  } else {
    message += "; GET /v1 lists what there is";
  }
  return Error(ErrorCode::NotFound, message);
}

}  // namespace

Result<RouteMatch> match_route(const std::string& method, std::string_view target, std::string& allowed) {
  const std::string_view path = target.substr(0, target.find('?'));
  std::vector<std::string> methods;
  for (const Route& route : routes()) {
    auto values = fit(route.pattern, path);
    if (!values) continue;
    if (route.method == method) return RouteMatch{&route, std::move(*values)};
    methods.push_back(route.method);
  }
  if (methods.empty()) return unknown_path(path);
  allowed = join(methods, ", ");
  return Error(ErrorCode::Invalid,
               fmt::format("'{}' does not know {}, only {}", path, printable(method), allowed));
}

std::string error_text(const Error& error) {
  const Json body = Json::Object{
      {"error", Json::Object{{"code", std::string(to_text(error.code()))}, {"message", error.text()}}}};
  return body.dump();
}

io::HttpResponse error_response(const Error& error, int status) {
  return io::HttpResponse::text(status != 0 ? status : http_status(error.code()), error_text(error));
}

io::HttpResponse json_response(const Json& json, int status) {
  return io::HttpResponse::text(status, json.dump());
}

std::string api_docs_markdown() {
  std::string text =
      "# The API\n\n"
      "<!-- Written by `slipway internal api-docs` from the routes themselves; edit src/api/route_table.cpp. "
      "-->\n\n"
      "HTTP/1.1 and JSON over the control plane's unix socket (`<state>/api.sock`, mode 0600). Errors are\n"
      "`{\"error\": {\"code\": \"not_found\", \"message\": \"...\"}}` with the status of their code: invalid "
      "400,\n"
      "forbidden 403, not_found 404, conflict 409, internal 500, unavailable 503, timeout 504, exhausted "
      "507. A stream\n"
      "that cannot go on ends with such an object as its last line. Times are RFC 3339 in UTC; durations are "
      "written\n"
      "`90s`, `10m`, `2h30m`.\n\n"
      "| request | what it does |\n|---|---|\n";
  for (const Route& route : routes())
    text += fmt::format("| `{} {}` | {} |\n", route.method, route.pattern, route.summary);
  for (const Route& route : routes()) {
    text += fmt::format("\n## {} {}\n\n{}\n", route.method, route.pattern, route.summary);
    if (!route.parameters.empty()) text += "\n| parameter | in | meaning |\n|---|---|---|\n";
    for (const RouteParameter& parameter : route.parameters) {
      text += fmt::format("| `{}` | {} | {} |\n", parameter.name, parameter.where, parameter.text);
    }
    text += fmt::format("\n```\n{}\n\n{}\n```\n", route.example, route.answer);
  }
  return text;
}

}  // namespace slipway::api
