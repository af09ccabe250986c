#include "cli/sarif.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::cli {

namespace {

// A path as a relative reference, or as a file: URI where it lies elsewhere.
std::string uri_of(const std::string& file, const std::filesystem::path& base) {
  const std::filesystem::path relative = std::filesystem::path(file).lexically_relative(base);
  const bool below = !relative.empty() && *relative.begin() != "..";
  std::string uri = below ? "" : "file://";
  for (const char c : below ? relative.generic_string() : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

std::string_view level_of(model::Severity severity) {
  switch (severity) {
    case model::Severity::Error:
    case model::Severity::Tolerated:
      return "error";
    case model::Severity::Warning:
      return "warning";
  }
  return "none";
}

Json text_of(std::string_view text) {
  Json message;
  message["text"] = text;
  return message;
}

Json location_of(const model::Problem& problem, const std::filesystem::path& base) {
  Json place;
  place["artifactLocation"]["uri"] = uri_of(problem.origin.file, base);
  place["region"]["startLine"] = std::max(problem.origin.line, 1);
  place["region"]["startColumn"] = std::max(problem.origin.column, 1);
  Json location;
  location["physicalLocation"] = std::move(place);
  if (!problem.service.empty()) {
    Json logical;
    logical["fullyQualifiedName"] =
        problem.instance.empty() ? problem.service : problem.service + "." + problem.instance;
    location["logicalLocations"].push_back(std::move(logical));
  }
  return location;
}

Json result_of(const config::Violation& violation, const std::filesystem::path& base) {
  const model::Problem& problem = violation.problem;
  const auto& rules = config::validation_rules();
  const auto rule = std::ranges::find(rules, violation.rule, &config::ValidationRule::id);
  Json result;
  result["ruleId"] = violation.rule;
  result["ruleIndex"] = rule - rules.begin();
  result["level"] = level_of(problem.severity);
  result["message"] = text_of(problem.hint.empty() ? problem.message : problem.message + "; " + problem.hint);
  result["locations"].push_back(location_of(problem, base));
  return result;
}

}  // namespace

Json sarif_log(const std::vector<config::Violation>& violations, const std::filesystem::path& base,
               const std::string& version) {
  Json driver;
  driver["name"] = "slipway";
  driver["version"] = version;
  for (const config::ValidationRule& rule : config::validation_rules()) {
    Json described;
    described["id"] = rule.id;
    described["shortDescription"] = text_of(rule.summary);
    driver["rules"].push_back(std::move(described));
  }
  Json run;
  run["tool"]["driver"] = std::move(driver);
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = Json::Array();
  for (const config::Violation& violation : violations) run["results"].push_back(result_of(violation, base));
  Json log;
  log["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  log["version"] = "2.1.0";
  log["runs"].push_back(std::move(run));
  return log;
}

}  // namespace slipway::cli
