#include "config/paasta_keys.h"

#include <algorithm>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

using Keys = std::span<const std::string_view>;

constexpr std::string_view kCommon[] = {"deploy_group",
                                        "branch",
                                        "cpus",
                                        "mem",
                                        "disk",
                                        "gpus",
                                        "cpu_burst_add",
                                        "cfs_period_us",
                                        "pool",
                                        "cmd",
                                        "args",
                                        "env",
                                        "net",
                                        "cap_add",
                                        "privileged",
                                        "extra_docker_args",
                                        "extra_volumes",
                                        "uses_bulkdata",
                                        "aws_ebs_volumes",
                                        "persistent_volumes",
                                        "secret_volumes",
                                        "projected_sa_volumes",
                                        "deploy_blacklist",
                                        "deploy_whitelist",
                                        "monitoring_blacklist",
                                        "constraints",
                                        "extra_constraints",
                                        "dependencies_reference",
                                        "iam_role",
                                        "iam_role_provider",
                                        "monitoring",
                                        "docker_url",
                                        "service",
                                        "namespace",
                                        "role",
                                        "cost_owner",
                                        "node_selectors",
                                        "node_selectors_preferred",
                                        "boto_keys",
                                        "crypto_keys",
                                        "ssm_secrets",
                                        "fs_group",
                                        "fs_group_change_policy",
                                        "service_account_name",
                                        "container_port"};

constexpr std::string_view kLongRunning[] = {"instances",
                                             "min_instances",
                                             "max_instances",
                                             "autoscaling",
                                             "sfn_autoscaling",
                                             "registrations",
                                             "nerve_ns",
                                             "host_port",
                                             "weight",
                                             "bounce_method",
                                             "bounce_margin_factor",
                                             "bounce_overprovision_factor",
                                             "bounce_health_params",
                                             "bounce_start_deadline",
                                             "bounce_priority",
                                             "drain_method",
                                             "drain_method_params",
                                             "healthcheck_mode",
                                             "healthcheck_cmd",
                                             "healthcheck_uri",
                                             "healthcheck_grace_period_seconds",
                                             "healthcheck_interval_seconds",
                                             "healthcheck_timeout_seconds",
                                             "healthcheck_max_consecutive_failures",
                                             "replication_threshold",
                                             "backoff_factor",
                                             "backoff_seconds",
                                             "max_launch_delay_seconds",
                                             "anti_affinity",
                                             "anti_affinity_preferred",
                                             "topology_spread_constraints",
                                             "lifecycle",
                                             "pod_management_policy",
                                             "datastore_credentials",
                                             "sidecar_resource_requirements",
                                             "prometheus_shard",
                                             "prometheus_path",
                                             "prometheus_port",
                                             "routable_ip",
                                             "enable_aws_lb_readiness_gate",
                                             "is_istio_sidecar_injection_enabled",
                                             "autotune_limits",
                                             "unhealthy_pod_eviction_policy",
                                             "should_ping_for_unhealthy_pods"};

constexpr std::string_view kJob[] = {
    "schedule",   "actions", "node",         "queueing",         "allow_overlap", "run_limit",
    "all_nodes",  "enabled", "max_runtime",  "expected_runtime", "time_zone",     "cleanup_action",
    "monitoring", "service", "deploy_group", "cluster",          "cost_owner",    "name"};

constexpr std::string_view kAction[] = {"name",
                                        "command",
                                        "executor",
                                        "requires",
                                        "retries",
                                        "retries_delay",
                                        "triggered_by",
                                        "trigger_downstreams",
                                        "trigger_timeout",
                                        "on_upstream_rerun",
                                        "expected_runtime",
                                        "max_runtime",
                                        "idempotent",
                                        "cluster",
                                        "node",
                                        "aws_credentials",
                                        "mrjob",
                                        "force_spark_resource_configs",
                                        "spark_args"};

constexpr std::string_view kNamespace[] = {"proxy_port",
                                           "port",
                                           "mode",
                                           "healthcheck_mode",
                                           "healthcheck_uri",
                                           "healthcheck_port",
                                           "healthcheck_timeout_s",
                                           "healthcheck_body_expect",
                                           "extra_healthcheck_headers",
                                           "updown_timeout_s",
                                           "timeout_connect_ms",
                                           "timeout_server_ms",
                                           "timeout_client_ms",
                                           "idle_timeout",
                                           "endpoint_timeouts",
                                           "retries",
                                           "allredisp",
                                           "balance",
                                           "lb_policy",
                                           "choice_count",
                                           "discover",
                                           "advertise",
                                           "extra_advertise",
                                           "routes",
                                           "chaos",
                                           "fixed_delay",
                                           "proxied_through",
                                           "clb_proxy",
                                           "is_proxy",
                                           "plugins",
                                           "extra_headers",
                                           "allow_websocket_upgrade",
                                           "vip_upgrade",
                                           "monitoring"};

constexpr std::string_view kMonitoring[] = {"team",
                                            "page",
                                            "ticket",
                                            "project",
                                            "runbook",
                                            "tip",
                                            "notification_email",
                                            "realert_every",
                                            "irc_channels",
                                            "slack_channels",
                                            "dependencies",
                                            "tags",
                                            "component",
                                            "description",
                                            "alert_after",
                                            "issuetype",
                                            "priority",
                                            "check_oom_events",
                                            "page_for_expected_runtime",
                                            "check_that_every_day_has_a_successful_run"};

constexpr std::string_view kMoreMonitoring[] = {"check_every"};

bool holds(Keys keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::vector<Keys> tables_of(PaastaMap kind) {
  switch (kind) {
    case PaastaMap::LongRunning:
      return {kCommon, kLongRunning};
    case PaastaMap::Adhoc:
      return {kCommon};
    case PaastaMap::Job:
      return {kJob};
    case PaastaMap::Action:
      return {kAction, kCommon};
    case PaastaMap::Namespace:
      return {kNamespace};
    case PaastaMap::Monitoring:
      return {kMonitoring, kMoreMonitoring};
  }
  UNREACHABLE();
}

std::string shown_11(const YamlNode& node) {
  const Json value = json_11(node);
  return value.is_string() ? fmt::format("the text {}", quote_for_message(value.as_string())) : value.dump();
}

}  // namespace

void check_paasta_keys(PaastaMap kind, const YamlNode& map, std::vector<Finding>& findings) {
  constexpr size_t kLongestWord = 64;  // what is longer was never meant as one of these
  const std::vector<Keys> tables = tables_of(kind);
  for (const YamlNode& child : map.children) {
    const auto known = [&](Keys keys) { return holds(keys, child.key); };
    if (std::any_of(tables.begin(), tables.end(), known)) continue;
    std::string hint = "PaaSTA reads no such key here";
    if (findings.size() < kMaxFindings && child.key.size() <= kLongestWord) {
      std::vector<std::string> names;
      for (const Keys keys : tables) names.insert(names.end(), keys.begin(), keys.end());
      if (const auto near = did_you_mean(child.key, names)) hint = fmt::format("did you mean {}?", *near);
    }
    findings.push_back({child.key_at,
                        fmt::format("unknown key {}", quote_for_message(child.key)),
                        std::move(hint),
                        {},
                        model::Severity::Warning});
  }
}

bool is_job_monitoring_key(std::string_view key) {
  return holds(kMonitoring, key);
}

void warn_of_differences(const YamlNode& node, std::vector<Finding>& findings) {
  if (node.kind == YamlKind::List || node.kind == YamlKind::Map) {
    for (const YamlNode& child : node.children) warn_of_differences(child, findings);
    return;
  }
  if (!differs_from_12(node)) return;
  if (std::holds_alternative<NoScalar>(scalar_11(node))) {
    findings.push_back({node.at, fmt::format("{} is no date or number", quote_for_message(node.text)),
                        "quote it where text is meant"});
    return;
  }
  findings.push_back({node.at,
                      fmt::format("{} is {} in this file, which is YAML 1.1; YAML 1.2 reads it otherwise",
                                  printable(node.text), shown_11(node)),
                      "write it so that both agree",
                      {},
                      model::Severity::Warning});
}

}  // namespace slipway::config
