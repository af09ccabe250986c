#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"

namespace slipway::config {

namespace {

struct Reference {
  bool shared = false;
  std::string name;
};

// "SECRET(name)" or "SHARED_SECRET(name)", and nothing around it.
std::optional<Reference> reference_of(std::string_view text) {
  Reference reference;
  constexpr std::string_view kShared = "SHARED_";
  constexpr std::string_view kSecret = "SECRET(";
  if (text.starts_with(kShared)) {
    reference.shared = true;
    text.remove_prefix(kShared.size());
  }
  if (!text.starts_with(kSecret) || !text.ends_with(')')) return std::nullopt;
  reference.name = text.substr(kSecret.size(), text.size() - kSecret.size() - 1);
  for (const char c : reference.name) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!allowed) return std::nullopt;
  }
  return reference;
}

class SecretCheck {
 public:
  SecretCheck(const CheckedTree& tree, const CheckedService& service, Findings& findings)
      : tree_(tree), service_(service), findings_(findings) {}

  void run() {
    for (const CheckedFile& file : service_.files) {
      if (file.role == FileRole::Service && !file.paasta) check_env(file.root, service_, {});
      for (const YamlNode* instance : instances_of(file)) {
        check_env(*instance, owner_of(*instance), instance->key);
        const YamlNode* actions = instance->find("actions");
        if (actions == nullptr) continue;
        for (const YamlNode& action : actions->children) {
          check_env(action, owner_of(action.find("service") != nullptr ? action : *instance), instance->key);
        }
      }
    }
  }

 private:
  // Whoever runs another service's code has that one's secrets.
  const CheckedService& owner_of(const YamlNode& map) const {
    const CheckedService* owner = tree_.find(text_below(map, "service"));
    return owner == nullptr ? service_ : *owner;
  }

  void check_env(const YamlNode& map, const CheckedService& owner, const std::string& instance) {
    const YamlNode* env = map.find("env");
    if (env == nullptr || env->kind != YamlKind::Map) return;
    for (const YamlNode& variable : env->children) {
      if (variable.kind != YamlKind::Scalar) continue;
      if (const auto reference = reference_of(variable.text)) {
        check_reference(variable, *reference, owner, instance);
      } else if (variable.text.starts_with("SECRET(") || variable.text.starts_with("SHARED_SECRET(")) {
        warn(findings_, variable.at,
             fmt::format("{} is no reference to a secret", quote_for_message(variable.text)),
             "it should be SECRET(name), with letters, digits, - and _", instance);
      }
    }
  }

  void check_reference(const YamlNode& at, const Reference& reference, const CheckedService& owner,
                       const std::string& instance) {
    if (reference.shared) {
      if (!tree_.shared_secrets.contains(reference.name))
        tell(at, reference, "_shared", {tree_.shared_secrets.begin(), tree_.shared_secrets.end()}, instance);
      return;
    }
    std::vector<std::string> names;
    for (const SecretFile& secret : owner.secrets) {
      names.push_back(secret.name);
      if (secret.name != reference.name) continue;
      if (!secret.encrypted)
        tolerate(findings_, at.at, fmt::format("the secret {} is empty", reference.name),
                 fmt::format("secrets/{}.json has no ciphertext for any environment", reference.name),
                 instance);
      return;
    }
    tell(at, reference, owner.name, names, instance);
  }

  void tell(const YamlNode& at, const Reference& reference, const std::string& owner,
            const std::vector<std::string>& names, const std::string& instance) {
    const auto near = did_you_mean(reference.name.substr(0, 64), names);
    tolerate(findings_, at.at, fmt::format("the secret {} is not defined", quote_for_message(reference.name)),
             near ? fmt::format("did you mean {}?", *near)
                  : fmt::format("there is no {}/secrets/{}.json", owner, reference.name),
             instance);
  }

  const CheckedTree& tree_;
  const CheckedService& service_;
  Findings& findings_;
};

}  // namespace

void check_secrets(const CheckedTree& tree, const CheckedService& service, Findings& findings) {
  SecretCheck(tree, service, findings).run();
}

}  // namespace slipway::config
