#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "plan/room.h"

namespace slipway::plan {
namespace {

// A filter and, where it has several rules, which of them. In the order in which they are asked.
struct Reason {
  Filter filter = Filter::NotReady;
  size_t rule = 0;
  auto operator<=>(const Reason&) const = default;
};

constexpr Filter kFilterOf[kResources] = {Filter::Cpus, Filter::Mem, Filter::Disk, Filter::Gpus};
constexpr const char* kNameOf[kResources] = {"cpu", "memory", "disk", "gpus"};

std::string amount_text(size_t resource, int32_t amount) {
  switch (static_cast<Resource>(resource)) {
    case kCpu:
      return fmt::format("{:g}", amount / 1000.0);
    case kMemory:
    case kDisk:
      return fmt::format("{} MB", amount);
    case kGpus:
      return fmt::format("{}", amount);
  }
  return "";
}

// Asks one request of every node, and keeps the answers.
class Survey {
 public:
  Survey(const NodeTable& nodes, const Request& request, bool ever)
      : nodes_(nodes), request_(request), ever_(ever) {}

  Explanation run() {
    Explanation out;
    out.ever = ever_;
    std::map<Reason, Exclusion> exclusions;
    std::vector<NodeNumber> fitting;
    for (const NodeNumber node : nodes_.by_id()) {
      if (!nodes_.known(node)) continue;
      ++out.nodes;
      if (const auto reason = ever_ ? never_because(node) : excluded_by(node)) {
        note(exclusions[*reason], *reason, node);
      } else {
        fitting.push_back(node);
      }
    }
    out.fitting = static_cast<int>(fitting.size());
    if (!ever_) out.best = best_of(fitting);
    for (auto& [reason, exclusion] : exclusions) out.exclusions.push_back(std::move(exclusion));
    std::stable_sort(out.exclusions.begin(), out.exclusions.end(),
                     [](const Exclusion& a, const Exclusion& b) { return a.nodes > b.nodes; });
    return out;
  }

 private:
  std::optional<Reason> excluded_by(NodeNumber node) const {
    if (!nodes_.ready(node)) return Reason{Filter::NotReady};
    if (nodes_.draining(node)) return Reason{Filter::Draining};
    if (const auto reason = breaks_rule(node)) return reason;
    for (size_t i = 0; i < kResources; ++i) {
      if (request_.demand().amount[i] > nodes_.left(node).free[i]) return Reason{kFilterOf[i]};
    }
    const int32_t bar = request_.bar(node);
    if (bar == Request::kPortTaken) return Reason{Filter::HostPort};
    if (bar == Request::kNodeIsFull) return Reason{Filter::MaxPerNode};
    if (bar != Request::kOpen) return Reason{Filter::ApartFrom, static_cast<size_t>(bar)};
    for (size_t i = request_.spread_facets(); i < request_.facets().size(); ++i) {
      const Facet& facet = request_.facets()[i];
      if (facet.is_full(facet.bucket(nodes_.class_of(node)))) return Reason{Filter::MaxPer, i};
    }
    return std::nullopt;
  }

  std::optional<Reason> never_because(NodeNumber node) const {
    if (const auto reason = breaks_rule(node)) return reason;
    for (size_t i = 0; i < kResources; ++i) {
      if (request_.demand().amount[i] > nodes_.capacity(node, static_cast<Resource>(i)))
        return Reason{kFilterOf[i]};
    }
    return std::nullopt;
  }

  std::optional<Reason> breaks_rule(NodeNumber node) const {
    const int32_t verdict = request_.verdict(nodes_.class_of(node));
    if (verdict == NodeClasses::kKeepsAll) return std::nullopt;
    if (verdict == NodeClasses::kBreaksPool) return Reason{Filter::Pool};
    return Reason{Filter::Selector, static_cast<size_t>(verdict)};
  }

  void note(Exclusion& exclusion, const Reason& reason, NodeNumber node) const {
    if (exclusion.nodes++ == 0) {
      exclusion.filter = reason.filter;
      exclusion.rule = rule_text(reason);
    }
    if (exclusion.examples.size() < Exclusion::kExamples) {
      exclusion.examples.push_back(Exclusion::Example{nodes_.id(node), has_text(reason, node)});
    }
  }

  std::string rule_text(const Reason& reason) const {
    const model::Placement& placement = request_.placement();
    switch (reason.filter) {
      case Filter::NotReady:
      case Filter::Draining:
        return "";
      case Filter::Pool:
        return placement.pool;
      case Filter::Selector:
        return placement.selectors[reason.rule].text();
      case Filter::Cpus:
      case Filter::Mem:
      case Filter::Disk:
      case Filter::Gpus:
        return amount_text(resource_of(reason), request_.demand().amount[resource_of(reason)]);
      case Filter::HostPort:
        return fmt::format("{}", request_.demand().host_port);
      case Filter::ApartFrom:
        return placement.apart_from[reason.rule].text();
      case Filter::MaxPerNode:
        return fmt::format("{}", placement.max_per_node);
      case Filter::MaxPer: {
        const Facet& facet = request_.facets()[reason.rule];
        return fmt::format("{} per {}", facet.limit, *facet.attribute);
      }
    }
    return "";
  }

  std::string has_text(const Reason& reason, NodeNumber node) const {
    switch (reason.filter) {
      case Filter::Selector:
        return attribute_text(request_.placement().selectors[reason.rule].attribute, node);
      case Filter::MaxPer:
        return attribute_text(*request_.facets()[reason.rule].attribute, node);
      case Filter::Cpus:
      case Filter::Mem:
      case Filter::Disk:
      case Filter::Gpus: {
        const size_t resource = resource_of(reason);
        if (ever_) return amount_text(resource, nodes_.capacity(node, static_cast<Resource>(resource)));
        return amount_text(resource, nodes_.left(node).free[resource]) + " free";
      }
      case Filter::NotReady:
      case Filter::Draining:
      case Filter::Pool:
      case Filter::HostPort:
      case Filter::ApartFrom:
      case Filter::MaxPerNode:
        return "";
    }
    return "";
  }

  static size_t resource_of(const Reason& reason) {
    return static_cast<size_t>(std::find(std::begin(kFilterOf), std::end(kFilterOf), reason.filter) -
                               std::begin(kFilterOf));
  }

  // "zone a", "no zone".
  std::string attribute_text(const std::string& attribute, NodeNumber node) const {
    const AttributeColumn& column = nodes_.classes().column(attribute);
    const ValueNumber value = column.value_of(nodes_.class_of(node));
    return value == 0 ? "no " + attribute : fmt::format("{} {}", attribute, column.values[value]);
  }

  bool is_better(NodeNumber a, NodeNumber b) const {
    for (size_t i = 0; i < request_.spread_facets(); ++i) {
      const int left = count_at(i, a);
      const int right = count_at(i, b);
      if (left != right) return left < right;
    }
    const int64_t left = nodes_.left(a).spare_after(request_.demand());
    const int64_t right = nodes_.left(b).spare_after(request_.demand());
    const bool balance = request_.placement().packing == model::Packing::Balance;
    if (left != right) return balance ? left > right : left < right;
    return nodes_.rank(a) < nodes_.rank(b);
  }

  int count_at(size_t facet_number, NodeNumber node) const {
    const Facet& facet = request_.facets()[facet_number];
    return facet.counts[facet.bucket(nodes_.class_of(node))];
  }

  std::vector<Choice> best_of(std::vector<NodeNumber>& fitting) const {
    const size_t most = std::min(fitting.size(), Explanation::kChoices);
    std::partial_sort(fitting.begin(), fitting.begin() + static_cast<std::ptrdiff_t>(most), fitting.end(),
                      [&](NodeNumber a, NodeNumber b) { return is_better(a, b); });
    std::vector<Choice> best;
    for (size_t i = 0; i < most; ++i) best.push_back(choice_of(fitting[i]));
    return best;
  }

  Choice choice_of(NodeNumber node) const {
    Choice choice;
    choice.node = nodes_.id(node);
    for (size_t i = 0; i < request_.spread_facets(); ++i) {
      const Facet& facet = request_.facets()[i];
      const ValueNumber bucket = facet.bucket(nodes_.class_of(node));
      choice.spread.push_back(
          Choice::Count{*facet.attribute, facet.column->values[bucket], facet.counts[bucket]});
    }
    const Left& left = nodes_.left(node);
    int64_t least = kWhole + 1;
    for (size_t i = 0; i < kResources; ++i) {
      const int64_t spare = left.spare_of(static_cast<Resource>(i), request_.demand());
      if (left.weight[i] == 0 || spare >= least) continue;
      least = spare;
      choice.scarcest = kNameOf[i];
      choice.used_per_mille = static_cast<int>(((kWhole - spare) * 1000 + kWhole / 2) / kWhole);
    }
    return choice;
  }

  const NodeTable& nodes_;
  const Request& request_;
  const bool ever_;
};

}  // namespace

Explanation Room::explain(const model::Revision& revision) const {
  Request request;
  request.prepare(nodes_, tenants_, revision);
  return Survey(nodes_, request, false).run();
}

Explanation Room::explain_ever(const model::Revision& revision) const {
  Request request;
  request.prepare(nodes_, tenants_, revision);
  return Survey(nodes_, request, true).run();
}

}  // namespace slipway::plan
