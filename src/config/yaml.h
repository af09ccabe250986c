// YAML text as a tree of ours: aliases and merges resolved, every node with its position, every problem at
// once.
//
// A file of people who may be wrong, or unkind: any bytes give a tree and a list of problems, within the
// limits below. Scalars keep their text as written; what it means (a number, a boolean) is asked of
// yaml_scalar.h where it is known what is wanted, so that a version `1.10` or a country `no` survives where
// text is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"

namespace slipway::config {

constexpr size_t kYamlMaxBytes =
    8 << 20;  // of one file: 10,000 instances of some 800 bytes; most have a few KB
constexpr size_t kYamlMaxNodes = 500'000;  // after aliases are resolved: some 60 MB
constexpr size_t kYamlMaxText = 16 << 20;  // bytes of all scalars after aliases are resolved
constexpr int kYamlMaxDepth = 64;

enum class YamlKind { Null, Scalar, List, Map };

// What is not told by the scalars alone. `Core12` refuses a key that is there twice; where two merges of one
// map have the same key, the first has it. `Yaml11` reads as PaaSTA's parser does: of two keys the last
// counts (with a warning), of two merges the later, and keys are what YAML 1.1 makes of them (`no` is
// "false").
enum class YamlVersion { Core12, Yaml11 };

// An explicit type; meaningful in Yaml11 alone.
enum class YamlTag : unsigned char { None, Bool, Int, Float, Null, Timestamp };

struct YamlNode {
  YamlKind kind = YamlKind::Null;
  YamlTag tag = YamlTag::None;
  bool quoted = false;  // in quotes, as a block or tagged !!str: text, whatever it looks like
  Position at;          // of the value; of what an alias names, not of the alias
  std::string text;     // of Null and Scalar, as written, escapes and folding resolved
  std::string key;      // of a child of a Map, unique among its siblings
  Position key_at;
  std::vector<YamlNode> children;  // of List and Map, as written; merged keys come after the map's own

  // The child of this key; null when there is none or this is no map.
  const YamlNode* find(std::string_view name) const;
};

struct YamlDocument {
  YamlNode root;  // Null for an empty file; what could be read where there are problems
  std::vector<Finding> problems;
  bool complete = true;  // false: reading stopped at the last problem, and the tree is cut there
};

// Reads one document. `file` is put into every position.
YamlDocument parse_yaml(std::string_view text, int file = 0, YamlVersion version = YamlVersion::Core12);

// Text for a message: in double quotes, control characters escaped, cut to one short line.
std::string quote_for_message(std::string_view text);

}  // namespace slipway::config
