#include "config/schema_check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/yaml11.h"
#include "config/yaml_scalar.h"

namespace slipway::config {

namespace {

bool within(double value, const ValueType& type) {
  if (!std::isfinite(value)) return false;
  if (!type.minimum) return true;
  return (type.minimum_excluded ? value > *type.minimum : value >= *type.minimum) && value <= *type.maximum;
}

bool is_of_kind(const YamlNode& value, ValueKind kind) {
  switch (kind) {
    case ValueKind::Anything:
      return value.kind != YamlKind::Null;
    case ValueKind::Boolean:
      return boolean_of(value).has_value();
    case ValueKind::Integer:
      return integer_of(value).has_value();
    case ValueKind::Number:
      return number_of(value).has_value();
    case ValueKind::Text:
      return value.kind == YamlKind::Scalar;
    case ValueKind::List:
      return value.kind == YamlKind::List;
    case ValueKind::Map:
      return value.kind == YamlKind::Map;
  }
  UNREACHABLE();
}

bool fits_type(const YamlNode& value, const ValueType& type) {
  if (!is_of_kind(value, type.kind)) return false;
  switch (type.kind) {
    case ValueKind::Integer:
    case ValueKind::Number:
      return within(*number_of(value), type);
    case ValueKind::Text:
      return type.choices.empty() ||
             std::find(type.choices.begin(), type.choices.end(), value.text) != type.choices.end();
    case ValueKind::Anything:
    case ValueKind::Boolean:
    case ValueKind::List:
    case ValueKind::Map:
      return true;
  }
  UNREACHABLE();
}

const ValueType* type_for(const YamlNode& value, const SchemaKey& key) {
  for (const ValueType& type : key.types) {
    if (fits_type(value, type)) return &type;
  }
  return nullptr;
}

// Right but for its quotes: the most frequent reason for "is the text".
bool fits_without_quotes(const YamlNode& value, const SchemaKey& key) {
  if (!value.quoted) return false;
  YamlNode bare = value;
  bare.quoted = false;
  return fits(bare, key);
}

std::string wanted(const YamlNode& value, const SchemaKey& key) {
  if (fits_without_quotes(value, key)) return "remove the quotes";
  std::string hint = fmt::format("it should be {}", key.words());
  if (key.types.size() == 1 && !key.types[0].choices.empty()) {
    const auto near = did_you_mean(value.text.substr(0, 64), key.types[0].choices);
    return near ? fmt::format("did you mean {}? {}", *near, hint) : hint;
  }
  const bool number = key.types[0].kind == ValueKind::Integer || key.types[0].kind == ValueKind::Number;
  if (number) hint += fmt::format(", such as {}", key.example.text);
  return hint;
}

std::string unknown_hint(std::string_view name, const std::vector<SchemaKey>& keys, std::string_view path,
                         std::string_view section) {
  constexpr size_t kLongestWord = 64;  // what is longer was never meant as a key of ours
  std::vector<std::string> names;
  for (const SchemaKey& key : keys) names.push_back(key.name);
  const auto near = name.size() > kLongestWord ? std::nullopt : did_you_mean(name, names);
  if (near) return fmt::format("did you mean {}?", *near);
  if (!path.empty()) return fmt::format("the keys here are {}", join(names, ", "));
  return fmt::format("\"slipway config docs {}\" lists the keys", section);
}

// Files move between systems: what YAML 1.1 would read otherwise is told, wherever more than its text counts.
void check_versions(const YamlNode& value, const std::string& path, std::vector<Finding>& findings) {
  for (const YamlNode& child : value.children) {
    const bool map = value.kind == YamlKind::Map;
    check_versions(child, map ? path + "." + child.key : path, findings);
  }
  if (!differs_from_12(value)) return;
  findings.push_back({value.at,
                      fmt::format("{} is {} by YAML 1.2, which counts here, and {} by YAML 1.1",
                                  printable(path), json_of(value).dump(), json_11(value).dump()),
                      "write it so that both agree",
                      {},
                      model::Severity::Warning});
}

void check_elements(const YamlNode& value, const ValueType& type, const std::string& path,
                    std::vector<Finding>& findings) {
  for (size_t i = 0; i < value.children.size(); ++i) {
    const YamlNode& child = value.children[i];
    if (is_of_kind(child, type.element)) continue;
    const std::string name =
        value.kind == YamlKind::List ? fmt::format("{}[{}]", path, i) : path + "." + child.key;
    ValueType wanted_type;
    wanted_type.kind = type.element;
    findings.push_back({child.at,
                        fmt::format("{} {}", printable(name), what_stands(child)),
                        fmt::format("it should be {}", wanted_type.words()),
                        {}});
  }
}

void check_value(const YamlNode& value, const SchemaKey& key, const std::string& path,
                 std::string_view section, std::vector<Finding>& findings) {
  const ValueType* type = type_for(value, key);
  if (type == nullptr) {
    findings.push_back({value.at, fmt::format("{} {}", path, what_stands(value)), wanted(value, key), {}});
    return;
  }
  const bool text = type->kind == ValueKind::Text || type->element == ValueKind::Text;
  if (!text && key.keys.empty()) check_versions(value, path, findings);
  if (type->kind == ValueKind::Map && !key.keys.empty()) {
    check_map(value, key.keys, path + ".", section, findings);
  } else if (type->kind == ValueKind::List || type->kind == ValueKind::Map) {
    check_elements(value, *type, path, findings);
  }
  if (type->kind != ValueKind::List || key.keys.empty()) return;
  for (size_t i = 0; i < value.children.size(); ++i) {
    if (value.children[i].kind != YamlKind::Map) continue;  // told by check_elements
    check_map(value.children[i], key.keys, fmt::format("{}[{}].", path, i), section, findings);
  }
}

}  // namespace

std::string what_stands(const YamlNode& value) {
  switch (value.kind) {
    case YamlKind::Null:
      return "has no value";
    case YamlKind::Scalar: {
      const bool looks_typed = [&] {
        YamlNode bare = value;
        bare.quoted = false;
        return value.quoted && (number_of(bare) || boolean_of(bare));
      }();
      // Plain scalars are shown as they stand in the file.
      if (looks_typed) return fmt::format("is the text {}", quote_for_message(value.text));
      const bool bare = number_of(value) || boolean_of(value);
      return bare ? "is " + value.text : "is " + quote_for_message(value.text);
    }
    case YamlKind::List:
      return "is a list";
    case YamlKind::Map:
      return "is a map";
  }
  UNREACHABLE();
}

bool fits(const YamlNode& value, const SchemaKey& key) {
  return type_for(value, key) != nullptr;
}

void check_map(const YamlNode& map, const std::vector<SchemaKey>& keys, const std::string& path,
               std::string_view section, std::vector<Finding>& findings) {
  std::vector<const SchemaKey*> seen;
  seen.reserve(map.children.size());
  for (const YamlNode& child : map.children) {
    const SchemaKey* key = find_key(keys, child.key);
    if (key == nullptr) {
      // The search for the nearest name is not worth its time where hardly anyone will see it.
      std::string hint = findings.size() < kMaxFindings ? unknown_hint(child.key, keys, path, section) : "";
      findings.push_back({child.key_at,
                          fmt::format("unknown key {}", quote_for_message(path + child.key)),
                          std::move(hint),
                          {}});
      continue;
    }
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      findings.push_back({child.key_at,
                          fmt::format("{} is here under two names", path + key->name),
                          fmt::format("keep {}", key->name),
                          {}});
    }
    seen.push_back(key);
    check_value(child, *key, path + child.key, section, findings);
  }
  for (const SchemaKey& key : keys) {
    if (!key.required || std::find(seen.begin(), seen.end(), &key) != seen.end()) continue;
    findings.push_back({map.at,
                        fmt::format("{}{} is missing", path, key.name),
                        fmt::format("it should be {}", key.words()),
                        {}});
  }
}

}  // namespace slipway::config
