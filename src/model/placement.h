// Where the tasks of a revision may run, and where they would rather run. Part of TaskSpec: an engine that
// places tasks by itself gets it with the revision, and a change of it rolls like any other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::model {

enum class SelectorOperator { In, NotIn, Exists, DoesNotExist, Gt, Lt };
std::string_view to_text(SelectorOperator op);  // "In", "NotIn", ... as node_selectors spell them
std::optional<SelectorOperator> selector_operator_from(std::string_view text);

// What a node's attribute must be like. A node without the attribute fails In, Exists, Gt and Lt, and passes
// NotIn and DoesNotExist. Gt and Lt compare whole numbers; an attribute that is none fails them.
struct NodeSelector {
  std::string attribute;
  SelectorOperator op = SelectorOperator::In;
  std::vector<std::string> values;  // sorted; of Gt and Lt exactly one, a whole number; of Exists and
                                    // DoesNotExist none
  std::string text() const;         // "zone In [a, b]", "disk Exists", "generation Gt 3"
  auto operator<=>(const NodeSelector&) const = default;
};

// Not on a node that has a task of this service, or of this one instance of it. Never the spec's own
// instance: that is what max_per_node is for.
struct ApartFrom {
  std::string service;
  std::string instance;  // empty: every instance of the service
  std::string text() const;
  auto operator<=>(const ApartFrom&) const = default;
};

// Which of the nodes that will do is preferred, after the spread: the emptiest, so that a lost node costs
// little; or the fullest that has room, so that whole nodes stay free for big tasks or can be given back.
enum class Packing { Balance, Pack };
std::string_view to_text(Packing packing);  // "balance", "pack"
std::optional<Packing> packing_from(std::string_view text);

struct Placement {
  std::string pool = "default";         // a node's attribute "pool"; "default" where it has none
  std::vector<NodeSelector> selectors;  // all must hold; sorted
  int max_per_node = 0;                 // tasks of one revision on one node; 0: no limit
  std::map<std::string, int> max_per;   // tasks of one revision where this attribute has one value; >= 1
  std::vector<ApartFrom> apart_from;    // sorted
  std::vector<std::string> spread;      // attributes over whose values tasks are spread, most important first
  Packing packing = Packing::Balance;
  bool operator==(const Placement&) const = default;
};

// Only what differs from the defaults, as all parts of a revision. Reads its own output back, equal.
Json to_json(const Placement& placement);
Result<Placement> placement_from_json(const Json& json);

}  // namespace slipway::model
