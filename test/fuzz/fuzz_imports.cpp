// Any bytes given for a file of Marathon come to files of ours, or to problems with a place and no files.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/yaml.h"
#include "imports/compose_values.h"
#include "imports/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const slipway::imports::Import import = slipway::imports::import_marathon(text, "groups.json");
  CHECK(import.problems.empty() || import.files.empty());
  for (const auto& problem : import.problems) CHECK(problem.origin.line >= 1 && problem.origin.column >= 1);
  for (const auto& file : import.files) {
    const auto document = slipway::config::parse_yaml(file.text);
    CHECK(document.complete && document.problems.empty());
  }
  std::vector<std::string> missing;
  (void)slipway::imports::interpolate(text, {{"A", "a"}}, missing);
  (void)slipway::imports::shell_words(text);
  (void)slipway::imports::duration_seconds(text);
  (void)slipway::imports::size_mb(text);
  (void)slipway::imports::read_variables(text);
  return 0;
}
