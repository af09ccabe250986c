#include "model/placement.h"

#include <fmt/format.h>

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {

constexpr EnumTable<SelectorOperator, 6> kOperators = {{{SelectorOperator::In, "In"},
                                                        {SelectorOperator::NotIn, "NotIn"},
                                                        {SelectorOperator::Exists, "Exists"},
                                                        {SelectorOperator::DoesNotExist, "DoesNotExist"},
                                                        {SelectorOperator::Gt, "Gt"},
                                                        {SelectorOperator::Lt, "Lt"}}};
constexpr EnumTable<Packing, 2> kPackings = {{{Packing::Balance, "balance"}, {Packing::Pack, "pack"}}};

Json selector_json(const NodeSelector& selector) {
  Json json;
  json["attribute"] = selector.attribute;
  json["operator"] = to_text(selector.op);
  if (!selector.values.empty()) json["values"] = json_of(selector.values);
  return json;
}

Result<NodeSelector> selector_from(const Json& json) {
  const auto op = selector_operator_from(json.at("operator").as_string());
  if (!op)
    return Error(ErrorCode::Invalid, "unknown selector operator '" + json.at("operator").as_string() + "'");
  return NodeSelector{json.at("attribute").as_string(), *op, strings_from(json.at("values"))};
}

}  // namespace

std::string_view to_text(SelectorOperator op) {
  return word_of(kOperators, op);
}
std::optional<SelectorOperator> selector_operator_from(std::string_view text) {
  return value_of(kOperators, text);
}
std::string_view to_text(Packing packing) {
  return word_of(kPackings, packing);
}
std::optional<Packing> packing_from(std::string_view text) {
  return value_of(kPackings, text);
}

std::string NodeSelector::text() const {
  switch (op) {
    case SelectorOperator::In:
    case SelectorOperator::NotIn:
      return fmt::format("{} {} [{}]", attribute, to_text(op), fmt::join(values, ", "));
    case SelectorOperator::Exists:
    case SelectorOperator::DoesNotExist:
      return fmt::format("{} {}", attribute, to_text(op));
    case SelectorOperator::Gt:
    case SelectorOperator::Lt:
      return fmt::format("{} {} {}", attribute, to_text(op), fmt::join(values, ", "));
  }
  UNREACHABLE();
}

std::string ApartFrom::text() const {
  return instance.empty() ? service : service + "." + instance;
}

Json to_json(const Placement& placement) {
  const Placement fallback;
  Json json = Json::Object();
  if (placement.pool != fallback.pool) json["pool"] = placement.pool;
  if (!placement.selectors.empty()) {
    Json::Array selectors;
    for (const NodeSelector& selector : placement.selectors) selectors.push_back(selector_json(selector));
    json["selectors"] = std::move(selectors);
  }
  if (placement.max_per_node != 0) json["max_per_node"] = placement.max_per_node;
  if (!placement.max_per.empty()) {
    Json::Object limits;
    for (const auto& [attribute, most] : placement.max_per) limits[attribute] = most;
    json["max_per"] = std::move(limits);
  }
  if (!placement.apart_from.empty()) {
    Json::Array others;
    for (const ApartFrom& other : placement.apart_from) others.push_back(Json(other.text()));
    json["apart_from"] = std::move(others);
  }
  if (!placement.spread.empty()) json["spread"] = json_of(placement.spread);
  if (placement.packing != fallback.packing) json["packing"] = to_text(placement.packing);
  return json;
}

Result<Placement> placement_from_json(const Json& json) {
  Placement placement;
  if (json.is_null()) return placement;
  if (json.has("pool")) placement.pool = json.at("pool").as_string();
  for (const Json& selector : json.at("selectors").as_array()) {
    placement.selectors.push_back(TRY(selector_from(selector)));
  }
  placement.max_per_node = static_cast<int>(json.at("max_per_node").as_int(0));
  for (const auto& [attribute, most] : json.at("max_per").as_object()) {
    placement.max_per[attribute] = static_cast<int>(most.as_int(0));
  }
  for (const Json& other : json.at("apart_from").as_array()) {
    const std::string& text = other.as_string();
    const size_t dot = text.find('.');
    placement.apart_from.push_back(dot == std::string::npos
                                       ? ApartFrom{text, ""}
                                       : ApartFrom{text.substr(0, dot), text.substr(dot + 1)});
  }
  placement.spread = strings_from(json.at("spread"));
  if (json.has("packing")) {
    const auto packing = packing_from(json.at("packing").as_string());
    if (!packing)
      return Error(ErrorCode::Invalid, "unknown packing '" + json.at("packing").as_string() + "'");
    placement.packing = *packing;
  }
  return placement;
}

}  // namespace slipway::model
