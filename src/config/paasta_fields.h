// The fields of `config show` as PaaSTA resolves them.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "config/paasta_instance.h"

namespace slipway::config {

// The namespace of smartstack.yaml that an instance's first registration names: its health check and its
// proxy.
class Namespace {
 public:
  Namespace(const YamlNode* smartstack, std::string_view name);

  bool proxied() const { return find("proxy_port") != nullptr; }
  const YamlNode* find(std::string_view key) const { return body_ == nullptr ? nullptr : body_->find(key); }
  // The key says so, or that there is a proxy; empty: none. `find("mode")` may be something else altogether.
  std::string mode() const;
  Json healthcheck_mode() const;  // null: none
  Json healthcheck_uri() const;

 private:
  const YamlNode* body_ = nullptr;
};

// "service.namespace" of the first registration, without the service.
std::string namespace_of(const Layers& settings, const model::InstanceId& id);

// Every field of the contract but `version`, `desired_state` and `revision`. An error where PaaSTA would
// refuse.
Json::Object paasta_fields(const PaastaContext& context, std::vector<Finding>& findings);

}  // namespace slipway::config
