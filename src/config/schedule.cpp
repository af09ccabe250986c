#include "config/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "config/yaml.h"

namespace slipway::config {

namespace {

using Names = std::span<const std::string_view>;
using Problem = std::optional<std::string>;

constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 12> kLongMonths = {"january",   "february", "march",    "april",
                                                          "may",       "june",     "july",     "august",
                                                          "september", "october",  "november", "december"};

bool holds(Names names, std::string_view word) {
  return std::ranges::find(names, word) != names.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& line : split(text, '\n')) {
    for (const std::string& word : split(line, ' ')) {
      if (!trim(word).empty()) words.emplace_back(trim(word));
    }
  }
  return words;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) {
  return quote_for_message(text);
}

// ---- cron

struct Field {
  std::string_view name;
  int least;
  int most;
  Names names;  // names[0] means `least`
};

const std::array<Field, 5> kFields = {{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day of the month", 1, 31, {}},
                                       {"month", 1, 12, kMonths},
                                       {"day of the week", 0, 7, kDays}}};

std::optional<int> cron_value(const Field& field, std::string_view text) {
  if (const auto value = number(text)) return value;
  const auto found = std::ranges::find(field.names, lower(text));
  if (found == field.names.end()) return std::nullopt;
  return field.least + static_cast<int>(found - field.names.begin());
}

// "5", "1-5", "*", each with "/2" behind it.
Problem cron_part(const Field& field, std::string_view part) {
  const std::string whole(part);
  if (const size_t slash = part.find('/'); slash != std::string_view::npos) {
    const auto step = number(part.substr(slash + 1));
    if (!step || *step == 0) return fmt::format("{} in {} has no step", quoted(whole), field.name);
    part = part.substr(0, slash);
  }
  if (part == "*" || part == "?") return std::nullopt;
  if (part == "L" && field.name == "day of the month") return std::nullopt;
  const size_t dash = part.find('-');
  const auto first = cron_value(field, part.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : cron_value(field, part.substr(dash + 1));
  if (!first || !last) return fmt::format("{} is no {}", quoted(whole), field.name);
  for (const int value : {*first, *last}) {
    if (value < field.least || value > field.most) {
      return fmt::format("{} is no {}: it should be from {} to {}", value, field.name, field.least,
                         field.most);
    }
  }
  const bool around_the_week = field.name == "day of the week" && *last == 0;
  if (*first > *last && !around_the_week)
    return fmt::format("{} in {} ends before it begins", quoted(whole), field.name);
  return std::nullopt;
}

Problem cron_problem(std::span<const std::string> fields) {
  constexpr std::array<std::string_view, 7> kNicknames = {"@yearly", "@annually", "@monthly", "@weekly",
                                                          "@daily",  "@midnight", "@hourly"};
  if (fields.size() == 1 && fields[0].starts_with('@')) {
    if (holds(kNicknames, fields[0])) return std::nullopt;
    return fmt::format("{} is no schedule of cron", quoted(fields[0]));
  }
  if (fields.size() != kFields.size()) {
    return fmt::format("cron has {} fields, and should have 5", fields.size());
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const std::string& part : split(fields[i], ',')) {
      if (auto problem = cron_part(kFields[i], part)) return problem;
    }
  }
  const auto any = [&](size_t i) { return fields[i] == "*" || fields[i] == "?"; };
  if (!any(2) && !any(4)) return "cron names both days of the month and days of the week";
  return std::nullopt;
}

// ---- times of day

Problem time_problem(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  constexpr std::array<int, 3> kMost = {23, 59, 59};
  const auto wrong = [&] {
    return fmt::format("{} is no time of day: it should be such as 14:30", quoted(text));
  };
  if (parts.size() < 2 || parts.size() > 3) return wrong();
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto value = number(parts[i]);
    if (!value || *value > kMost[i] || parts[i].size() > 2) return wrong();
  }
  return std::nullopt;
}

Problem daily_problem(std::span<const std::string> words) {
  if (words.size() > 2) return "daily takes a time and letters of days, and nothing more";
  if (words.empty()) return std::nullopt;
  if (auto problem = time_problem(words[0])) return problem;
  if (words.size() == 1) return std::nullopt;
  for (const char c : lower(words[1])) {
    if (std::string_view("umtwrfs").find(c) == std::string_view::npos) {
      return fmt::format("{} is no day: the letters are u m t w r f s, from Sunday on",
                         quoted(std::string(1, c)));
    }
  }
  return std::nullopt;
}

// ---- "1st,3rd mon of jan at 14:30"

bool is_ordinal(std::string_view word) {
  size_t digits = 0;
  while (digits < word.size() && word[digits] >= '0' && word[digits] <= '9') ++digits;
  constexpr std::array<std::string_view, 4> kEndings = {"st", "nd", "rd", "th"};
  const auto value = number(word.substr(0, digits));
  return value && *value >= 1 && *value <= 31 && holds(kEndings, word.substr(digits));
}

Problem list_problem(std::string_view text, Names names, Names long_names, std::string_view what) {
  for (const std::string& part : split(text, ',')) {
    const std::string word = lower(part);
    if (word.empty() || (!holds(names, word) && !holds(long_names, word))) {
      return fmt::format("{} is no {}", quoted(part), what);
    }
  }
  return std::nullopt;
}

Problem groc_problem(std::vector<std::string> words) {
  size_t next = 0;
  const auto word = [&] { return next < words.size() ? lower(words[next]) : std::string(); };
  if (word() == "every") {
    ++next;
  } else {
    for (const std::string& part : split(word(), ',')) {
      if (!is_ordinal(part)) return fmt::format("{} begins no schedule", quoted(words[0]));
    }
    ++next;
  }
  if (word().empty()) return "the days are missing: it should go on with day, or mon,tue";
  if (word() != "day") {
    if (auto problem = list_problem(word(), kDays, kLongDays, "day of the week")) return problem;
  }
  ++next;
  if (word() == "of" || word() == "in") {
    ++next;
    if (word() != "month") {
      if (auto problem = list_problem(word(), kMonths, kLongMonths, "month")) return problem;
    }
    ++next;
  }
  if (word() == "at") ++next;
  if (word().empty()) return "the time of day is missing: it should end with such as 14:30";
  if (auto problem = time_problem(word())) return problem;
  if (next + 1 != words.size()) return fmt::format("{} stands behind the end", quoted(words[next + 1]));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> schedule_problem(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  if (words.empty()) return "the schedule is empty";
  const std::string first = lower(words[0]);
  const std::span<const std::string> rest(words.data() + 1, words.size() - 1);
  if (first == "cron") return cron_problem(rest);
  if (first == "daily") return daily_problem(rest);
  if (first == "interval") return "schedules by interval are not run any more";
  if (first == "groc") return groc_problem({words.begin() + 1, words.end()});
  // "00:30:00 MWF": the time alone, as it was written once.
  if (!time_problem(words[0])) return daily_problem(words);
  return groc_problem(words);
}

std::optional<std::string> delta_problem(std::string_view text) {
  constexpr std::array<std::string_view, 14> kUnits = {
      "d", "day", "days", "h", "hr", "hrs", "hour", "hours", "m", "min", "mins", "minute", "minutes", "s"};
  constexpr std::array<std::string_view, 4> kMoreUnits = {"sec", "secs", "second", "seconds"};
  const std::string_view trimmed = trim(text);
  size_t digits = 0;
  while (digits < trimmed.size() && trimmed[digits] >= '0' && trimmed[digits] <= '9') ++digits;
  const std::string unit = lower(trim(trimmed.substr(digits)));
  if (digits > 0 && (holds(kUnits, unit) || holds(kMoreUnits, unit))) return std::nullopt;
  return fmt::format("{} is no length of time: it should be such as 90 min, 2h or 1 day", quoted(text));
}

}  // namespace slipway::config
