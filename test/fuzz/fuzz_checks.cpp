// Whatever the files of a service say, in either layout and in every role, what is found has a place in them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/checks.h"
#include "config/schedule.h"

namespace {

namespace config = slipway::config;

// The files are parts of one input, so that one corpus entry holds a whole service.
constexpr std::string_view kSeparator = "\n%%%%\n";
constexpr std::string_view kNames[] = {"deploy.yaml",        "monitoring.yaml", "service.yaml",
                                       "run.yaml",           "jobs.yaml",       "kubernetes-prod.yaml",
                                       "tron-prod.yaml",     "smartstack.yaml", "dependencies.yaml",
                                       "rollback-prod.yaml", "adhoc-prod.yaml", "eks-prod.yaml"};

std::string take_part(std::string_view& rest) {
  const size_t end = rest.find(kSeparator);
  const std::string part(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kSeparator.size());
  return part;
}

config::CheckedTree tree_of(std::string_view rest) {
  config::CheckedTree tree;
  config::CheckedService& service = tree.services.emplace_back();
  service.name = "web";
  service.secrets = {{"known", true}, {"empty", false}};
  for (const std::string_view name : kNames) {
    const config::KnownFile known = *config::known_file(name);
    config::CheckedFile file;
    file.role = known.role;
    file.paasta = known.layout == config::Layout::Paasta;
    file.name = name;
    file.cluster = known.cluster;
    file.text = take_part(rest);
    file.number = static_cast<int>(service.files.size());
    file.root = config::parse_yaml(file.text, file.number).root;
    service.files.push_back(std::move(file));
  }
  return tree;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const config::CheckedTree tree = tree_of({reinterpret_cast<const char*>(data), size});
  const config::CheckedService& service = tree.services.front();
  config::Findings findings;
  config::check_deploy(service, findings);
  config::check_monitoring(service, findings);
  config::check_paasta_values(service, findings);
  config::check_jobs(service, findings);
  config::check_secrets(tree, service, findings);
  config::check_autoscaling(service, findings);
  config::check_instances(service, findings);
  config::check_namespaces(tree, service, findings);
  config::check_rollback(service, findings);
  for (const config::Finding& finding : findings) {
    CHECK(finding.at.file >= 0 && finding.at.file < static_cast<int>(service.files.size()));
    CHECK(finding.at.line >= 1 && finding.at.column >= 1);
    CHECK(!finding.message.empty() && finding.severity != slipway::model::Severity::Error);
  }
  (void)config::schedule_problem({reinterpret_cast<const char*>(data), size});
  return 0;
}
