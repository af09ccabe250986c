// The documents of src/config/schema/, carried by the library. The definition is made when the library is
// built.
#pragma once

#include <string_view>
#include <vector>

namespace slipway::config {

struct SchemaText {
  std::string_view name;  // "instance"
  std::string_view text;
};

const std::vector<SchemaText>& schema_texts();

}  // namespace slipway::config
