#include "config/override_comment.h"

#include "base/text.h"

namespace slipway::config {

namespace {

// "(PROJ-123)" at the front, blanks aside.
bool begins_with_ticket(std::string_view text) {
  text = trim(text);
  if (!text.starts_with('(')) return false;
  text.remove_prefix(1);
  const auto count = [&](char least, char most) {
    size_t length = 0;
    while (length < text.size() && text[length] >= least && text[length] <= most) ++length;
    text.remove_prefix(length);
    return length;
  };
  if (count('A', 'Z') == 0 || !text.starts_with('-')) return false;
  text.remove_prefix(1);
  return count('0', '9') > 0 && text.starts_with(')');
}

bool line_has(std::string_view line, std::string_view name) {
  const size_t comment = line.find('#');
  if (comment == std::string_view::npos) return false;
  const std::string_view words = trim(line.substr(comment + 1));
  return words.starts_with(name) && begins_with_ticket(words.substr(name.size()));
}

// "cpus: 4" of "  cpus:  4  # why".
bool says(std::string_view line, const YamlNode& value) {
  line = trim(line.substr(0, line.find('#')));
  if (!line.starts_with(value.key)) return false;
  line = trim(line.substr(value.key.size()));
  return line.starts_with(':') && trim(line.substr(1)) == value.text;
}

}  // namespace

bool has_override(std::string_view text, const YamlNode& value, std::string_view name) {
  int number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    const bool here = number == value.key_at.line || number == value.at.line;
    if (line_has(line, name) && (here || says(line, value))) return true;
  }
  return false;
}

}  // namespace slipway::config
