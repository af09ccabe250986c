#include "config/json_schema.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/schema.h"
#include "config/yaml_scalar.h"

namespace slipway::config {

namespace {

struct SchemaFile {
  std::string_view name;
  std::string_view section;
  bool with_instance_keys;  // the keys of an instance as well
  bool of_instances;        // a map of such, rather than one
};

constexpr std::array<SchemaFile, 7> kFiles = {{
    {"service.yaml", "service", true, false},
    {"run.yaml", "instance", false, true},
    {"jobs.yaml", "job", true, true},
    {"adhoc.yaml", "instance", false, true},
    {"deploy.yaml", "deploy", false, false},
    {"monitoring.yaml", "monitoring", false, false},
    {"slipway.yaml", "cluster", false, false},
}};

Json schema_of(const std::vector<SchemaKey>& keys);

Json of_kind(ValueKind kind) {
  Json json = Json::Object();
  switch (kind) {
    case ValueKind::Anything:
      break;
    case ValueKind::Boolean:
      json["type"] = "boolean";
      break;
    case ValueKind::Integer:
      json["type"] = "integer";
      break;
    case ValueKind::Number:
      json["type"] = "number";
      break;
    case ValueKind::Text:  // any scalar is text, as it is written
      for (const char* type : {"string", "number", "boolean"}) json["type"].push_back(type);
      break;
    case ValueKind::List:
      json["type"] = "array";
      break;
    case ValueKind::Map:
      json["type"] = "object";
      break;
  }
  return json;
}

// 10 rather than 10.0, where that is what it is.
Json number(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? Json(whole) : Json(value);
}

Json of_type(const ValueType& type, const SchemaKey& key) {
  Json json = of_kind(type.kind);
  if (!type.choices.empty()) {
    json = Json::Object();
    for (const std::string& choice : type.choices) json["enum"].push_back(choice);
  }
  if (type.minimum) {
    json[type.minimum_excluded ? "exclusiveMinimum" : "minimum"] = number(*type.minimum);
    json["maximum"] = number(*type.maximum);
  }
  if (type.kind == ValueKind::List) {
    json["items"] = key.keys.empty() ? of_kind(type.element) : schema_of(key.keys);
  } else if (type.kind == ValueKind::Map) {
    if (!key.keys.empty()) return schema_of(key.keys);
    json["additionalProperties"] = of_kind(type.element);
  }
  return json;
}

Json of_key(const SchemaKey& key) {
  Json json = Json::Object();
  if (key.types.size() == 1) {
    json = of_type(key.types[0], key);
  } else {
    for (const ValueType& type : key.types) json["anyOf"].push_back(of_type(type, key));
  }
  json["description"] = key.text;
  if (key.fallback && key.fallback->kind == YamlKind::Scalar) json["default"] = json_of(*key.fallback);
  json["examples"].push_back(json_of(key.example));
  return json;
}

// A map of these keys and no others.
Json schema_of(const std::vector<SchemaKey>& keys) {
  Json json;
  json["type"] = "object";
  json["additionalProperties"] = false;
  json["properties"] = Json::Object();
  for (const SchemaKey& key : keys) {
    json["properties"][key.name] = of_key(key);
    for (const std::string& other : key.other_names) json["properties"][other] = of_key(key);
    if (key.required && key.other_names.empty()) json["required"].push_back(key.name);
    for (const std::string& other : key.not_with) {
      if (other < key.name) continue;  // once for both
      Json both;
      both["not"]["required"] = Json::Array{key.name, other};
      json["allOf"].push_back(std::move(both));
    }
  }
  return json;
}

Json schema_of(const SchemaFile& file) {
  std::vector<SchemaKey> keys = schema(file.section).keys;
  if (file.with_instance_keys) {
    const std::vector<SchemaKey>& more = schema("instance").keys;
    keys.insert(keys.end(), more.begin(), more.end());
  }
  Json json = schema_of(keys);
  if (file.of_instances) {
    Json map;
    map["type"] = "object";
    map["patternProperties"]["^_"] = Json::Object();  // values for an anchor to name
    map["additionalProperties"] = std::move(json);
    json = std::move(map);
  }
  json["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  json["title"] = file.name;
  json["description"] = schema(file.section).introduction;
  return json;
}

}  // namespace

const std::vector<std::string>& files_with_json_schema() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const SchemaFile& file : kFiles) all.emplace_back(file.name);
    return all;
  }();
  return names;
}

Result<Json> json_schema(std::string_view file) {
  for (const SchemaFile& known : kFiles) {
    if (file == known.name || file == known.name.substr(0, known.name.find('.'))) return schema_of(known);
  }
  const auto near = did_you_mean(file, files_with_json_schema());
  return Error(ErrorCode::NotFound,
               near ? fmt::format("no schema of {}; did you mean {}?", printable(file), *near)
                    : fmt::format("no schema of {}; there are {}", printable(file),
                                  join(files_with_json_schema(), ", ")));
}

}  // namespace slipway::config
