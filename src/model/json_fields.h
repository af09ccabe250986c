// Writing and reading the fields of JSON objects, shared by the .cpp files of model.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/spec.h"

namespace slipway::model {

inline Json json_of(const std::vector<std::string>& list) {
  Json::Array array(list.begin(), list.end());
  return array;
}

inline Json json_of(const std::map<std::string, std::string>& map) {
  Json::Object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

inline Json time_or_null(const std::optional<Time>& time) {
  return time ? Json(slipway::to_text(*time)) : Json();
}

inline std::vector<std::string> strings_from(const Json& json) {
  std::vector<std::string> list;
  for (const Json& item : json.as_array()) list.push_back(item.as_string());
  return list;
}

inline std::map<std::string, std::string> string_map_from(const Json& json) {
  std::map<std::string, std::string> map;
  for (const auto& [key, value] : json.as_object()) map[key] = value.as_string();
  return map;
}

// Null and absent are no time; text that is no time is Invalid.
inline Result<std::optional<Time>> optional_time_from(const Json& json) {
  if (!json.is_string()) return std::optional<Time>();
  return std::optional<Time>(TRY(parse_time(json.as_string())));
}

// As config show prints them and as revisions are hashed: one form, which may not change.
inline Json volumes_json(const std::vector<Volume>& volumes) {
  Json::Array array;
  for (const Volume& volume : volumes) {
    Json json;
    json["container_path"] = volume.container_path;
    json["host_path"] = volume.host_path;
    json["mode"] = volume.read_only ? "RO" : "RW";
    array.push_back(std::move(json));
  }
  return array;
}

}  // namespace slipway::model
