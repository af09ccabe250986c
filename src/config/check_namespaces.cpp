// smartstack.yaml and proxy.yaml.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"

namespace slipway::config {

namespace {

// From the narrowest to the widest; what an installation adds is not known here.
constexpr std::array<std::string_view, 5> kLocations = {"hostname", "habitat", "region", "ecosystem",
                                                        "superregion"};

bool is_location(std::string_view name) {
  return std::ranges::find(kLocations, name) != kLocations.end() || name == "datacenter";
}

class NamespaceCheck {
 public:
  NamespaceCheck(const CheckedTree& tree, const CheckedService& service, const YamlNode& space,
                 Findings& findings)
      : tree_(tree), service_(service), space_(space), findings_(findings) {}

  void run() {
    check_length();
    check_locations();
    for (const std::string_view key : {"proxied_through", "clb_proxy"}) check_other(key);
  }

 private:
  void tell(Position at, std::string message, std::string hint = {}) {
    tolerate(findings_, at, std::move(message), std::move(hint));
  }

  void check_length() {
    constexpr size_t kMost = 118;
    constexpr size_t kMostWithPort = 55;
    const size_t length = service_.name.size() + space_.key.size();
    const YamlNode* port = space_.find("proxy_port");
    const bool proxied = port != nullptr && port->kind != YamlKind::Null;
    const size_t most = proxied ? kMostWithPort : kMost;
    if (length > most)
      tell(space_.key_at, fmt::format("{}.{} is {} characters long", service_.name, space_.key, length),
           fmt::format("{} are the most{}", most, proxied ? " with a proxy_port" : ""));
  }

  void check_locations() {
    const YamlNode* discover = space_.find("discover");
    const YamlNode* advertise = space_.find("advertise");
    const std::string wanted = discover == nullptr ? "region" : discover->text;
    std::vector<std::string> seen = {"region"};
    if (advertise != nullptr && advertise->kind == YamlKind::List) {
      seen.clear();
      for (const YamlNode& location : advertise->children) {
        seen.push_back(location.text);
        if (!is_location(location.text))
          tell(location.at, fmt::format("{} is no type of location", quote_for_message(location.text)),
               fmt::format("there are {}", fmt::join(kLocations, ", ")));
      }
    }
    if (discover != nullptr && !is_location(wanted)) {
      tell(discover->at, fmt::format("{} is no type of location", quote_for_message(wanted)),
           fmt::format("there are {}", fmt::join(kLocations, ", ")));
    } else if (std::ranges::find(seen, wanted) == seen.end()) {
      const Position at = discover != nullptr ? discover->at : advertise->at;
      tell(at, fmt::format("discover is {}, which is not in advertise", wanted), "add it there");
    }
    check_extra(wanted);
  }

  // "region:one" to ["region:two"].
  void check_extra(std::string_view discover) {
    const YamlNode* extra = space_.find("extra_advertise");
    if (extra == nullptr || extra->kind != YamlKind::Map) return;
    const auto check = [&](std::string_view location, Position at) {
      const std::string_view type = location.substr(0, location.find(':'));
      const auto rank = [](std::string_view name) {
        return std::ranges::find(kLocations, name) - kLocations.begin();
      };
      if (location.find(':') == std::string_view::npos || !is_location(type)) {
        tell(at, fmt::format("{} is no location", quote_for_message(location)),
             "it should be such as region:west");
      } else if (rank(type) < rank(discover)) {
        tell(at,
             fmt::format("{} is narrower than discover, which is {}", quote_for_message(location), discover),
             "name a location at least as wide");
      }
    };
    for (const YamlNode& source : extra->children) {
      check(source.key, source.key_at);
      for (const YamlNode& destination : source.children) check(destination.text, destination.at);
    }
  }

  void check_other(std::string_view key) {
    const YamlNode* node = space_.find(key);
    if (node == nullptr || node->kind != YamlKind::Scalar) return;
    const size_t dot = node->text.find('.');
    const CheckedService* other = tree_.find(std::string_view(node->text).substr(0, dot));
    const CheckedFile* file = other == nullptr ? nullptr : other->find(FileRole::Smartstack);
    const bool known =
        dot != std::string::npos && file != nullptr && file->root.find(node->text.substr(dot + 1)) != nullptr;
    if (!known)
      tell(node->at,
           fmt::format("{} is {}, which no smartstack.yaml declares", key, quote_for_message(node->text)),
           "it should be service.namespace");
  }

  const CheckedTree& tree_;
  const CheckedService& service_;
  const YamlNode& space_;
  Findings& findings_;
};

}  // namespace

void check_namespaces(const CheckedTree& tree, const CheckedService& service, Findings& findings) {
  const CheckedFile* file = service.find(FileRole::Smartstack);
  if (file == nullptr) return;
  if (file->root.kind == YamlKind::Null ||
      (file->root.kind == YamlKind::Map && file->root.children.empty())) {
    tolerate(findings, {file->number, 1, 1}, "smartstack.yaml is empty",
             "declare a namespace, or remove the file");
    return;
  }
  for (const YamlNode& space : file->root.children) {
    if (space.kind == YamlKind::Map) NamespaceCheck(tree, service, space, findings).run();
  }
}

}  // namespace slipway::config
