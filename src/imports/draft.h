// An import that is being made.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "config/finding.h"
#include "config/yaml.h"
#include "imports/import.h"

namespace slipway::imports {

using config::Position;
using config::YamlKind;
using config::YamlNode;

// `text` as a name of ours: what no name may have becomes a dash. Empty when nothing is left of it.
std::string plain_name(std::string_view text);

// "../app" for a path as it is seen from the folder of a service below `into`.
std::string path_from_service(const std::filesystem::path& path, const std::filesystem::path& into);

class Draft {
 public:
  // The number of this file in positions.
  int add_source(std::string path);

  // Takes what a parser made of a source; its problems become the import's.
  void take_problems(const config::YamlDocument& document);

  // The keys of a new instance in `file` of the service ("run.yaml"). Null where a name cannot be made, or
  // where another instance has it already: that is told, with both places.
  Json* add_instance(const std::string& service, const std::string& instance, Position at,
                     const std::string& file = "run.yaml");
  // The keys of `service.yaml`.
  Json& service_keys(const std::string& service) { return services_[service]["service.yaml"]; }
  // Any file of the service, as a map.
  Json& file_of(const std::string& service, const std::string& file) { return services_[service][file]; }

  // Of what only one may have in the whole tree ("port 8080"): false, and told, where another has it already.
  bool claim(const std::string& what, Position at);

  // "WHAT has no counterpart", and what to do instead.
  void lose(Position at, const std::string& what, std::string instead = {});
  // Another thing that people should know of what was written.
  void note(Position at, std::string message, std::string hint = {});
  void fail(Position at, std::string message, std::string hint = {});
  bool failed() const { return !problems_.empty(); }

  // `command`: what wrote the files, for their first line.
  Import finish(std::string_view command) const;

 private:
  std::vector<std::string> sources_;
  std::map<std::string, std::map<std::string, Json>> services_;  // service, file
  std::map<std::string, Position> taken_;                        // "service/file/instance"
  std::map<std::string, Position> claims_;
  std::vector<config::Finding> lost_;
  std::vector<config::Finding> problems_;
};

// A list or a map with nothing in it.
bool is_empty(const YamlNode& node);

// What becomes of one of their keys: a member of the reader takes it, or it is lost and `instead` says what
// to do, or (with neither) nothing is lost by leaving it out.
template <class Reader>
struct KeyRule {
  std::string_view key;
  void (Reader::*take)(const YamlNode& value) = nullptr;
  std::string_view instead = {};
};

// Hands every key of the map to its rule. A null value reads as a missing key; a key without a rule is lost.
// `path` leads to the map ("container.", or empty).
template <class Reader, class Rules>
void take_keys(const YamlNode& map, const Rules& rules, Reader& reader, std::string_view path, Draft& draft) {
  for (const YamlNode& child : map.children) {
    if (child.kind == YamlKind::Null) continue;
    const KeyRule<Reader>* rule = nullptr;
    for (const auto& candidate : rules) {
      if (candidate.key == child.key) rule = &candidate;
    }
    if (rule != nullptr && rule->take != nullptr) {
      (reader.*rule->take)(child);
    } else if (rule == nullptr) {
      draft.lose(child.key_at, std::string(path) + child.key, "it is not known here");
    } else if (!rule->instead.empty() && !is_empty(child)) {
      draft.lose(child.key_at, std::string(path) + child.key, std::string(rule->instead));
    }
  }
}

// The text of a scalar at this key; empty when there is none.
std::string text_at(const YamlNode& map, std::string_view key);
// The scalars of a list.
std::vector<std::string> texts_of(const YamlNode& list);
Json list_of(const std::vector<std::string>& texts);

}  // namespace slipway::imports
