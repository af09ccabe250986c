#include "cli/yaml.h"

#include <algorithm>
#include <array>

namespace slipway::cli {

namespace {

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
         c == '.' || c == '-';
}

// Words that one of the YAML versions reads as a boolean or as null.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kReserved = {"true", "false", "null", "yes", "no", "on",
                                                                 "off",  "y",     "n",    "nan", "inf"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::ranges::find(kReserved, lower) != kReserved.end();
}

// Plain where nothing can be misunderstood: starts with a letter or slash (so it is no number, date or
// indicator) and has only harmless characters, single blanks among them.
bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved(text)) return false;
  const char first = text.front();
  const bool letter =
      (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/' || first == '_';
  if (!letter || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == ' '; });
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  return is_plain(value.as_string()) ? value.as_string() : json_quote(value.as_string());
}

bool is_block(const Json& value) {
  return (value.is_object() && !value.as_object().empty()) || (value.is_array() && !value.as_array().empty());
}

void write(std::string& out, const Json& value, size_t indent);

// An object's members from the present column on: the first stands where the caller left off (behind "- ").
void write_members(std::string& out, const Json::Object& object, size_t indent) {
  bool first = true;
  for (const auto& [key, member] : object) {
    if (!first) out.append(indent, ' ');
    first = false;
    out += scalar(Json(key)) + ":";
    if (is_block(member)) {
      out += "\n";
      write(out, member, indent + 2);
    } else {
      out += " " + scalar(member) + "\n";
    }
  }
}

void write(std::string& out, const Json& value, size_t indent) {
  if (value.is_object() && !value.as_object().empty()) {
    out.append(indent, ' ');
    write_members(out, value.as_object(), indent);
    return;
  }
  for (const Json& item : value.as_array()) {
    out.append(indent, ' ').append("-");
    if (item.is_object() && !item.as_object().empty()) {
      out += " ";
      write_members(out, item.as_object(), indent + 2);
    } else if (is_block(item)) {
      out += "\n";
      write(out, item, indent + 2);
    } else {
      out += " " + scalar(item) + "\n";
    }
  }
}

}  // namespace

std::string yaml_text(const Json& value) {
  if (!is_block(value)) return scalar(value) + "\n";
  std::string out;
  write(out, value, 0);
  return out;
}

}  // namespace slipway::cli
