// Any bytes give a tree and problems, with every place inside the text, within the limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/yaml.h"
#include "config/yaml_scalar.h"

namespace {

using slipway::config::kYamlMaxDepth;
using slipway::config::YamlNode;

size_t check_tree(const YamlNode& node, int depth) {
  CHECK(depth <= kYamlMaxDepth);
  CHECK(node.at.line >= 1 && node.at.column >= 1);
  size_t count = 1;
  for (const YamlNode& child : node.children) count += check_tree(child, depth + 1);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = slipway::config::parse_yaml(text);
  CHECK(document.complete || !document.problems.empty());
  for (const auto& problem : document.problems) {
    CHECK(problem.at.line >= 1 && problem.at.column >= 1 && !problem.message.empty());
  }
  if (document.complete) {
    CHECK(check_tree(document.root, 0) <= slipway::config::kYamlMaxNodes);
    (void)slipway::config::json_of(document.root).dump();
  }
  return 0;
}
