#include "imports/compose_values.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::imports {

namespace {

bool is_name_character(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

// Takes a variable's name off the front.
std::string_view take_name(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_name_character(text[end], end == 0)) ++end;
  const std::string_view name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

// Takes a decimal number off the front; nullopt when there is none.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || value < 0 || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// Where the brace that is open at the front of `text` closes; npos when it does not.
size_t closing_brace(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

class Interpolation {
 public:
  Interpolation(const Variables& variables, std::vector<std::string>& missing)
      : variables_(variables), missing_(missing) {}

  Result<std::string> run(std::string_view text, int depth) {
    constexpr int kDeepest = 8;  // of defaults that have variables again
    if (depth > kDeepest) return Error(ErrorCode::Invalid, "variables are nested too deeply");
    std::string out;
    while (!text.empty()) {
      const size_t dollar = text.find('$');
      out += text.substr(0, dollar);
      if (dollar == std::string_view::npos) break;
      text.remove_prefix(dollar + 1);
      if (text.starts_with('$')) {
        out += '$';
        text.remove_prefix(1);
      } else if (text.starts_with('{')) {
        const size_t end = closing_brace(text);
        if (end == std::string_view::npos) return Error(ErrorCode::Invalid, "${ is never closed");
        out += TRY(braced(text.substr(1, end - 1), depth));
        text.remove_prefix(end + 1);
      } else {
        const std::string_view name = take_name(text);
        if (name.empty()) return Error(ErrorCode::Invalid, "a lone $, which is written $$");
        out += value_of(name);
      }
    }
    return out;
  }

 private:
  std::string value_of(std::string_view name) {
    const auto found = variables_.find(name);
    if (found != variables_.end()) return found->second;
    missing_.emplace_back(name);
    return {};
  }

  Result<std::string> braced(std::string_view text, int depth) {
    const std::string_view name = take_name(text);
    if (name.empty()) return Error(ErrorCode::Invalid, "${ names no variable");
    if (text.empty()) return value_of(name);
    const bool filled = text.starts_with(':');  // an empty value counts as none
    if (filled) text.remove_prefix(1);
    if (text.empty()) return Error(ErrorCode::Invalid, fmt::format("${{{}: ends too early", name));
    const auto found = variables_.find(name);
    const bool is_set = found != variables_.end() && !(filled && found->second.empty());
    const char operation = text.front();
    const std::string_view words = text.substr(1);
    switch (operation) {
      case '-':
        return is_set ? Result<std::string>(found->second) : run(words, depth + 1);
      case '+':
        return is_set ? run(words, depth + 1) : Result<std::string>(std::string());
      case '?':
        if (is_set) return found->second;
        return Error(ErrorCode::Invalid, fmt::format("{} is not set: {}", name, words));
      default:
        return Error(ErrorCode::Invalid, fmt::format("${{{}{} is no form of a variable", name, operation));
    }
  }

  const Variables& variables_;
  std::vector<std::string>& missing_;
};

}  // namespace

Variables read_variables(std::string_view text) {
  Variables variables;
  for (const std::string& raw : split(text, '\n')) {
    std::string_view line = trim(raw);
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos || equals == 0) continue;
    std::string_view value = trim(line.substr(equals + 1));
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.find(value.front(), 1) != std::string_view::npos;
    if (quoted) {
      value = value.substr(1, value.find(value.front(), 1) - 1);
    } else if (const size_t comment = value.find(" #"); comment != std::string_view::npos) {
      value = trim(value.substr(0, comment));
    }
    variables[std::string(trim(line.substr(0, equals)))] = value;
  }
  return variables;
}

Result<std::string> interpolate(std::string_view text, const Variables& variables,
                                std::vector<std::string>& missing) {
  return Interpolation(variables, missing).run(text, 0);
}

std::optional<double> duration_seconds(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9},
                                                            {"h", 3600},  {"m", 60},    {"s", 1}};
  if (text == "0") return 0;
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto value = take_number(text);
    if (!value) return std::nullopt;
    bool known = false;
    for (const auto& [unit, seconds] : kUnits) {
      if (known || !text.starts_with(unit)) continue;
      known = true;
      total += *value * seconds;
      text.remove_prefix(unit.size());
    }
    if (!known) return std::nullopt;
  }
  return total;
}

std::optional<int64_t> size_mb(std::string_view text) {
  const auto value = take_number(text);
  if (!value) return std::nullopt;
  double bytes = *value;
  if (!text.empty()) {
    constexpr std::string_view kUnits = "bkmg";
    const char letter =
        text.front() >= 'A' && text.front() <= 'Z' ? static_cast<char>(text.front() + 32) : text.front();
    const size_t unit = kUnits.find(letter);
    if (unit == std::string_view::npos) return std::nullopt;
    for (size_t i = 0; i < unit; ++i) bytes *= 1024;
    text.remove_prefix(1);
    if (text != "" && text != "b" && text != "B" && text != "ib" && text != "iB") return std::nullopt;
  }
  constexpr double kMost = 16'777'216;
  return static_cast<int64_t>(std::ceil(std::min(bytes / (1 << 20), kMost)));
}

std::optional<std::vector<std::string>> shell_words(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

}  // namespace slipway::imports
