#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/forms.h"
#include "config/override_comment.h"

namespace slipway::config {

namespace {

constexpr size_t kLongestName = 63;  // of what PaaSTA makes of a service or an instance

// The name as an object of Kubernetes has it: "_" becomes "--".
size_t sanitised_length(std::string_view name) {
  size_t length = 0;
  for (const char c : name) length += c == '_' ? 2 : 1;
  return name.starts_with('_') ? length + 9 : length;  // "underscore-" in place of the first "--"
}

class InstanceCheck {
 public:
  InstanceCheck(const CheckedService& service, const CheckedFile& file, const YamlNode& instance,
                Findings& findings)
      : service_(service), file_(file), instance_(instance), findings_(findings) {}

  void run() {
    if (sanitised_length(instance_.key) > kLongestName)
      tell(instance_.key_at, fmt::format("the name of {} is too long", instance_.key),
           fmt::format("{} characters are the most, and _ counts as two", kLongestName));
    check_registrations();
    check_burst();
    check_dependencies();
  }

 private:
  void tell(Position at, std::string message, std::string hint = {}) {
    tolerate(findings_, at, std::move(message), std::move(hint), instance_.key);
  }

  void check_registrations() {
    const YamlNode* list = instance_.find("registrations");
    if (list == nullptr || list->kind != YamlKind::List) return;
    for (const YamlNode& name : list->children) {
      if (name.kind == YamlKind::Scalar && !is_registration(name.text))
        tell(name.at, fmt::format("{} is no registration", quote_for_message(name.text)),
             "Service registrations must be of the form service.registration");
    }
  }

  void check_burst() {
    constexpr double kMost = 2;  // cores, without anybody asking
    const auto burst = number_below(instance_, "cpu_burst_add", true);
    if (!burst || *burst <= kMost || service_.ignored_checks.contains(file_.cluster)) return;
    const YamlNode& node = *instance_.find("cpu_burst_add");
    if (has_override(file_.text, node, "override-cpu-burst")) return;
    tell(node.at, fmt::format("cpu_burst_add is {}, which is above {}", node.text, kMost),
         "lower it, or add the comment # override-cpu-burst (PROJ-123)");
  }

  void check_dependencies() {
    const YamlNode* reference = instance_.find("dependencies_reference");
    if (reference == nullptr || reference->kind != YamlKind::Scalar) return;
    const CheckedFile* file = service_.find(FileRole::Dependencies);
    std::vector<std::string> names;
    if (file != nullptr) {
      if (file->root.find(reference->text) != nullptr) return;
      for (const YamlNode& child : file->root.children) names.push_back(child.key);
    }
    const auto near = did_you_mean(reference->text.substr(0, 64), names);
    tell(reference->at,
         fmt::format("dependencies_reference {} is not in dependencies.yaml",
                     quote_for_message(reference->text)),
         near              ? fmt::format("did you mean {}?", *near)
         : file == nullptr ? "there is no dependencies.yaml"
                           : std::string());
  }

  const CheckedService& service_;
  const CheckedFile& file_;
  const YamlNode& instance_;
  Findings& findings_;
};

}  // namespace

void check_instances(const CheckedService& service, Findings& findings) {
  for (const CheckedFile& file : service.files) {
    if (!file.paasta || file.role == FileRole::Tron) continue;
    for (const YamlNode* instance : instances_of(file))
      InstanceCheck(service, file, *instance, findings).run();
  }
}

}  // namespace slipway::config
