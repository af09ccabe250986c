// Nodes by their attributes. Nodes with the same attributes are one class, and a rule about attributes is
// asked once for each value that occurs, not once for each node.
//
// Part of Room (room.h). A class, an attribute or a value that was seen once keeps its number for the life of
// the table; number 0 of every attribute is its absence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/placement.h"

namespace slipway::plan {

using ClassNumber = uint32_t;
using ValueNumber = uint32_t;

// One attribute: its values, and which of them each class has.
struct AttributeColumn {
  std::vector<std::string> values = {""};  // by number; [0] stands for a node without the attribute
  std::unordered_map<std::string, ValueNumber> numbers;
  std::vector<ValueNumber> of_class;  // classes beyond its end do not have the attribute

  // For selectors: 0 where the class does not have the attribute.
  ValueNumber value_of(ClassNumber cls) const { return cls < of_class.size() ? of_class[cls] : 0; }
  // For limits and spread, where an empty value and no value are one.
  ValueNumber bucket_of(ClassNumber cls) const {
    const ValueNumber value = value_of(cls);
    return values[value].empty() ? 0 : value;
  }
};

class NodeClasses {
 public:
  using Attributes = std::map<std::string, std::string>;

  ClassNumber class_of(const Attributes& attributes);
  size_t size() const { return count_; }

  // Of an attribute that no node has: a column in which nobody has it.
  const AttributeColumn& column(const std::string& attribute) const;

  // For each class the first rule of the placement that it breaks: kKeepsAll, kBreaksPool, or the number of
  // the selector. `verdicts` is overwritten.
  static constexpr int32_t kKeepsAll = -2;
  static constexpr int32_t kBreaksPool = -1;
  void judge(const model::Placement& placement, std::vector<int32_t>& verdicts) const;

 private:
  ClassNumber count_ = 0;
  std::map<Attributes, ClassNumber> numbers_;
  std::unordered_map<std::string, AttributeColumn> columns_;
};

// Whether a node on which the attribute has this value, or is absent (null), is what the selector asks for.
bool selects(const model::NodeSelector& selector, const std::string* value);

// The attribute that says which pool a node is in, and the pool of a node that does not have it.
constexpr std::string_view kPoolAttribute = "pool";
constexpr std::string_view kDefaultPool = "default";

}  // namespace slipway::plan
