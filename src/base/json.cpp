#include "base/json.h"

#include <charconv>
#include <cmath>

#include <boost/json/src.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace slipway {

namespace {

const Json kNull;
const std::string kEmptyString;
const Json::Array kEmptyArray;
const Json::Object kEmptyObject;

Json convert(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return nullptr;
    case boost::json::kind::bool_:
      return value.get_bool();
    case boost::json::kind::int64:
      return value.get_int64();
    case boost::json::kind::uint64:
      return static_cast<double>(value.get_uint64());
    case boost::json::kind::double_:
      return value.get_double();
    case boost::json::kind::string:
      return std::string(value.get_string());
    case boost::json::kind::array: {
      Json::Array array;
      array.reserve(value.get_array().size());
      for (const auto& item : value.get_array()) array.push_back(convert(item));
      return array;
    }
    case boost::json::kind::object: {
      Json::Object object;
      for (const auto& [key, item] : value.get_object()) object[std::string(key)] = convert(item);
      return object;
    }
  }
  return nullptr;
}

// The shortest text that reads back as the same double; JSON has no infinities, so those become null.
std::string number_text(double number) {
  if (!std::isfinite(number)) return "null";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return std::string(buffer, end);
}

}  // namespace

bool Json::as_bool(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value ? *value : fallback;
}

int64_t Json::as_int(int64_t fallback) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  // 2^53: beyond it a double no longer names one integer.
  const double* real = std::get_if<double>(&value_);
  return real && std::abs(*real) <= 9007199254740992.0 ? static_cast<int64_t>(*real) : fallback;
}

double Json::as_double(double fallback) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  const double* real = std::get_if<double>(&value_);
  return real ? *real : fallback;
}

const std::string& Json::as_string() const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value ? *value : kEmptyString;
}

const Json::Array& Json::as_array() const {
  const Array* value = std::get_if<Array>(&value_);
  return value ? *value : kEmptyArray;
}

const Json::Object& Json::as_object() const {
  const Object* value = std::get_if<Object>(&value_);
  return value ? *value : kEmptyObject;
}

const Json& Json::at(std::string_view key) const {
  const Object& object = as_object();
  const auto it = object.find(key);
  return it == object.end() ? kNull : it->second;
}

Json& Json::operator[](std::string_view key) {
  if (!is_object()) value_ = Object();
  return std::get<Object>(value_)[std::string(key)];
}

void Json::push_back(Json value) {
  if (!is_array()) value_ = Array();
  std::get<Array>(value_).push_back(std::move(value));
}

std::string Json::dump(int indent) const {
  std::string out;
  dump_to(out, indent, 0);
  return out;
}

void Json::dump_to(std::string& out, int indent, int depth) const {
  const auto line = [&](int level) {
    if (indent > 0) out.append("\n").append(static_cast<size_t>(indent * level), ' ');
  };
  if (is_null()) {
    out += "null";
  } else if (is_bool()) {
    out += as_bool() ? "true" : "false";
  } else if (is_int()) {
    out += std::to_string(as_int());
  } else if (is_number()) {
    out += number_text(as_double());
  } else if (is_string()) {
    out += json_quote(as_string());
  } else if (is_array()) {
    out += '[';
    for (size_t i = 0; i < as_array().size(); ++i) {
      if (i > 0) out += ',';
      line(depth + 1);
      as_array()[i].dump_to(out, indent, depth + 1);
    }
    if (!as_array().empty()) line(depth);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : as_object()) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      out += json_quote(key);
      out += indent > 0 ? ": " : ":";
      value.dump_to(out, indent, depth + 1);
    }
    if (!first) line(depth);
    out += '}';
  }
}

Result<Json> Json::parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 64;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    return Error(ErrorCode::Invalid, fmt::format("JSON at byte {}: more text after the value", read));
  }
  if (error) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(read), '\n');
    return Error(ErrorCode::Invalid,
                 fmt::format("JSON at line {}, byte {}: {}", line, read, error.message()));
  }
  return convert(parser.release());
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const size_t length = utf8_length(text.substr(i));
      if (length == 0) {
        out += "\xEF\xBF\xBD";
        ++i;
      } else {
        out += text.substr(i, length);
        i += length;
      }
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04x}", c);
        } else {
          out += static_cast<char>(c);
        }
    }
  }
  return out + "\"";
}

}  // namespace slipway
