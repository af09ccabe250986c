#include "plan/room_classes.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/check.h"

namespace slipway::plan {
namespace {

using model::SelectorOperator;

std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

// Null where one of them is no whole number.
std::optional<std::strong_ordering> compare(const std::string& value, const model::NodeSelector& selector) {
  if (selector.values.size() != 1) return std::nullopt;
  const auto left = whole_number(value);
  const auto right = whole_number(selector.values.front());
  if (!left || !right) return std::nullopt;
  return *left <=> *right;
}

bool is_listed(const model::NodeSelector& selector, const std::string& value) {
  return std::find(selector.values.begin(), selector.values.end(), value) != selector.values.end();
}

// Notes the rule against the classes that break it and no earlier one. `passes` answers for one value of the
// attribute, null for its absence.
template <class Passes>
void judge_rule(const AttributeColumn& column, int32_t rule, std::vector<int32_t>& verdicts, Passes passes) {
  std::vector<char> answers(column.values.size());
  answers[0] = passes(nullptr);
  for (ValueNumber value = 1; value < answers.size(); ++value) answers[value] = passes(&column.values[value]);
  for (ClassNumber cls = 0; cls < verdicts.size(); ++cls) {
    if (verdicts[cls] == NodeClasses::kKeepsAll && answers[column.value_of(cls)] == 0) verdicts[cls] = rule;
  }
}

}  // namespace

bool selects(const model::NodeSelector& selector, const std::string* value) {
  switch (selector.op) {
    case SelectorOperator::In:
      return value != nullptr && is_listed(selector, *value);
    case SelectorOperator::NotIn:
      return value == nullptr || !is_listed(selector, *value);
    case SelectorOperator::Exists:
      return value != nullptr;
    case SelectorOperator::DoesNotExist:
      return value == nullptr;
    case SelectorOperator::Gt:
      return value != nullptr && compare(*value, selector) == std::strong_ordering::greater;
    case SelectorOperator::Lt:
      return value != nullptr && compare(*value, selector) == std::strong_ordering::less;
  }
  UNREACHABLE();
}

ClassNumber NodeClasses::class_of(const Attributes& attributes) {
  const auto [it, is_new] = numbers_.try_emplace(attributes, count_);
  if (!is_new) return it->second;
  for (const auto& [attribute, text] : attributes) {
    AttributeColumn& column = columns_[attribute];
    const auto next = static_cast<ValueNumber>(column.values.size());
    const auto [value, is_new_value] = column.numbers.try_emplace(text, next);
    if (is_new_value) column.values.push_back(text);
    column.of_class.resize(count_ + 1, 0);
    column.of_class[count_] = value->second;
  }
  return count_++;
}

const AttributeColumn& NodeClasses::column(const std::string& attribute) const {
  static const AttributeColumn kNobodyHasIt;
  const auto it = columns_.find(attribute);
  return it == columns_.end() ? kNobodyHasIt : it->second;
}

void NodeClasses::judge(const model::Placement& placement, std::vector<int32_t>& verdicts) const {
  verdicts.assign(count_, kKeepsAll);
  judge_rule(column(std::string(kPoolAttribute)), kBreaksPool, verdicts, [&](const std::string* pool) {
    return placement.pool == (pool != nullptr ? std::string_view(*pool) : kDefaultPool);
  });
  for (size_t i = 0; i < placement.selectors.size(); ++i) {
    const model::NodeSelector& selector = placement.selectors[i];
    judge_rule(column(selector.attribute), static_cast<int32_t>(i), verdicts,
               [&](const std::string* value) { return selects(selector, value); });
  }
}

}  // namespace slipway::plan
