#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/yaml_scalar.h"
#include "imports/marathon_app.h"

namespace slipway::imports {

namespace {

// The values of a pattern that is no more than a choice of words: "a|b", "(a|b)". Empty for any other.
std::vector<std::string> words_of_pattern(std::string_view pattern) {
  if (pattern.starts_with('(') && pattern.ends_with(')')) pattern = pattern.substr(1, pattern.size() - 2);
  std::vector<std::string> words = split(pattern, '|');
  const auto plain = [](const std::string& word) {
    return !word.empty() && word.find_first_of(R"(.*+?[](){}^$\)") == std::string::npos;
  };
  // A dot between letters is what host names and versions have; as a pattern it would match them as well.
  const auto host = [](const std::string& word) {
    return !word.empty() && word.find_first_of(R"(*+?[](){}^$\)") == std::string::npos && word.front() != '.';
  };
  if (std::ranges::all_of(words, plain) || std::ranges::all_of(words, host)) return words;
  return {};
}

class Constraint {
 public:
  Constraint(const YamlNode& node, Json& keys, Draft& draft) : node_(node), keys_(keys), draft_(draft) {
    const std::vector<std::string> parts = texts_of(node);
    if (parts.size() > 0) field_ = parts[0];
    if (parts.size() > 1) op_ = parts[1];
    if (parts.size() > 2) value_ = parts[2];
  }

  void read() {
    if (field_ == "@hostname") field_ = "hostname";
    if (op_ == "UNIQUE") return at_most("1");
    if (op_ == "MAX_PER") return at_most(value_);
    if (op_ == "GROUP_BY" && field_ != "hostname") return keys_["placement"]["spread"].push_back(field_);
    if ((op_ == "CLUSTER" || op_ == "IS") && !value_.empty()) return select("In", {value_});
    if (op_ == "LIKE" || op_ == "UNLIKE") return pattern(op_ == "LIKE" ? "In" : "NotIn");
    // Spread over hosts is what the placement does anyhow.
    if (op_ == "GROUP_BY") return;
    lose("say it with node_selectors or placement");
  }

 private:
  void lose(std::string instead) const {
    draft_.lose(node_.at, fmt::format("the constraint {} {} {}", field_, op_, value_), std::move(instead));
  }

  void at_most(const std::string& text) {
    int64_t most = 0;
    for (const char c : text.substr(0, 6)) {
      if (c < '0' || c > '9') return lose("the number is missing");
      most = most * 10 + (c - '0');
    }
    if (most < 1 || most > 100'000) return lose("the number should be from 1 to 100000");
    if (field_ == "hostname") {
      keys_["placement"]["max_per_node"] = most;
    } else {
      keys_["placement"]["max_per"][field_] = most;
    }
  }

  void pattern(const char* op) {
    const std::vector<std::string> words = words_of_pattern(value_);
    if (words.empty()) return lose("name the values one by one in node_selectors");
    select(op, words);
  }

  void select(const char* op, const std::vector<std::string>& values) {
    Json rule;
    rule["operator"] = op;
    rule["values"] = list_of(values);
    keys_["node_selectors"][field_].push_back(std::move(rule));
  }

  const YamlNode& node_;
  Json& keys_;
  Draft& draft_;
  std::string field_;
  std::string op_;
  std::string value_;
};

}  // namespace

void read_marathon_constraints(const YamlNode& constraints, Json& keys, Draft& draft) {
  for (const YamlNode& constraint : constraints.children) Constraint(constraint, keys, draft).read();
}

}  // namespace slipway::imports
