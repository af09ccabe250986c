#include "config/yaml_scalar.h"

#include <charconv>
#include <limits>

#include "base/check.h"

namespace slipway::config {

namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

bool plain(const YamlNode& node) {
  return node.kind == YamlKind::Scalar && !node.quoted;
}

template <class Number, class... Base>
std::optional<Number> whole(std::string_view digits, Base... base) {
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base...);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// The decimal floats of the core schema: [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
// from_chars reads those and more ("inf", "nan"), so the first character decides.
std::optional<double> decimal(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const std::string_view unsigned_digits = digits.starts_with('-') ? digits.substr(1) : digits;
  if (unsigned_digits.empty()) return std::nullopt;
  const char first = unsigned_digits.front();
  const bool dotted =
      first == '.' && unsigned_digits.size() > 1 && unsigned_digits[1] >= '0' && unsigned_digits[1] <= '9';
  if (!dotted && (first < '0' || first > '9')) return std::nullopt;
  if (digits.size() != text.size() && digits.starts_with('-')) return std::nullopt;  // "+-1"
  return whole<double>(digits);
}

}  // namespace

std::optional<bool> boolean_of(const YamlNode& node) {
  if (!plain(node)) return std::nullopt;
  if (one_of(node.text, {"true", "True", "TRUE"})) return true;
  if (one_of(node.text, {"false", "False", "FALSE"})) return false;
  return std::nullopt;
}

std::optional<int64_t> integer_of(const YamlNode& node) {
  if (!plain(node)) return std::nullopt;
  std::string_view text = node.text;
  if (text.starts_with("0o"))
    return text.starts_with("0o-") ? std::nullopt : whole<int64_t>(text.substr(2), 8);
  if (text.starts_with("0x"))
    return text.starts_with("0x-") ? std::nullopt : whole<int64_t>(text.substr(2), 16);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  return whole<int64_t>(text, 10);
}

std::optional<double> number_of(const YamlNode& node) {
  if (!plain(node)) return std::nullopt;
  if (const auto integer = integer_of(node)) return static_cast<double>(*integer);
  const std::string_view text = node.text;
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return std::numeric_limits<double>::infinity();
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -std::numeric_limits<double>::infinity();
  return decimal(text);
}

Json json_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::Null:
      return nullptr;
    case YamlKind::Scalar: {
      if (const auto boolean = boolean_of(node)) return *boolean;
      if (const auto integer = integer_of(node)) return *integer;
      if (const auto number = number_of(node)) return *number;
      return node.text;
    }
    case YamlKind::List: {
      Json::Array array;
      array.reserve(node.children.size());
      for (const YamlNode& child : node.children) array.push_back(json_of(child));
      return array;
    }
    case YamlKind::Map: {
      Json::Object object;
      for (const YamlNode& child : node.children) object.emplace(child.key, json_of(child));
      return object;
    }
  }
  UNREACHABLE();
}

}  // namespace slipway::config
