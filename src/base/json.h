// A JSON value: what crosses the API, is stored in records and is hashed into revisions.
//
// Objects keep their keys sorted, so one value has one text: dump() is canonical and fit for hashing.
// Integers stay integers. A value owns all its parts; copying is deep.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace slipway {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;
  Json(std::nullptr_t) {}                                // NOLINT: values convert by design, here and below
  Json(bool value) : value_(value) {}                    // NOLINT
  Json(double value) : value_(value) {}                  // NOLINT
  Json(std::string value) : value_(std::move(value)) {}  // NOLINT
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT
  Json(Array value) : value_(std::move(value)) {}               // NOLINT
  Json(Object value) : value_(std::move(value)) {}              // NOLINT
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  Json(Int value) : value_(static_cast<int64_t>(value)) {}  // NOLINT

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Readers never fail: the fallback stands in for a value that is absent or of another kind.
  bool as_bool(bool fallback = false) const;
  int64_t as_int(int64_t fallback = 0) const;
  double as_double(double fallback = 0) const;
  const std::string& as_string() const;  // empty for another kind
  const Array& as_array() const;         // empty for another kind
  const Object& as_object() const;       // empty for another kind

  // Member `key` of an object; a null value when absent or when this is no object.
  const Json& at(std::string_view key) const;
  bool has(std::string_view key) const { return as_object().contains(key); }
  // For building: turns a null value into an object (or an array) first.
  Json& operator[](std::string_view key);
  void push_back(Json value);

  // Compact text, keys sorted; with indent > 0, one member a line.
  std::string dump(int indent = 0) const;
  // Invalid with line and column. Nesting is limited to 64 levels, which no message of ours comes near.
  static Result<Json> parse(std::string_view text);

  bool operator==(const Json&) const = default;

 private:
  void dump_to(std::string& out, int indent, int depth) const;

  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_ = nullptr;
};

// `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD, so the result is always
// valid.
std::string json_quote(std::string_view text);

}  // namespace slipway
