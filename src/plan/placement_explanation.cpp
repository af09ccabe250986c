#include "plan/placement_explanation.h"

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::plan {
namespace {

// "8 lack memory", "1 lacks memory".
std::string_view verb(int nodes, std::string_view one, std::string_view many) {
  return nodes == 1 ? one : many;
}

std::string complaint(Filter filter, int nodes, const std::string& rule) {
  switch (filter) {
    case Filter::NotReady:
      return fmt::format("{} not ready", verb(nodes, "is", "are"));
    case Filter::Draining:
      return fmt::format("{} draining", verb(nodes, "is", "are"));
    case Filter::Pool:
      return fmt::format("{} not in pool {}", verb(nodes, "is", "are"), rule);
    case Filter::Selector:
      return fmt::format("{} not match {}", verb(nodes, "does", "do"), rule);
    case Filter::Cpus:
      return fmt::format("{} cpu", verb(nodes, "lacks", "lack"));
    case Filter::Mem:
      return fmt::format("{} memory", verb(nodes, "lacks", "lack"));
    case Filter::Disk:
      return fmt::format("{} disk", verb(nodes, "lacks", "lack"));
    case Filter::Gpus:
      return fmt::format("{} gpus", verb(nodes, "lacks", "lack"));
    case Filter::HostPort:
      return fmt::format("{} port {} taken", verb(nodes, "has", "have"), rule);
    case Filter::ApartFrom:
      return fmt::format("{} tasks of {}, which it is to be apart from", verb(nodes, "has", "have"), rule);
    case Filter::MaxPerNode:
      return fmt::format("{} as many of its tasks as max_per_node allows, {}", verb(nodes, "has", "have"),
                         rule);
    case Filter::MaxPer:
      return fmt::format("{} where max_per allows no more, {}", verb(nodes, "is", "are"), rule);
  }
  UNREACHABLE();
}

// The filters that ask for an amount say it with their examples.
bool asks_for_amount(Filter filter) {
  return filter == Filter::Cpus || filter == Filter::Mem || filter == Filter::Disk || filter == Filter::Gpus;
}

Json choice_json(const Choice& choice) {
  Json json;
  json["node"] = choice.node.str();
  Json::Array spread;
  for (const Choice::Count& count : choice.spread) {
    Json entry;
    entry["attribute"] = count.attribute;
    entry["value"] = count.value;
    entry["tasks"] = count.tasks;
    spread.push_back(std::move(entry));
  }
  json["spread"] = std::move(spread);
  json["scarcest"] = choice.scarcest;
  json["used_per_mille"] = choice.used_per_mille;
  return json;
}

Json exclusion_json(const Exclusion& exclusion) {
  Json json;
  json["filter"] = to_text(exclusion.filter);
  json["rule"] = exclusion.rule;
  json["nodes"] = exclusion.nodes;
  Json::Array examples;
  for (const Exclusion::Example& example : exclusion.examples) {
    Json entry;
    entry["node"] = example.node.str();
    entry["has"] = example.has;
    examples.push_back(std::move(entry));
  }
  json["examples"] = std::move(examples);
  return json;
}

template <class T>
std::string joined(const std::vector<T>& parts) {
  std::vector<std::string> texts;
  for (const T& part : parts) texts.push_back(part.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::string_view to_text(Filter filter) {
  switch (filter) {
    case Filter::NotReady:
      return "not_ready";
    case Filter::Draining:
      return "draining";
    case Filter::Pool:
      return "pool";
    case Filter::Selector:
      return "selector";
    case Filter::Cpus:
      return "cpus";
    case Filter::Mem:
      return "memory";
    case Filter::Disk:
      return "disk";
    case Filter::Gpus:
      return "gpus";
    case Filter::HostPort:
      return "host_port";
    case Filter::ApartFrom:
      return "apart_from";
    case Filter::MaxPerNode:
      return "max_per_node";
    case Filter::MaxPer:
      return "max_per";
  }
  UNREACHABLE();
}

std::string Exclusion::text() const {
  std::string inside = asks_for_amount(filter) ? "needs " + rule + "; " : "";
  for (size_t i = 0; i < examples.size(); ++i) {
    if (i > 0) inside += ", ";
    inside += examples[i].node.str();
    if (!examples[i].has.empty()) inside += " has " + examples[i].has;
  }
  if (static_cast<size_t>(nodes) > examples.size()) inside += ", ...";
  return fmt::format("{} {} ({})", nodes, complaint(filter, nodes, rule), inside);
}

std::string Choice::text() const {
  std::vector<std::string> reasons;
  for (const Count& count : spread) {
    const std::string where = count.value.empty() ? "without " + count.attribute
                                                  : fmt::format("in {} {}", count.attribute, count.value);
    reasons.push_back(fmt::format("{} {} {}", count.tasks, count.tasks == 1 ? "task" : "tasks", where));
  }
  if (!scarcest.empty()) {
    reasons.push_back(
        fmt::format("{}.{} % of its {} used then", used_per_mille / 10, used_per_mille % 10, scarcest));
  }
  return reasons.empty() ? node.str() : fmt::format("{} ({})", node.str(), fmt::join(reasons, ", "));
}

std::string Explanation::text() const {
  if (nodes == 0) return "there is no node";
  const std::string of = nodes == 1 ? "the only node" : fmt::format("no node of {}", nodes);
  if (fitting == 0) {
    const std::string_view can =
        nodes == 1 ? (ever ? "could never" : "cannot") : (ever ? "could ever" : "can");
    return fmt::format("{} {} take it: {}", of, can, joined(exclusions));
  }
  if (ever) return fmt::format("{} of {} nodes could take it", fitting, nodes);
  std::string text = fmt::format("{} of {} nodes can take it; it goes to {}", fitting, nodes, best[0].text());
  if (best.size() > 1) text += "; next: " + joined(std::vector<Choice>(best.begin() + 1, best.end()));
  return text;
}

Json to_json(const Explanation& explanation) {
  Json json;
  json["nodes"] = explanation.nodes;
  json["fitting"] = explanation.fitting;
  json["ever"] = explanation.ever;
  json["text"] = explanation.text();
  Json::Array best;
  for (const Choice& choice : explanation.best) best.push_back(choice_json(choice));
  json["best"] = std::move(best);
  Json::Array exclusions;
  for (const Exclusion& exclusion : explanation.exclusions) exclusions.push_back(exclusion_json(exclusion));
  json["exclusions"] = std::move(exclusions);
  return json;
}

}  // namespace slipway::plan
