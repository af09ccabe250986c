#include "imports/draft.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/yaml_text.h"
#include "config/problems.h"
#include "config/schema.h"

namespace fs = std::filesystem;

namespace slipway::imports {

namespace {

// Keys stand in the order of the reference, so that the files read like its examples.
void rank_keys(const std::vector<config::SchemaKey>& keys, std::map<std::string, int, std::less<>>& ranks) {
  for (const config::SchemaKey& key : keys) {
    ranks.emplace(key.name, static_cast<int>(ranks.size()) + 1);
    rank_keys(key.keys, ranks);
  }
}

int rank_of(std::string_view key) {
  static const auto ranks = [] {
    std::map<std::string, int, std::less<>> all;
    rank_keys(config::schema("service").keys, all);
    rank_keys(config::schema("instance").keys, all);
    return all;
  }();
  const auto found = ranks.find(key);
  return found == ranks.end() ? 0 : found->second;
}

}  // namespace

std::string plain_name(std::string_view text) {
  constexpr size_t kLongest = 63;  // of names of ours
  std::string name;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || (!name.empty() && c == '_')) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min(name.size(), kLongest));
  while (name.ends_with('-')) name.pop_back();
  return name;
}

std::string path_from_service(const fs::path& path, const fs::path& into) {
  std::error_code error;
  const fs::path service = fs::absolute(into, error).lexically_normal() / "service";
  const fs::path whole = fs::absolute(path, error).lexically_normal();
  std::string relative = whole.lexically_relative(service).string();
  while (relative.size() > 1 && relative.ends_with('/')) relative.pop_back();
  return relative;
}

int Draft::add_source(std::string path) {
  sources_.push_back(std::move(path));
  return static_cast<int>(sources_.size()) - 1;
}

void Draft::take_problems(const config::YamlDocument& document) {
  problems_.insert(problems_.end(), document.problems.begin(), document.problems.end());
}

Json* Draft::add_instance(const std::string& service, const std::string& instance, Position at,
                          const std::string& file) {
  if (!model::is_name(service) || !model::is_name(instance)) {
    fail(at, "no name can be made of this", "rename it: a name has letters and digits");
    return nullptr;
  }
  const auto [known, added] = taken_.emplace(fmt::format("{}/{}/{}", service, file, instance), at);
  if (!added) {
    const model::Origin first = config::origin_of(known->second, sources_);
    fail(at, fmt::format("a second {}.{} comes of this", service, instance),
         fmt::format("rename one; the first is {}", first.text()));
    return nullptr;
  }
  Json& keys = services_[service][file][instance];
  keys = Json::Object();
  return &keys;
}

bool Draft::claim(const std::string& what, Position at) {
  const auto [known, added] = claims_.emplace(what, at);
  if (added) return true;
  note(at, fmt::format("the {} is left out: another has it", what),
       fmt::format("see {}", config::origin_of(known->second, sources_).text()));
  return false;
}

void Draft::lose(Position at, const std::string& what, std::string instead) {
  note(at, what + " has no counterpart", std::move(instead));
}

void Draft::note(Position at, std::string message, std::string hint) {
  lost_.push_back({at, std::move(message), std::move(hint), {}, model::Severity::Warning});
}

void Draft::fail(Position at, std::string message, std::string hint) {
  problems_.push_back({at, std::move(message), std::move(hint), {}});
}

Import Draft::finish(std::string_view command) const {
  Import import;
  const auto placed = [&](std::vector<config::Finding> findings) {
    std::ranges::stable_sort(findings, {}, &config::Finding::at);
    std::vector<model::Problem> problems;
    for (const config::Finding& finding : findings) {
      problems.push_back(config::problem_of(finding, sources_, {}));
    }
    return problems;
  };
  import.lost = placed(lost_);
  import.problems = placed(problems_);
  if (failed()) return import;
  for (const auto& [service, files] : services_) {
    for (const auto& [file, keys] : files) {
      if (keys.as_object().empty()) continue;
      import.files.push_back({fs::path(service) / file, fmt::format("# Written by `slipway import {}`.\n{}",
                                                                    command, yaml_text(keys, rank_of))});
    }
  }
  return import;
}

bool is_empty(const YamlNode& node) {
  return (node.kind == YamlKind::List || node.kind == YamlKind::Map) && node.children.empty();
}

std::string text_at(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.find(key);
  return node != nullptr && node->kind == YamlKind::Scalar ? node->text : std::string();
}

std::vector<std::string> texts_of(const YamlNode& list) {
  std::vector<std::string> texts;
  for (const YamlNode& item : list.children) {
    if (item.kind == YamlKind::Scalar) texts.push_back(item.text);
  }
  return texts;
}

Json list_of(const std::vector<std::string>& texts) {
  Json::Array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

}  // namespace slipway::imports
