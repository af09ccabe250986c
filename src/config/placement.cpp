#include "config/placement.h"

#include <algorithm>
#include <climits>

#include <fmt/format.h>

#include "model/placement_check.h"

namespace slipway::config {
namespace {

using model::NodeSelector;
using model::SelectorOperator;
using model::whole_number;

std::vector<std::string> texts_of(const YamlNode& list) {
  std::vector<std::string> texts;
  for (const YamlNode& item : list.children) {
    if (item.kind == YamlKind::Scalar) texts.push_back(item.text);
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

// One `{operator, values | value}`; the problem where it is none.
std::optional<SelectorProblem> read_rule(std::string_view attribute, const YamlNode& rule,
                                         std::vector<NodeSelector>& selectors) {
  const YamlNode* name = rule.find("operator");
  if (name == nullptr || name->kind != YamlKind::Scalar) {
    return SelectorProblem{rule.at, fmt::format("this rule for {} has no operator", attribute),
                           "it should be such as {operator: In, values: [a, b]}"};
  }
  const auto op = model::selector_operator_from(name->text);
  if (!op) {
    return SelectorProblem{name->at, fmt::format("operator is {}", quote_for_message(name->text)),
                           "it should be one of In, NotIn, Exists, DoesNotExist, Gt, Lt"};
  }
  NodeSelector selector{std::string(attribute), *op, {}};
  switch (*op) {
    case SelectorOperator::In:
    case SelectorOperator::NotIn: {
      const YamlNode* values = rule.find("values");
      if (values == nullptr || values->kind != YamlKind::List)
        return SelectorProblem{rule.at, fmt::format("{} without values", name->text), "add values: [a, b]"};
      selector.values = texts_of(*values);
      break;
    }
    case SelectorOperator::Exists:
    case SelectorOperator::DoesNotExist:
      break;
    case SelectorOperator::Gt:
    case SelectorOperator::Lt: {
      const YamlNode* value = rule.find("value");
      if (value == nullptr || value->kind != YamlKind::Scalar || !whole_number(value->text))
        return SelectorProblem{rule.at, fmt::format("{} without a whole number", name->text), "add value: 3"};
      selector.values = {value->text};
      break;
    }
  }
  selectors.push_back(std::move(selector));
  return std::nullopt;
}

std::vector<SelectorProblem> read_selectors(const Reader& reader, std::vector<NodeSelector>& selectors) {
  std::vector<SelectorProblem> problems;
  if (!reader.set("node_selectors")) return problems;
  for (const auto& [attribute, node] : reader.entries("node_selectors")) {
    const bool rules = node->kind == YamlKind::List && !node->children.empty() &&
                       node->children.front().kind == YamlKind::Map;
    if (node->kind == YamlKind::Scalar) {
      selectors.push_back({std::string(attribute), SelectorOperator::In, {node->text}});
    } else if (rules) {
      for (const YamlNode& rule : node->children) {
        if (auto problem = read_rule(attribute, rule, selectors)) problems.push_back(std::move(*problem));
      }
    } else if (node->kind == YamlKind::List) {
      selectors.push_back({std::string(attribute), SelectorOperator::In, texts_of(*node)});
    } else {
      problems.push_back({node->at, fmt::format("the selector for {} has another form", attribute),
                          "it should be a value, a list of values, or a list of {operator, values}"});
    }
  }
  return problems;
}

void read_lists(const Reader& reader, std::vector<NodeSelector>& selectors) {
  const YamlNode* white = reader.set("deploy_whitelist") ? reader.find("deploy_whitelist") : nullptr;
  if (white != nullptr && white->children.size() == 2 && white->children[1].kind == YamlKind::List) {
    selectors.push_back({white->children[0].text, SelectorOperator::In, texts_of(white->children[1])});
  }
  const YamlNode* black = reader.set("deploy_blacklist") ? reader.find("deploy_blacklist") : nullptr;
  if (black == nullptr) return;
  for (const YamlNode& pair : black->children) {
    if (pair.children.size() != 2 || pair.children[1].kind != YamlKind::Scalar) continue;
    selectors.push_back({pair.children[0].text, SelectorOperator::NotIn, {pair.children[1].text}});
  }
}

std::vector<model::ApartFrom> read_apart_from(const Reader& placement) {
  std::vector<model::ApartFrom> others;
  for (const std::string& text : placement.texts("apart_from")) {
    const size_t dot = text.find('.');
    const bool whole = dot == std::string::npos;
    others.push_back({text.substr(0, dot), whole ? std::string() : text.substr(dot + 1)});
  }
  std::sort(others.begin(), others.end());
  return others;
}

}  // namespace

model::Placement read_placement(const Reader& reader) {
  model::Placement placement;
  placement.pool = reader.text("pool");
  read_selectors(reader, placement.selectors);
  read_lists(reader, placement.selectors);
  std::sort(placement.selectors.begin(), placement.selectors.end());
  if (!reader.set("placement")) return placement;
  const Reader rules = reader.map("placement");
  placement.max_per_node = static_cast<int>(rules.integer("max_per_node"));
  if (rules.set("max_per")) {
    for (const auto& [attribute, node] : rules.entries("max_per")) {
      placement.max_per[std::string(attribute)] =
          static_cast<int>(std::clamp<int64_t>(whole_number(node->text).value_or(0), INT_MIN, INT_MAX));
    }
  }
  placement.apart_from = read_apart_from(rules);
  placement.spread = rules.texts("spread");
  placement.packing = model::packing_from(rules.text("packing")).value_or(placement.packing);
  return placement;
}

std::vector<SelectorProblem> selector_problems(const Reader& reader) {
  std::vector<NodeSelector> ignored;
  return read_selectors(reader, ignored);
}

}  // namespace slipway::config
