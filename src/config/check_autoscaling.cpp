#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/override_comment.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

constexpr std::string_view kPromql = "arbitrary-promql";
constexpr std::string_view kActiveRequests = "active-requests";

class Autoscaling {
 public:
  Autoscaling(const CheckedService& service, const CheckedFile& file, const YamlNode& instance,
              Findings& findings)
      : service_(service), file_(file), instance_(instance), findings_(findings) {}

  void run() {
    check_range();
    if (instance_.find("max_instances") == nullptr || service_.ignored_checks.contains(file_.cluster)) return;
    const YamlNode* autoscaling = instance_.find("autoscaling");
    const YamlNode* list = autoscaling == nullptr ? nullptr : autoscaling->find("metrics_providers");
    if (list == nullptr || list->children.empty())
      return check_cpu(instance_.key_at, 1);  // the default provider
    for (const YamlNode& provider : list->children) {
      if (provider.kind == YamlKind::Map) check_provider(provider, list->children.size());
    }
  }

 private:
  void tell(Position at, std::string_view message, std::string hint = {}) {
    tolerate(findings_, at,
             fmt::format("Autoscaling validation failed for {}.{} in {}: {}", service_.name, instance_.key,
                         file_.cluster, message),
             std::move(hint), instance_.key);
  }

  void check_range() {
    const auto least = number_below(instance_, "min_instances", file_.paasta);
    const auto most = number_below(instance_, "max_instances", file_.paasta);
    if (!most || least.value_or(1) <= *most) return;
    tolerate(findings_, instance_.find("max_instances")->at,
             fmt::format("max_instances is {}, and min_instances {}", *most, least.value_or(1)),
             "it should be at least as many", instance_.key);
  }

  void check_provider(const YamlNode& provider, size_t count) {
    const std::string type(text_below(provider, "type"));
    const bool bespoke = text_below(provider, "decision_policy") == "bespoke";
    if (bespoke && count > 1)
      tell(provider.at, "cannot use bespoke autoscaling with multiple metrics providers", "keep one of them");
    if (!types_.insert(type).second)
      tell(provider.at, fmt::format("the metrics provider {} is here twice", type), "keep one of them");
    check_fields(provider, type);
    if (type == kActiveRequests) check_active_requests(provider);
    if (type == kPromql) check_promql(provider);
    if (type == "cpu" && !bespoke) check_cpu(provider.at, count);
  }

  void check_fields(const YamlNode& provider, std::string_view type) {
    const auto forbid = [&](std::string_view field) {
      const YamlNode* node = provider.find(field);
      if (node != nullptr)
        tell(node->key_at, fmt::format("metric provider {} does not support {}", type, field));
    };
    if (type != kPromql) {
      for (const std::string_view field : {"metrics_query", "series_query", "target_type", "resources"})
        forbid(field);
    }
    if (type != kActiveRequests) forbid("desired_active_requests_per_replica");
  }

  void check_active_requests(const YamlNode& provider) {
    const YamlNode* registrations = instance_.find("registrations");
    if (registrations != nullptr && registrations->children.size() > 1)
      tell(registrations->at, "active-requests needs exactly one registration");
    const YamlNode* setpoint = provider.find("setpoint");
    constexpr double kDefault = 0.8;
    if (setpoint != nullptr && number_11(*setpoint) != kDefault)
      tell(setpoint->at, "active-requests does not take a setpoint",
           "set desired_active_requests_per_replica");
  }

  void check_promql(const YamlNode& provider) {
    if (provider.find("metrics_query") == nullptr)
      tell(provider.at, "arbitrary-promql needs a metrics_query");
    const YamlNode* setpoint = provider.find("setpoint");
    if (setpoint != nullptr && number_11(*setpoint).value_or(0) <= 0)
      tell(setpoint->at, "the setpoint should be above 0");
  }

  // Cores that a person set by hand work against a scaler that goes by their use.
  void check_cpu(Position at, size_t providers) {
    const YamlNode* cpus = instance_.find("cpus");
    if (cpus == nullptr) {
      if (providers > 1) tell(at, "cpu beside other metrics providers needs explicit cpus", "set cpus");
      return;
    }
    if (providers == 1 && !has_override(file_.text, *cpus, "override-cpu-setting"))
      tell(cpus->at, "cpus is set by hand, and scaled by the use of the cpu",
           "remove cpus, or add the comment # override-cpu-setting (PROJ-123)");
  }

  const CheckedService& service_;
  const CheckedFile& file_;
  const YamlNode& instance_;
  Findings& findings_;
  std::set<std::string> types_;
};

}  // namespace

void check_autoscaling(const CheckedService& service, Findings& findings) {
  for (const CheckedFile& file : service.files) {
    if (file.role != FileRole::Kubernetes && file.role != FileRole::Eks) continue;
    for (const YamlNode* instance : instances_of(file)) Autoscaling(service, file, *instance, findings).run();
  }
}

}  // namespace slipway::config
