// What a scalar means in the files that PaaSTA reads: YAML 1.1 as PyYAML's safe loader has it (`yes` is true,
// `010` eight, `1:30` ninety, `1e3` text), and how Python writes such values as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/json.h"
#include "config/yaml.h"

namespace slipway::config {

struct Date {
  std::string text;  // "2024-01-31", "2024-01-31 09:15:00+00:00"
  std::string code;  // as it stands in a list that is shown: "datetime.date(2024, 1, 31)"
};
struct LongInteger {
  std::string digits;  // a decimal number beyond 64 bits
};
struct NoScalar {
};  // what looks like a number or a date and is none, such as 2024-02-31: the loader refuses it

using Scalar11 =
    std::variant<std::nullptr_t, bool, int64_t, LongInteger, double, Date, std::string, NoScalar>;

// Of a Null or Scalar node.
Scalar11 scalar_11(const YamlNode& node);

// The number of a number, a boolean counting as 1 or 0 as it does in Python; nullopt for anything else.
std::optional<double> number_11(const YamlNode& node);
// The integer of an integer, or of a float without a fraction.
std::optional<int64_t> integer_11(const YamlNode& node);
// What counts as true: anything but null, false, zero, and empty text, lists and maps.
bool truth_11(const YamlNode& node);

// The whole tree. A date is text; what JSON has no number for is text too.
Json json_11(const YamlNode& node);

// The value as Python's str() writes it: "True", "1.0", "None", "['a', 'b']".
std::string text_11(const YamlNode& node);

// A key as JSON has it: "true" for `yes`, "8" for `010`.
std::string key_11(const YamlNode& node);

// Whether YAML 1.2 would read this plain scalar as something else.
bool differs_from_12(const YamlNode& node);

}  // namespace slipway::config
