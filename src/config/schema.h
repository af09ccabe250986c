// What may stand in which file, read from the documents of src/config/schema/: the commented example is the
// schema.
//
// A document is an example of the file, in which every key has a value that would be right. The comment block
// above a key is its documentation; a block that is closed by an empty line at the top introduces the file.
// Lines that begin with a mark are for us:
//
//   #= HEADING     the keys from here on belong together
//   #| RULE        the rule of the key below; long ones go on in further such lines
//
// A rule is a type and clauses, separated by `;`:
//
//   number above 0 to 1024; default 0.1
//   one of http, tcp; default http
//   text or list of text; not with args; default: the image's entrypoint
//
// Types: text, boolean, integer, number (each of the last two: `from A to B`, `above A to B`), `one of A, B`,
// anything, map, list, `list of T`, `map of T`. A map, and a map in a list, has the keys of the example.
// Clauses: `required`, `default VALUE` (used when the key is missing), `default: WORDS` (when it depends),
// `not with KEY`, `also NAME` (another spelling).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"

namespace slipway::config {

enum class ValueKind { Anything, Boolean, Integer, Number, Text, List, Map };

struct ValueType {
  ValueKind kind = ValueKind::Anything;
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool minimum_excluded = false;
  std::vector<std::string> choices;         // of Text: only these; empty for any text
  ValueKind element = ValueKind::Anything;  // of what a List or a Map holds

  std::string words() const;  // "a number above 0 to 1024", "one of http, tcp", "a list of text"
};

struct SchemaKey {
  std::string name;
  std::vector<std::string> other_names;
  std::string heading;  // begins here; empty when the last one goes on
  std::string text;     // one paragraph
  std::vector<ValueType> types;
  bool required = false;
  std::vector<std::string> not_with;
  std::optional<YamlNode> fallback;  // the value when the key is missing
  std::string fallback_words;        // the same, or what it depends on, for people
  YamlNode example;
  std::vector<SchemaKey> keys;  // of the map, or of the maps in the list; empty when any key goes

  std::string words() const;  // the types, for messages: "text or a list of text"
};

struct Schema {
  std::string name;
  std::string introduction;  // paragraphs, an empty line between
  std::vector<SchemaKey> keys;
  std::string_view document;
};

// The schema of this name ("instance", "service", "cluster"), read once; it must exist.
const Schema& schema(std::string_view name);

// The key of this name or spelling; null when there is none.
const SchemaKey* find_key(const std::vector<SchemaKey>& keys, std::string_view name);

}  // namespace slipway::config
