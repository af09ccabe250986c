// What plan::Room promises, written so that it is obviously right: lists of nodes and tasks, and for every
// question a walk over all of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/observed.h"
#include "plan/placement_explanation.h"

namespace slipway::test {

class PlacementTwin {
 public:
  // The filter, and how many nodes it was the first to exclude; one entry a rule.
  using Counts = std::vector<std::pair<plan::Filter, int>>;

  void set_node(const model::Node& node) { nodes_[node.id] = node; }
  void remove_node(const model::NodeId& id) { nodes_.erase(id); }

  void occupy(const model::Task& task, const model::Revision& revision) {
    vacate(task.id);
    const bool ended = task.state == model::TaskState::Exited || task.state == model::TaskState::Failed;
    if (task.node.empty() || task.state == model::TaskState::Lost || (ended && !task.next_start_at)) return;
    tasks_.push_back({task.id, revision, task.node, task.one_off});
  }
  void vacate(const model::TaskId& id) {
    std::erase_if(tasks_, [&](const Tenant& tenant) { return !id.empty() && tenant.id == id; });
  }
  std::optional<model::NodeId> place(const model::Revision& revision) {
    const auto best = ranked(revision);
    if (best.empty()) return std::nullopt;
    tasks_.push_back({model::TaskId(), revision, best.front(), false});
    return best.front();
  }
  void give_back(const model::Revision& revision, const model::NodeId& node) {
    const auto it = std::find_if(tasks_.begin(), tasks_.end(), [&](const Tenant& tenant) {
      return tenant.id.empty() && tenant.revision.id == revision.id && tenant.node == node;
    });
    tasks_.erase(it);
  }

  // The nodes that will do, best first.
  std::vector<model::NodeId> ranked(const model::Revision& revision) const {
    std::vector<std::tuple<std::vector<int>, int64_t, model::NodeId>> scored;
    for (const auto& [id, node] : nodes_) {
      if (excluded_by(revision, node)) continue;
      std::vector<int> counts;
      for (const std::string& attribute : revision.spec.placement.spread) {
        counts.push_back(counted(revision, [&](const model::Node& other) {
          return text_of(other, attribute) == text_of(node, attribute);
        }));
      }
      const bool pack = revision.spec.placement.packing == model::Packing::Pack;
      const int64_t spare = spare_after(revision, node);
      scored.emplace_back(counts, pack ? spare : -spare, id);
    }
    std::sort(scored.begin(), scored.end());
    std::vector<model::NodeId> ids;
    for (const auto& entry : scored) ids.push_back(std::get<2>(entry));
    return ids;
  }

  Counts exclusions(const model::Revision& revision) const {
    return count([&](const model::Node& node) { return excluded_by(revision, node); });
  }
  Counts exclusions_ever(const model::Revision& revision) const {
    return count([&](const model::Node& node) { return never_because(revision, node); });
  }

 private:
  using Reason = std::optional<std::pair<plan::Filter, size_t>>;
  struct Tenant {
    model::TaskId id;  // empty: placed, and no task yet
    model::Revision revision;
    model::NodeId node;
    bool one_off = false;
  };

  template <class Ask>
  Counts count(Ask ask) const {
    std::map<std::pair<plan::Filter, size_t>, int> by_rule;
    for (const auto& [id, node] : nodes_) {
      if (const Reason reason = ask(node)) ++by_rule[*reason];
    }
    Counts counts;
    for (const auto& [rule, nodes] : by_rule) counts.emplace_back(rule.first, nodes);
    std::stable_sort(counts.begin(), counts.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return counts;
  }

  static std::string text_of(const model::Node& node, const std::string& attribute) {
    const auto it = node.attributes.find(attribute);
    return it == node.attributes.end() ? "" : it->second;
  }

  static std::optional<long long> number(const std::string& text) {
    const std::string digits = text.starts_with("-") ? text.substr(1) : text;
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    return std::stoll(text);
  }

  static bool holds(const model::NodeSelector& selector, const model::Node& node) {
    const bool has = node.attributes.contains(selector.attribute);
    const std::string value = text_of(node, selector.attribute);
    const auto listed = std::count(selector.values.begin(), selector.values.end(), value) > 0;
    if (selector.op == model::SelectorOperator::In) return has && listed;
    if (selector.op == model::SelectorOperator::NotIn) return !has || !listed;
    if (selector.op == model::SelectorOperator::Exists) return has;
    if (selector.op == model::SelectorOperator::DoesNotExist) return !has;
    if (!has || selector.values.size() != 1) return false;
    const auto left = number(value);
    const auto right = number(selector.values[0]);
    if (!left || !right) return false;
    return selector.op == model::SelectorOperator::Gt ? *left > *right : *left < *right;
  }

  // cpu in thousandths, memory, disk, gpus.
  static std::vector<int64_t> needs(const model::Revision& revision) {
    const model::Resources& want = revision.spec.resources;
    return {std::llround(want.cpus * 1000), want.mem_mb, want.disk_mb, want.gpus};
  }
  static std::vector<int64_t> has(const model::Node& node) {
    return {std::llround(node.cpus * 1000), node.mem_mb, node.disk_mb, node.gpus};
  }
  static bool is_told(const model::Node& node, size_t resource) { return resource != 2 || node.disk_mb > 0; }

  int64_t free(const model::Node& node, size_t resource) const {
    int64_t amount = has(node)[resource];
    for (const Tenant& tenant : tasks_) {
      if (tenant.node == node.id) amount -= needs(tenant.revision)[resource];
    }
    return std::max<int64_t>(amount, 0);
  }

  int64_t spare_after(const model::Revision& revision, const model::Node& node) const {
    constexpr int64_t kWhole = int64_t{1} << 40;
    int64_t least = kWhole;
    for (size_t i = 0; i < 4; ++i) {
      if (!is_told(node, i) || has(node)[i] == 0) continue;
      least = std::min(least, (free(node, i) - needs(revision)[i]) * (kWhole / has(node)[i]));
    }
    return least;
  }

  // Tasks of the revision that count, on nodes that are as asked.
  template <class Where>
  int counted(const model::Revision& revision, Where where) const {
    int tasks = 0;
    for (const Tenant& tenant : tasks_) {
      const auto node = nodes_.find(tenant.node);
      if (node == nodes_.end() || tenant.one_off || tenant.revision.id != revision.id) continue;
      tasks += where(node->second);
    }
    return tasks;
  }

  static Reason breaks_rule(const model::Revision& revision, const model::Node& node) {
    const model::Placement& placement = revision.spec.placement;
    const auto pool = node.attributes.find("pool");
    if (placement.pool != (pool == node.attributes.end() ? "default" : pool->second))
      return std::pair(plan::Filter::Pool, 0);
    for (size_t i = 0; i < placement.selectors.size(); ++i) {
      if (!holds(placement.selectors[i], node)) return std::pair(plan::Filter::Selector, i);
    }
    return std::nullopt;
  }

  static constexpr plan::Filter kAmounts[] = {plan::Filter::Cpus, plan::Filter::Mem, plan::Filter::Disk,
                                              plan::Filter::Gpus};

  static Reason never_because(const model::Revision& revision, const model::Node& node) {
    if (const Reason reason = breaks_rule(revision, node)) return reason;
    for (size_t i = 0; i < 4; ++i) {
      if (is_told(node, i) && needs(revision)[i] > has(node)[i]) return std::pair(kAmounts[i], 0);
    }
    return std::nullopt;
  }

  Reason excluded_by(const model::Revision& revision, const model::Node& node) const {
    const model::Placement& placement = revision.spec.placement;
    if (!node.ready) return std::pair(plan::Filter::NotReady, 0);
    if (node.draining) return std::pair(plan::Filter::Draining, 0);
    if (const Reason reason = breaks_rule(revision, node)) return reason;
    for (size_t i = 0; i < 4; ++i) {
      if (is_told(node, i) && needs(revision)[i] > free(node, i)) return std::pair(kAmounts[i], 0);
    }
    if (has_port_taken(revision, node)) return std::pair(plan::Filter::HostPort, 0);
    for (size_t i = 0; i < placement.apart_from.size(); ++i) {
      if (has_tasks_of(placement.apart_from[i], revision, node)) return std::pair(plan::Filter::ApartFrom, i);
    }
    const auto here = [&](const model::Node& other) { return other.id == node.id; };
    if (placement.max_per_node > 0 && counted(revision, here) >= placement.max_per_node)
      return std::pair(plan::Filter::MaxPerNode, 0);
    size_t rule = 0;
    for (const auto& [attribute, most] : placement.max_per) {
      const std::string& name = attribute;
      const auto alike = [&](const model::Node& other) {
        return text_of(other, name) == text_of(node, name);
      };
      if (counted(revision, alike) >= std::max(most, 1)) return std::pair(plan::Filter::MaxPer, rule);
      ++rule;
    }
    return std::nullopt;
  }

  bool has_port_taken(const model::Revision& revision, const model::Node& node) const {
    const auto port = host_port(revision);
    return port != 0 && std::any_of(tasks_.begin(), tasks_.end(), [&](const Tenant& tenant) {
             return tenant.node == node.id && host_port(tenant.revision) == port;
           });
  }
  static int host_port(const model::Revision& revision) {
    return revision.spec.net == model::NetMode::Host ? revision.spec.container_port.value_or(0) : 0;
  }

  bool has_tasks_of(const model::ApartFrom& other, const model::Revision& self,
                    const model::Node& node) const {
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const Tenant& tenant) {
      const model::InstanceId& id = tenant.revision.instance;
      const bool meant =
          id.service == other.service && (other.instance.empty() || id.instance == other.instance);
      return tenant.node == node.id && meant && id != self.instance;
    });
  }

  std::map<model::NodeId, model::Node> nodes_;
  std::vector<Tenant> tasks_;
};

}  // namespace slipway::test
