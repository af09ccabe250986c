#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/schema_check.h"

namespace slipway::config {

namespace {

struct Group {
  std::string name;
  Position at;
};

// Steps of a pipeline that deploy nothing.
bool is_other_step(std::string_view name) {
  constexpr std::string_view kOthers[] = {"itest", "itest-and-push-to-registry", "security-check",
                                          "push-to-registry"};
  return name.starts_with("command-") || std::ranges::find(kOthers, name) != std::ranges::end(kOthers);
}

bool is_step_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

class Pipeline {
 public:
  Pipeline(const YamlNode& root, Findings& findings) : findings_(findings) {
    const YamlNode* pipeline = root.find("pipeline");
    if (pipeline != nullptr && pipeline->kind == YamlKind::List) {
      for (const YamlNode& step : pipeline->children) take(step);
    }
  }

  const std::vector<Group>& groups() const { return groups_; }

 private:
  void take(const YamlNode& step) {
    if (step.kind != YamlKind::Map) return;  // told by the schema
    if (const YamlNode* parallel = step.find("parallel"); parallel != nullptr) {
      for (const YamlNode& inner : parallel->children) take(inner);
      return;
    }
    const YamlNode* name = step.find("step");
    if (name == nullptr || name->kind != YamlKind::Scalar) {
      tolerate(findings_, step.at, "a step of the pipeline has no name", "add step: a deploy group");
    } else if (!is_step_name(name->text)) {
      tolerate(findings_, name->at, fmt::format("{} is no name for a step", quote_for_message(name->text)),
               "use letters, digits, - . and _");
    } else if (std::ranges::find(groups_, name->text, &Group::name) != groups_.end()) {
      tolerate(findings_, name->at, fmt::format("the step {} is in the pipeline twice", name->text),
               "keep one");
    } else if (!is_other_step(name->text)) {
      groups_.push_back({name->text, name->at});
    }
  }

  Findings& findings_;
  std::vector<Group> groups_;
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Whether the group is of this pattern, in which one `*` stands for the cluster that is not known.
bool matches(std::string_view group, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return group == pattern;
  return group.size() >= pattern.size() - 1 && group.starts_with(pattern.substr(0, star)) &&
         group.ends_with(pattern.substr(star + 1));
}

class GroupUse {
 public:
  GroupUse(const CheckedService& service, const std::vector<Group>& groups, bool exists, Findings& findings)
      : service_(service), groups_(groups), exists_(exists), findings_(findings), used_(groups.size()) {}

  void run() {
    for (const CheckedFile& file : service_.files) {
      for (const YamlNode* instance : instances_of(file)) {
        if (file.role == FileRole::Tron) {
          use_job(file, *instance);
        } else {
          use(file, *instance, instance->key, group_of(*instance));
        }
      }
    }
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (!used_[i])
        warn(findings_, groups_[i].at, fmt::format("no instance has the deploy group {}", groups_[i].name),
             "remove the step, or set deploy_group of an instance");
    }
  }

 private:
  const YamlNode* group_of(const YamlNode& instance) const {
    const YamlNode* group = instance.find("deploy_group");
    if (group != nullptr) return group;
    const CheckedFile* defaults = service_.find(FileRole::Service);
    return defaults == nullptr ? nullptr : defaults->root.find("deploy_group");
  }

  void use_job(const CheckedFile& file, const YamlNode& job) {
    const YamlNode* actions = job.find("actions");
    if (actions == nullptr) return;
    for (const YamlNode& action : actions->children) {
      const YamlNode* group = action.find("deploy_group");
      if (group == nullptr) group = job.find("deploy_group");
      // The code of another service is deployed by that one's pipeline.
      const bool elsewhere = action.find("service") != nullptr || job.find("service") != nullptr;
      if (group != nullptr && !elsewhere) use(file, job, job.key + "." + action.key, group);
    }
  }

  void use(const CheckedFile& file, const YamlNode& instance, const std::string& name,
           const YamlNode* group) {
    std::string pattern = group == nullptr ? "{cluster}.{instance}" : group->text;
    replace_all(pattern, "{cluster}", file.cluster.empty() ? "*" : std::string_view(file.cluster));
    replace_all(pattern, "{instance}", instance.key);
    replace_all(pattern, "{service}", service_.name);
    bool known = false;
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (!matches(groups_[i].name, pattern)) continue;
      known = true;
      used_[i] = true;
    }
    // Without a pipeline of its own a service of ours is deployed by hand, and so is what names no group.
    if (known || group == nullptr || (!exists_ && !file.paasta)) return;
    std::vector<std::string> names;
    for (const Group& one : groups_) names.push_back(one.name);
    const auto near = did_you_mean(pattern.substr(0, 64), names);
    tolerate(findings_, group->at,
             fmt::format("{}.{} uses deploy_group {}, but {} is not deployed to in deploy.yaml",
                         service_.name, name, pattern, pattern),
             near ? fmt::format("did you mean {}?", *near) : "add a step of this name to the pipeline",
             instance.key);
  }

  const CheckedService& service_;
  const std::vector<Group>& groups_;
  bool exists_;
  Findings& findings_;
  std::vector<bool> used_;
};

}  // namespace

void check_deploy(const CheckedService& service, Findings& findings) {
  const CheckedFile* file = service.find(FileRole::Deploy);
  static const YamlNode kNothing;
  const YamlNode& root = file == nullptr ? kNothing : file->root;
  if (file != nullptr) {
    check_document(*file, "deploy", findings);
    if (root.kind == YamlKind::Map && root.find("pipeline") == nullptr)
      tolerate(findings, root.at, "deploy.yaml has no pipeline", "it should be a list of steps");
  }
  const Pipeline pipeline(root, findings);
  GroupUse(service, pipeline.groups(), file != nullptr, findings).run();
}

}  // namespace slipway::config
