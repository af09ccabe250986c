#include "model/placement_check.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace slipway::model {

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

namespace {

// All that the selectors say of one attribute, put together.
struct Demands {
  std::optional<std::set<std::string>> in;  // what all In leave
  std::set<std::string> not_in;
  const NodeSelector* must_exist = nullptr;  // one of those that a node without the attribute fails
  const NodeSelector* must_not_exist = nullptr;
  std::optional<int64_t> above;
  std::optional<int64_t> below;

  bool allows(const std::string& value) const {
    if (not_in.contains(value)) return false;
    if (!above && !below) return true;
    const auto number = whole_number(value);
    return number && (!above || *number > *above) && (!below || *number < *below);
  }
};

void narrow(Demands& demands, const NodeSelector& selector) {
  const std::set<std::string> values(selector.values.begin(), selector.values.end());
  if (!demands.in) {
    demands.in = values;
  } else {
    std::erase_if(*demands.in, [&](const std::string& value) { return !values.contains(value); });
  }
}

void add(Demands& demands, const NodeSelector& selector) {
  const std::optional<int64_t> number =
      selector.values.size() == 1 ? whole_number(selector.values.front()) : std::nullopt;
  switch (selector.op) {
    case SelectorOperator::In:
      narrow(demands, selector);
      break;
    case SelectorOperator::NotIn:
      demands.not_in.insert(selector.values.begin(), selector.values.end());
      return;
    case SelectorOperator::Exists:
      break;
    case SelectorOperator::DoesNotExist:
      demands.must_not_exist = &selector;
      return;
    case SelectorOperator::Gt:
      if (number && (!demands.above || *number > *demands.above)) demands.above = number;
      break;
    case SelectorOperator::Lt:
      if (number && (!demands.below || *number < *demands.below)) demands.below = number;
      break;
  }
  demands.must_exist = &selector;
}

// What is wrong with the selector whatever the others say; empty when nothing is.
std::string wrong_alone(const NodeSelector& selector) {
  const bool compares = selector.op == SelectorOperator::Gt || selector.op == SelectorOperator::Lt;
  if (compares && (selector.values.size() != 1 || !whole_number(selector.values.front()))) {
    return fmt::format("'{}' compares with no whole number; give it exactly one", selector.text());
  }
  if (selector.op == SelectorOperator::In && selector.values.empty()) {
    return fmt::format("'{}' allows no value; name the values that will do, or use Exists", selector.text());
  }
  return "";
}

// Whether a whole number lies between the two bounds.
bool any_between(const Demands& demands) {
  if (!demands.above || !demands.below) return true;
  return *demands.below > *demands.above && *demands.below - 1 > *demands.above;
}

// What is wrong with the selectors of one attribute together; empty when nothing is.
std::string wrong_together(const std::string& attribute, const Demands& demands) {
  if (demands.must_exist != nullptr && demands.must_not_exist != nullptr) {
    return fmt::format("'{}' and '{}' exclude each other; drop one of them", demands.must_exist->text(),
                       demands.must_not_exist->text());
  }
  if (!any_between(demands)) {
    return fmt::format("no whole number is above {} and below {}, as the selectors of '{}' ask; widen one",
                       *demands.above, *demands.below, attribute);
  }
  if (demands.in && std::none_of(demands.in->begin(), demands.in->end(),
                                 [&](const std::string& value) { return demands.allows(value); })) {
    return fmt::format(
        "no value of '{}' is left: what In allows the other selectors of it exclude; leave at least one "
        "value",
        attribute);
  }
  return "";
}

void check_selectors(const Placement& placement, std::vector<std::string>& found) {
  std::map<std::string, Demands> by_attribute;
  std::set<std::string> wrong;  // attributes about which enough is said
  for (const NodeSelector& selector : placement.selectors) {
    const std::string problem = wrong_alone(selector);
    if (!problem.empty()) {
      found.push_back(problem);
      wrong.insert(selector.attribute);
    }
    add(by_attribute[selector.attribute], selector);
  }
  for (const auto& [attribute, demands] : by_attribute) {
    const std::string problem = wrong.contains(attribute) ? "" : wrong_together(attribute, demands);
    if (!problem.empty()) found.push_back(problem);
  }
}

void check_pool(const Placement& placement, std::vector<std::string>& found) {
  for (const NodeSelector& selector : placement.selectors) {
    if (selector.attribute != "pool" || selector.op != SelectorOperator::In || selector.values.empty())
      continue;
    if (std::find(selector.values.begin(), selector.values.end(), placement.pool) != selector.values.end())
      continue;
    found.push_back(fmt::format("'{}' does not allow the pool '{}' that is asked for; name the pool alone",
                                selector.text(), placement.pool));
  }
}

}  // namespace

std::vector<std::string> contradictions(const Placement& placement, const InstanceId& self) {
  std::vector<std::string> found;
  check_selectors(placement, found);
  check_pool(placement, found);
  if (placement.max_per_node < 0) {
    found.push_back(
        fmt::format("max_per_node is {}; it must be 1 or more, or 0 for no limit", placement.max_per_node));
  }
  for (const auto& [attribute, most] : placement.max_per) {
    if (most < 1) found.push_back(fmt::format("max_per '{}' is {}; it must be 1 or more", attribute, most));
  }
  for (const ApartFrom& other : placement.apart_from) {
    if (other.service == self.service && other.instance == self.instance) {
      found.push_back(fmt::format("apart_from names {} itself; use max_per_node to keep its own tasks apart",
                                  self.text()));
    }
  }
  std::set<std::string> seen;
  std::set<std::string> repeated;
  for (const std::string& attribute : placement.spread) {
    if (!seen.insert(attribute).second && repeated.insert(attribute).second)
      found.push_back(fmt::format("spread names '{}' more than once; name it once", attribute));
  }
  return found;
}

}  // namespace slipway::model
