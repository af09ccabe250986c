// Files as their schemas have them.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/paasta_keys.h"
#include "config/schema_check.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

// The tree with its scalars written as YAML 1.2 has them, so that one schema holds for both readings.
YamlNode as_core(const YamlNode& node) {
  YamlNode out = node;
  out.children.clear();
  for (const YamlNode& child : node.children) out.children.push_back(as_core(child));
  if (node.kind != YamlKind::Scalar || node.quoted) return out;
  const Scalar11 scalar = scalar_11(node);
  if (const bool* truth = std::get_if<bool>(&scalar)) {
    out.text = *truth ? "true" : "false";
  } else if (const int64_t* integer = std::get_if<int64_t>(&scalar)) {
    out.text = fmt::format("{}", *integer);
  } else if (const double* number = std::get_if<double>(&scalar)) {
    out.text = fmt::format("{}", *number);
  } else {
    out.quoted = true;  // text, whatever the other reading makes of it
  }
  return out;
}

// A whole number may be written 3.0, as Python would take it.
void drop_integral_floats(Findings& findings, size_t first) {
  std::erase_if(findings, [&, index = size_t{0}](const Finding& finding) mutable {
    const bool old = index++ < first;
    return !old && finding.hint.find("an integer") != std::string::npos && finding.message.ends_with(".0");
  });
}

// Findings of the schema `section` about `map`, all of them tolerated. What PaaSTA's files may hold beyond
// the schema is told where their keys are looked up.
void check_values(const YamlNode& map, std::string_view section, bool paasta, const std::string& instance,
                  Findings& findings) {
  const size_t first = findings.size();
  check_map(paasta ? as_core(map) : map, schema(section).keys, "", section, findings);
  if (paasta) {
    std::erase_if(findings, [&, index = size_t{0}](const Finding& finding) mutable {
      const bool old = index++ < first;
      return !old && finding.message.starts_with("unknown key");
    });
    drop_integral_floats(findings, first);
  }
  for (size_t i = first; i < findings.size(); ++i) {
    findings[i].severity = model::Severity::Tolerated;
    findings[i].instance = instance;
  }
}

// Keys that PaaSTA does not know: it goes on without them, and its validation refuses the file.
void check_keys(PaastaMap kind, const YamlNode& map, const std::string& instance, Findings& findings) {
  const size_t first = findings.size();
  check_paasta_keys(kind, map, findings);
  for (size_t i = first; i < findings.size(); ++i) {
    findings[i].severity = model::Severity::Tolerated;
    findings[i].instance = instance;
  }
}

void check_keys_of_job(const YamlNode& job, Findings& findings) {
  check_keys(PaastaMap::Job, job, job.key, findings);
  const YamlNode* actions = job.find("actions");
  if (actions == nullptr) return;
  for (const YamlNode& action : actions->children) {
    if (action.kind == YamlKind::Map) check_keys(PaastaMap::Action, action, job.key, findings);
  }
}

void check_condition(const YamlNode& source, Findings& findings) {
  for (const YamlNode& condition : source.children) {
    if (condition.kind != YamlKind::Map) continue;
    const YamlNode* query = condition.find("query");
    if (query == nullptr) {
      tolerate(findings, condition.at, fmt::format("a condition of {} has no query", source.key));
      continue;
    }
    const auto bound = [&](std::string_view key) {
      const YamlNode* node = condition.find(key);
      return node != nullptr && truth_11(*node);
    };
    if (!bound("lower_bound") && !bound("upper_bound"))
      tolerate(findings, query->at,
               fmt::format("{}: {} needs one of lower_bound OR upper_bound set.", source.key,
                           quote_for_message(query->text)),
               "a bound of 0 counts as none");
  }
}

}  // namespace

void check_document(const CheckedFile& file, std::string_view section, Findings& findings) {
  if (file.root.kind == YamlKind::Null) return;
  if (file.root.kind != YamlKind::Map) {
    tolerate(findings, file.root.at, fmt::format("the file {}", what_stands(file.root)),
             "it should be a map of keys");
    return;
  }
  check_values(file.root, section, file.paasta, {}, findings);
}

void check_monitoring(const CheckedService& service, Findings& findings) {
  const CheckedFile* file = service.find(FileRole::Monitoring);
  const CheckedFile* facts = service.find(FileRole::Service);
  if (file != nullptr) {
    if (!file->paasta) {
      check_document(*file, "monitoring", findings);
    } else {
      check_values(file->root, "monitoring", true, {}, findings);
    }
  }
  if (service.layout != Layout::Paasta) return;
  if (facts != nullptr && file == nullptr)
    tolerate(findings, {facts->number, 1, 1}, "there is no monitoring.yaml beside service.yaml",
             "say there which team gets the alerts");
  if (facts == nullptr && file != nullptr)
    tolerate(findings, {file->number, 1, 1}, "there is no service.yaml beside monitoring.yaml",
             "say there what the service is");
}

void check_paasta_values(const CheckedService& service, Findings& findings) {
  for (const CheckedFile& file : service.files) {
    if (!file.paasta) continue;
    if (file.role == FileRole::Smartstack) {
      for (const YamlNode& space : file.root.children) {
        if (space.kind != YamlKind::Map) continue;
        check_keys(PaastaMap::Namespace, space, {}, findings);
        check_values(space, "paasta_namespace", true, {}, findings);
      }
    }
    for (const YamlNode* instance : instances_of(file)) {
      if (file.role == FileRole::Tron) {
        check_keys_of_job(*instance, findings);
      } else if (file.role == FileRole::Adhoc) {
        check_keys(PaastaMap::Adhoc, *instance, instance->key, findings);
      } else {
        check_keys(PaastaMap::LongRunning, *instance, instance->key, findings);
        check_values(*instance, "paasta_instance", true, instance->key, findings);
      }
    }
  }
}

void check_rollback(const CheckedService& service, Findings& findings) {
  for (const CheckedFile& file : service.files) {
    if (file.role != FileRole::Rollback) continue;
    const YamlNode* conditions = file.root.find("conditions");
    if (conditions == nullptr || conditions->kind != YamlKind::Map) {
      tolerate(findings, {file.number, 1, 1}, "there are no conditions", "add conditions: a map of sources");
      continue;
    }
    for (const YamlNode& source : conditions->children) {
      constexpr std::string_view kSources[] = {"signalfx", "prometheus", "splunk"};
      if (std::ranges::find(kSources, source.key) == std::ranges::end(kSources))
        tolerate(findings, source.key_at,
                 fmt::format("{} is no source of conditions", quote_for_message(source.key)),
                 "there are signalfx, prometheus and splunk");
      check_condition(source, findings);
    }
  }
}

}  // namespace slipway::config
