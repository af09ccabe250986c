#include "config/yaml11.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/yaml_scalar.h"

namespace slipway::config {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A reader of one text, a character or a run of them at a time.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char take_any(std::string_view of) {
    if (rest_.empty() || of.find(rest_.front()) == std::string_view::npos) return 0;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  // At least `least` and at most `most` characters of these.
  std::optional<std::string_view> run(std::string_view of, size_t least = 1, size_t most = SIZE_MAX) {
    const size_t length = std::min({rest_.find_first_not_of(of), rest_.size(), most});
    if (length < least) return std::nullopt;
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDigitsAndBars = "0123456789_";

std::string without_bars(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

// Digits of base 2, 8, 10 or 16 as a decimal number of any length.
Scalar11 integer_of_digits(std::string_view digits, int base, bool negative) {
  const std::string text = (negative ? "-" : "") + std::string(digits);
  int64_t small = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), small, base);
  if (error == std::errc() && end == text.data() + text.size()) return small;
  constexpr uint64_t kLimb = 1'000'000'000;
  std::vector<uint64_t> limbs = {0};  // least first
  for (const char c : digits) {
    uint64_t carry = static_cast<uint64_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    for (uint64_t& limb : limbs) {
      const uint64_t value = limb * static_cast<uint64_t>(base) + carry;
      limb = value % kLimb;
      carry = value / kLimb;
    }
    if (carry > 0) limbs.push_back(carry);
  }
  std::string decimal = (negative ? "-" : "") + std::to_string(limbs.back());
  for (size_t i = limbs.size() - 1; i-- > 0;) decimal += fmt::format("{:09}", limbs[i]);
  return LongInteger{std::move(decimal)};
}

// The parts of "1:30:05", which count in sixties.
Scalar11 sexagesimal(std::string_view text, bool negative) {
  int64_t value = 0;
  for (const std::string& part : split(text, ':')) {
    int64_t digits = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), digits);
    if (error != std::errc() || __builtin_mul_overflow(value, 60, &value) ||
        __builtin_add_overflow(value, digits, &value))
      return NoScalar{};
  }
  return negative ? -value : value;
}

// `(:[0-5]?[0-9])+` in front.
bool take_sixties(Cursor& cursor) {
  bool any = false;
  while (cursor.take(':')) {
    any = true;
    const auto digits = cursor.run(kDigits, 1, 2);
    if (!digits || (digits->size() == 2 && digits->front() > '5')) return false;
  }
  return any;
}

std::optional<Scalar11> integer_form(std::string_view text) {
  Cursor cursor(text);
  const bool negative = cursor.take_any("+-") == '-';
  const std::string_view digits = cursor.rest();
  if (cursor.take('0')) {
    if (cursor.done()) return int64_t{0};
    const int base = cursor.take('b') ? 2 : cursor.take('x') ? 16 : 8;
    const auto run = cursor.run(base == 2 ? "01_" : base == 8 ? "01234567_" : "0123456789abcdefABCDEF_");
    if (!run || !cursor.done()) return std::nullopt;
    const std::string bare = without_bars(*run);
    if (bare.empty()) return base == 8 ? Scalar11(int64_t{0}) : Scalar11(NoScalar{});
    return integer_of_digits(bare, base, negative);
  }
  if (!cursor.run(kDigits, 1, 1) || !cursor.run(kDigitsAndBars, 0)) return std::nullopt;
  if (cursor.done()) return integer_of_digits(without_bars(digits), 10, negative);
  if (!take_sixties(cursor) || !cursor.done()) return std::nullopt;
  return sexagesimal(without_bars(digits), negative);
}

// `[eE][-+][0-9]+` in front, or nothing.
bool take_exponent(Cursor& cursor) {
  if (cursor.take_any("eE") == 0) return true;
  return cursor.take_any("+-") != 0 && cursor.run(kDigits).has_value();
}

double float_of_digits(std::string_view text, bool negative) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: Python has infinity and zero there.
    const bool large = text.find("e-") == std::string_view::npos && text.find("E-") == std::string_view::npos;
    value = large ? std::numeric_limits<double>::infinity() : 0;
  }
  return negative ? -value : value;
}

std::optional<Scalar11> float_form(std::string_view text) {
  Cursor cursor(text);
  const char sign = cursor.take_any("+-");
  const bool negative = sign == '-';
  const std::string_view body = cursor.rest();
  if (body == ".inf" || body == ".Inf" || body == ".INF") {
    const double infinite = std::numeric_limits<double>::infinity();
    return negative ? -infinite : infinite;
  }
  if (sign == 0 && (body == ".nan" || body == ".NaN" || body == ".NAN"))
    return std::numeric_limits<double>::quiet_NaN();
  if (cursor.take('.')) {
    if (sign != 0 || !cursor.run(kDigits, 1, 1) || !cursor.run(kDigitsAndBars, 0)) return std::nullopt;
    if (!take_exponent(cursor) || !cursor.done()) return std::nullopt;
    return float_of_digits("0" + without_bars(body), negative);
  }
  if (!cursor.run(kDigits, 1, 1) || !cursor.run(kDigitsAndBars, 0)) return std::nullopt;
  if (cursor.take('.')) {
    cursor.run(kDigitsAndBars, 0);
    if (!take_exponent(cursor) || !cursor.done()) return std::nullopt;
    return float_of_digits(without_bars(body), negative);
  }
  if (!take_sixties(cursor) || !cursor.take('.')) return std::nullopt;
  cursor.run(kDigitsAndBars, 0);
  if (!cursor.done()) return std::nullopt;
  // Summed from the last part on, as Python does: the rounding depends on it.
  std::vector<std::string> parts = split(without_bars(body), ':');
  double value = 0, base = 1;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    value += float_of_digits(*part, false) * base;
    base *= 60;
  }
  return negative ? -value : value;
}

// ---- dates

struct Moment {
  int year = 0, month = 0, day = 0;
  bool timed = false;
  int hour = 0, minute = 0, second = 0, micros = 0;
  std::optional<int> offset;  // minutes east of Greenwich
};

int number_of_digits(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool take_number(Cursor& cursor, size_t least, size_t most, int& out) {
  const auto digits = cursor.run(kDigits, least, most);
  if (!digits) return false;
  out = number_of_digits(*digits);
  return true;
}

bool take_zone(Cursor& cursor, Moment& moment) {
  cursor.run(" \t", 0);
  if (cursor.done()) return true;
  if (cursor.take('Z')) {
    moment.offset = 0;
    return true;
  }
  const char sign = cursor.take_any("+-");
  int hours = 0, minutes = 0;
  if (sign == 0 || !take_number(cursor, 1, 2, hours)) return false;
  if (cursor.take(':') && !take_number(cursor, 2, 2, minutes)) return false;
  moment.offset = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  return true;
}

bool take_time(Cursor& cursor, Moment& moment) {
  moment.timed = true;
  if (cursor.take_any("Tt") == 0 && !cursor.run(" \t")) return false;
  if (!take_number(cursor, 1, 2, moment.hour) || !cursor.take(':') ||
      !take_number(cursor, 2, 2, moment.minute) || !cursor.take(':') ||
      !take_number(cursor, 2, 2, moment.second))
    return false;
  if (cursor.take('.')) {
    std::string fraction(cursor.run(kDigits, 0)->substr(0, 6));
    fraction.resize(6, '0');
    moment.micros = number_of_digits(fraction);
  }
  // "12:00:00 " with nothing behind it is no such form.
  const bool blank_end =
      !cursor.rest().empty() && (cursor.rest().back() == ' ' || cursor.rest().back() == '\t');
  return !blank_end && take_zone(cursor, moment);
}

bool is_real(const Moment& moment) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (moment.year < 1 || moment.month < 1 || moment.month > 12 || moment.day < 1) return false;
  const bool leap = (moment.year % 4 == 0 && moment.year % 100 != 0) || moment.year % 400 == 0;
  const int days = kDays[static_cast<size_t>(moment.month - 1)] + (moment.month == 2 && leap ? 1 : 0);
  if (moment.day > days || moment.hour > 23 || moment.minute > 59 || moment.second > 59) return false;
  return !moment.offset || std::abs(*moment.offset) < 24 * 60;
}

std::string offset_code(int minutes) {
  if (minutes == 0) return "datetime.timezone.utc";
  // A negative time span is written as days before and seconds of the day.
  const int seconds = (minutes < 0 ? minutes + 24 * 60 : minutes) * 60;
  return fmt::format("datetime.timezone(datetime.timedelta({}seconds={}))", minutes < 0 ? "days=-1, " : "",
                     seconds);
}

Date date_of(const Moment& moment) {
  Date date;
  date.text = fmt::format("{:04}-{:02}-{:02}", moment.year, moment.month, moment.day);
  if (!moment.timed) {
    date.code = fmt::format("datetime.date({}, {}, {})", moment.year, moment.month, moment.day);
    return date;
  }
  date.text += fmt::format(" {:02}:{:02}:{:02}", moment.hour, moment.minute, moment.second);
  if (moment.micros != 0) date.text += fmt::format(".{:06}", moment.micros);
  date.code = fmt::format("datetime.datetime({}, {}, {}, {}, {}", moment.year, moment.month, moment.day,
                          moment.hour, moment.minute);
  if (moment.second != 0 || moment.micros != 0) date.code += fmt::format(", {}", moment.second);
  if (moment.micros != 0) date.code += fmt::format(", {}", moment.micros);
  if (moment.offset) {
    const int away = std::abs(*moment.offset);
    date.text += fmt::format("{}{:02}:{:02}", *moment.offset < 0 ? '-' : '+', away / 60, away % 60);
    date.code += ", tzinfo=" + offset_code(*moment.offset);
  }
  date.code += ")";
  return date;
}

std::optional<Scalar11> date_form(std::string_view text) {
  Cursor cursor(text);
  Moment moment;
  if (!take_number(cursor, 4, 4, moment.year) || !cursor.take('-')) return std::nullopt;
  const auto month = cursor.run(kDigits, 1, 2);
  if (!month || !cursor.take('-')) return std::nullopt;
  const auto day = cursor.run(kDigits, 1, 2);
  if (!day) return std::nullopt;
  moment.month = number_of_digits(*month);
  moment.day = number_of_digits(*day);
  if (cursor.done()) {
    if (month->size() != 2 || day->size() != 2) return std::nullopt;
  } else if (!take_time(cursor, moment) || !cursor.done()) {
    return std::nullopt;
  }
  if (!is_real(moment)) return NoScalar{};
  return date_of(moment);
}

std::optional<bool> word_form(std::string_view text) {
  for (const std::string_view word : {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

Scalar11 tagged(const YamlNode& node) {
  const auto or_none = [](std::optional<Scalar11> value) { return value ? *value : Scalar11(NoScalar{}); };
  switch (node.tag) {
    case YamlTag::Bool:
      if (const auto word = word_form(node.text)) return *word;
      return NoScalar{};
    case YamlTag::Int:
      return or_none(integer_form(node.text));
    case YamlTag::Float:
      if (auto number = float_form(node.text)) return *number;
      if (auto whole = integer_form(node.text)) {
        if (const auto* value = std::get_if<int64_t>(&*whole)) return static_cast<double>(*value);
      }
      return NoScalar{};
    case YamlTag::Timestamp:
      return or_none(date_form(node.text));
    case YamlTag::Null:
      return nullptr;
    case YamlTag::None:
      break;
  }
  UNREACHABLE();
}

// ---- Python's way of writing

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string_view shortest(buffer, static_cast<size_t>(end - buffer));
  const size_t at = shortest.find('e');
  int exponent = 0;
  std::string_view digits = shortest.substr(at + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", shortest.substr(0, at), exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  const auto plain = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  std::string text(buffer, plain);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string string_code(std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string scalar_text(const Scalar11& value, bool as_code) {
  struct Writer {
    bool as_code;
    std::string operator()(std::nullptr_t) const { return "None"; }
    std::string operator()(bool truth) const { return truth ? "True" : "False"; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(const LongInteger& number) const { return number.digits; }
    std::string operator()(double number) const { return float_text(number); }
    std::string operator()(const Date& date) const { return as_code ? date.code : date.text; }
    std::string operator()(const std::string& text) const { return as_code ? string_code(text) : text; }
    std::string operator()(const NoScalar&) const { return ""; }
  };
  return std::visit(Writer{as_code}, value);
}

// As Python's repr() has it.
std::string code_11(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::Null:
    case YamlKind::Scalar:
      return scalar_text(scalar_11(node), true);
    case YamlKind::List: {
      std::vector<std::string> items;
      for (const YamlNode& child : node.children) items.push_back(code_11(child));
      return "[" + join(items, ", ") + "]";
    }
    case YamlKind::Map: {
      std::vector<std::string> items;
      for (const YamlNode& child : node.children)
        items.push_back(string_code(child.key) + ": " + code_11(child));
      return "{" + join(items, ", ") + "}";
    }
  }
  UNREACHABLE();
}

}  // namespace

Scalar11 scalar_11(const YamlNode& node) {
  if (node.kind == YamlKind::Null) return nullptr;
  if (node.tag != YamlTag::None) return tagged(node);
  if (node.quoted || node.text.empty()) return node.text;
  const char first = node.text.front();
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    if (auto number = float_form(node.text)) return *number;
    if (auto number = integer_form(node.text)) return *number;
    if (auto date = date_form(node.text)) return *date;
    return node.text;
  }
  if (node.text == "=") return NoScalar{};
  if (const auto word = word_form(node.text)) return *word;
  return node.text;
}

std::optional<double> number_11(const YamlNode& node) {
  if (node.kind != YamlKind::Scalar) return std::nullopt;
  const Scalar11 value = scalar_11(node);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  return std::nullopt;
}

std::optional<int64_t> integer_11(const YamlNode& node) {
  const auto number = number_11(node);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) return std::nullopt;
  return static_cast<int64_t>(*number);
}

bool truth_11(const YamlNode& node) {
  if (node.kind == YamlKind::List || node.kind == YamlKind::Map) return !node.children.empty();
  const Scalar11 value = scalar_11(node);
  if (std::holds_alternative<std::nullptr_t>(value)) return false;
  if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
  const auto number = number_11(node);
  return !number || *number != 0;
}

Json json_11(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::Null:
      return nullptr;
    case YamlKind::Scalar: {
      const Scalar11 value = scalar_11(node);
      if (const auto* truth = std::get_if<bool>(&value)) return *truth;
      if (const auto* number = std::get_if<int64_t>(&value)) return *number;
      if (const auto* number = std::get_if<double>(&value); number != nullptr && std::isfinite(*number))
        return *number;
      if (std::holds_alternative<std::nullptr_t>(value)) return nullptr;
      return scalar_text(value, false);
    }
    case YamlKind::List: {
      Json::Array array;
      array.reserve(node.children.size());
      for (const YamlNode& child : node.children) array.push_back(json_11(child));
      return array;
    }
    case YamlKind::Map: {
      Json::Object object;
      for (const YamlNode& child : node.children) object.emplace(child.key, json_11(child));
      return object;
    }
  }
  UNREACHABLE();
}

std::string text_11(const YamlNode& node) {
  const bool scalar = node.kind == YamlKind::Null || node.kind == YamlKind::Scalar;
  return scalar ? scalar_text(scalar_11(node), false) : code_11(node);
}

std::string key_11(const YamlNode& node) {
  const Scalar11 value = scalar_11(node);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (std::holds_alternative<std::nullptr_t>(value)) return "null";
  if (std::holds_alternative<NoScalar>(value)) return node.text;
  return scalar_text(value, false);
}

bool differs_from_12(const YamlNode& node) {
  if (node.kind != YamlKind::Scalar || node.quoted || node.tag != YamlTag::None || node.text.empty())
    return false;
  const char first = node.text.front();
  constexpr std::string_view kFirst = "+-.0123456789yYnNtTfFoO=";
  if (kFirst.find(first) == std::string_view::npos) return false;
  const Scalar11 value = scalar_11(node);
  if (std::holds_alternative<Date>(value) || std::holds_alternative<NoScalar>(value)) return true;
  if (const auto* truth = std::get_if<bool>(&value)) return boolean_of(node) != *truth;
  if (const auto* whole = std::get_if<int64_t>(&value)) return integer_of(node) != *whole;
  if (const auto* number = std::get_if<double>(&value)) {
    return !std::isnan(*number) && (integer_of(node).has_value() || number_of(node) != *number);
  }
  if (std::holds_alternative<LongInteger>(value)) return false;
  return boolean_of(node).has_value() || number_of(node).has_value();
}

}  // namespace slipway::config
