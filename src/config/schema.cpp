#include "config/schema.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/schema_text.h"

// A document that breaks the rules of schema.h is a bug of ours, and every test would meet it: hence the
// CHECKs.
namespace slipway::config {

namespace {

// The comment block above one key.
struct Comment {
  std::string heading;
  std::string text;
  std::string rule;
};

void append_words(std::string& to, std::string_view words) {
  if (!to.empty() && !words.empty()) to += ' ';
  to += words;
}

// Takes `prefix` off the front of `text` if it is there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text = trim(text.substr(prefix.size()));
  return true;
}

Comment comment_above(const std::vector<std::string>& lines, int line) {
  int first = line - 1;  // counts from 1; the comment lies in [first, line)
  while (first >= 1 && trim(lines[first - 1]).starts_with('#')) --first;
  Comment comment;
  for (int i = first + 1; i < line; ++i) {
    std::string_view text = trim(lines[i - 1]);
    if (take(text, "#|")) {
      append_words(comment.rule, text);
    } else {
      take(text, "#");
      append_words(comment.text, text);
    }
  }
  // A heading stands in a block of its own, an empty line above the key's.
  if (first >= 2 && trim(lines[first - 1]).empty()) {
    std::string_view above = trim(lines[first - 2]);
    if (take(above, "#=")) comment.heading = above;
  }
  return comment;
}

// The first block of the document: paragraphs between lines of a lone '#'.
std::string introduction_of(const std::vector<std::string>& lines) {
  std::string text;
  std::string paragraph;
  for (const std::string& line : lines) {
    std::string_view words = line;
    if (!take(words, "#")) break;
    if (words.empty()) {
      text += paragraph + "\n\n";
      paragraph.clear();
    } else {
      append_words(paragraph, words);
    }
  }
  return text + paragraph;
}

double number_word(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  CHECK(error == std::errc() && end == word.data() + word.size());
  return value;
}

// "from 1 to 65535", "above 0 to 1", or nothing.
void read_range(std::string_view text, ValueType& type) {
  if (text.empty()) return;
  type.minimum_excluded = take(text, "above ");
  CHECK(type.minimum_excluded || take(text, "from "));
  const size_t to = text.find(" to ");
  CHECK(to != std::string_view::npos);
  type.minimum = number_word(text.substr(0, to));
  type.maximum = number_word(text.substr(to + 4));
}

ValueType read_type(std::string_view text) {
  ValueType type;
  if (take(text, "one of ")) {
    type.kind = ValueKind::Text;
    for (const std::string& choice : split(text, ',')) type.choices.emplace_back(trim(choice));
    return type;
  }
  if (take(text, "list")) {
    type.kind = ValueKind::List;
  } else if (take(text, "map")) {
    type.kind = ValueKind::Map;
  }
  if (type.kind == ValueKind::List || type.kind == ValueKind::Map) {
    if (take(text, "of ")) type.element = read_type(text).kind;
    return type;
  }
  if (take(text, "integer")) {
    type.kind = ValueKind::Integer;
  } else if (take(text, "number")) {
    type.kind = ValueKind::Number;
  } else if (take(text, "boolean")) {
    type.kind = ValueKind::Boolean;
  } else if (take(text, "text")) {
    type.kind = ValueKind::Text;
  } else {
    CHECK(take(text, "anything"));
  }
  read_range(text, type);
  return type;
}

std::vector<ValueType> read_types(std::string_view text) {
  std::vector<ValueType> types;
  for (size_t end = text.find(" or "); end != std::string_view::npos; end = text.find(" or ")) {
    types.push_back(read_type(text.substr(0, end)));
    text.remove_prefix(end + 4);
  }
  types.push_back(read_type(text));
  return types;
}

YamlNode literal(std::string_view text) {
  YamlNode node;
  node.kind = text == "[]" ? YamlKind::List : text == "{}" ? YamlKind::Map : YamlKind::Scalar;
  node.text = text;
  return node;
}

void read_clause(std::string_view clause, SchemaKey& key) {
  if (take(clause, "default:")) {
    key.fallback_words = clause;
  } else if (take(clause, "default ")) {
    key.fallback = literal(clause);
    key.fallback_words = clause;
  } else if (take(clause, "not with ")) {
    key.not_with.emplace_back(clause);
  } else if (take(clause, "also ")) {
    key.other_names.emplace_back(clause);
  } else {
    CHECK(clause == "required");
    key.required = true;
  }
}

// Clauses are separated by ';', but words of a `default:` may contain it: they go on to the end of the rule.
void read_rule(std::string_view rule, SchemaKey& key) {
  size_t end = rule.find(';');
  key.types = read_types(trim(rule.substr(0, end)));
  while (end != std::string_view::npos) {
    rule = trim(rule.substr(end + 1));
    end = rule.starts_with("default:") ? std::string_view::npos : rule.find(';');
    read_clause(trim(rule.substr(0, end)), key);
  }
}

bool holds_maps(const ValueType& type) {
  return type.kind == ValueKind::Map || (type.kind == ValueKind::List && type.element == ValueKind::Map);
}

std::vector<SchemaKey> read_keys(const YamlNode& map, const std::vector<std::string>& lines) {
  std::vector<SchemaKey> keys;
  for (const YamlNode& child : map.children) {
    const Comment comment = comment_above(lines, child.key_at.line);
    CHECK(!comment.rule.empty() && !comment.text.empty());
    SchemaKey key;
    key.name = child.key;
    key.heading = comment.heading;
    key.text = comment.text;
    key.example = child;
    read_rule(comment.rule, key);
    // "map of text" has any keys; a plain "map" has those of its example.
    if (comment.rule.starts_with("map") && !comment.rule.starts_with("map of"))
      key.keys = read_keys(child, lines);
    if (comment.rule.starts_with("list of map")) key.keys = read_keys(child.children.at(0), lines);
    CHECK(key.keys.empty() || std::all_of(key.types.begin(), key.types.end(), holds_maps));
    keys.push_back(std::move(key));
  }
  return keys;
}

Schema read_schema(const SchemaText& source) {
  const YamlDocument document = parse_yaml(source.text);
  CHECK(document.problems.empty());
  const std::vector<std::string> lines = split(source.text, '\n');
  return {std::string(source.name), introduction_of(lines), read_keys(document.root, lines), source.text};
}

std::string_view element_words(ValueKind kind) {
  switch (kind) {
    case ValueKind::Anything:
      return "";
    case ValueKind::Boolean:
      return " of booleans";
    case ValueKind::Integer:
      return " of integers";
    case ValueKind::Number:
      return " of numbers";
    case ValueKind::Text:
      return " of text";
    case ValueKind::List:
      return " of lists";
    case ValueKind::Map:
      return " of maps";
  }
  UNREACHABLE();
}

}  // namespace

std::string ValueType::words() const {
  std::string range;
  if (minimum) range = fmt::format(" {} {} to {}", minimum_excluded ? "above" : "from", *minimum, *maximum);
  switch (kind) {
    case ValueKind::Anything:
      return "anything";
    case ValueKind::Boolean:
      return "true or false";
    case ValueKind::Integer:
      return "an integer" + range;
    case ValueKind::Number:
      return "a number" + range;
    case ValueKind::Text:
      return choices.empty() ? "text" : "one of " + join(choices, ", ");
    case ValueKind::List:
      return fmt::format("a list{}", element_words(element));
    case ValueKind::Map:
      return fmt::format("a map{}", element_words(element));
  }
  UNREACHABLE();
}

std::string SchemaKey::words() const {
  std::string all;
  for (const ValueType& type : types) all += (all.empty() ? "" : " or ") + type.words();
  return all;
}

const Schema& schema(std::string_view name) {
  static const std::map<std::string_view, Schema> schemas = [] {
    std::map<std::string_view, Schema> read;
    for (const SchemaText& source : schema_texts()) read.emplace(source.name, read_schema(source));
    return read;
  }();
  const auto found = schemas.find(name);
  CHECK(found != schemas.end());
  return found->second;
}

const SchemaKey* find_key(const std::vector<SchemaKey>& keys, std::string_view name) {
  for (const SchemaKey& key : keys) {
    if (key.name == name) return &key;
    if (std::find(key.other_names.begin(), key.other_names.end(), name) != key.other_names.end()) return &key;
  }
  return nullptr;
}

}  // namespace slipway::config
