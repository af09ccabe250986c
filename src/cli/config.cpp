#include <algorithm>

#include "base/text.h"
#include "base/yaml_text.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/target.h"
#include "config/reference.h"

namespace slipway::cli {

namespace {

Error unknown(const std::string& subject, const Json& all) {
  std::vector<std::string> names;
  for (const auto& [name, config] : all.as_object()) {
    names.push_back(name);
    names.push_back(config.at("service").as_string());
  }
  const auto near = did_you_mean(subject, names);
  return Error(ErrorCode::NotFound,
               "there is no '" + subject + "' here" + (near ? "; did you mean '" + *near + "'?" : ""));
}

Result<Json> filtered(const Json& all, const std::string& text) {
  const Subject subject = TRY(parse_subject(text));
  Json kept = Json::Object();
  for (const auto& [name, config] : all.as_object()) {
    const bool service = config.at("service").as_string() == subject.service;
    const bool instance = subject.instance.empty() || config.at("instance").as_string() == subject.instance;
    if (service && instance) kept[name] = config;
  }
  if (kept.as_object().empty()) return unknown(text, all);
  return kept;
}

// Which cluster is meant: the one that is named, else that of the cluster file, else the only one that the
// files name.
Result<std::string> cluster_meant(Context& context, const config::ClusterConfig& cluster,
                                  const std::vector<std::string>& known) {
  const bool given = context.args.has("cluster");
  const std::string name = given ? context.args.text("cluster") : cluster.cluster;
  if (known.empty() || std::ranges::find(known, name) != known.end()) return name;
  if (!given && known.size() == 1) return known.front();
  if (!given) {
    return Error(ErrorCode::NotFound, "the files are for " + join(known, ", ") + ": say which by --cluster");
  }
  // Files without a cluster's name are of every cluster.
  context.out.warning(unknown_cluster(name, known));
  return name;
}

// Compiled here, from the files. Problems are told; what can be shown in spite of them is.
Result<Json> offline(Context& context, bool& broken) {
  const auto loaded =
      TRY(load_files(whole_path(context, context.args.text("config")), context.environment.clock));
  const std::vector<std::string> known = config::clusters_of(loaded.cluster.config);
  const std::string cluster = TRY(cluster_meant(context, loaded.cluster, known));
  const auto desired = TRY(config::compile(loaded.cluster.config, cluster));
  context.out.err().write(problem_lines(loaded.problems, context.environment.directory) +
                          problem_lines(desired.problems, context.environment.directory));
  broken = has_severity(loaded.problems, model::Severity::Error) ||
           has_severity(desired.problems, model::Severity::Error);
  Json all = Json::Object();
  for (const model::Instance& instance : desired.instances) {
    all[instance.id.text()] = model::config_show_json(instance, cluster);
  }
  for (const model::Instance& instance : desired.aside)
    all[instance.id.text()] = model::config_show_json(instance, cluster);
  if (all.as_object().empty() && !known.empty() && std::ranges::find(known, cluster) == known.end())
    return Error(ErrorCode::NotFound, "there is nothing for the cluster " + cluster);
  return all;
}

Result<int> show(Context& context) {
  bool broken = false;
  Json all;
  if (context.args.has("config")) {
    auto compiled = offline(context, broken);
    if (!compiled) {
      context.out.error(compiled.error().text());
      return exit_code(compiled.error().code());  // Invalid means the configuration here
    }
    all = std::move(*compiled);
  } else {
    all = TRY(TRY(connect(context)).config("", ""));
  }
  if (context.args.has("S[.I]")) all = TRY(filtered(all, context.args.text("S[.I]")));
  // A configuration is a tree, not a table.
  if (!context.out.structured(context.format(), all)) context.out.result(yaml_text(all));
  return broken ? kInvalidConfiguration : 0;
}

Result<int> docs(Context& context) {
  const std::string topic = context.args.text("SECTION");
  context.out.result(topic.empty() ? config::reference_markdown() : TRY(config::reference_of(topic)));
  return 0;
}

Command show_command() {
  return {
      .name = "show",
      .summary = "the resolved configuration: templates merged, defaults filled in",
      .details =
          "Of the running control plane, or with --config of any config tree, offline. With -o json, the\n"
          "object that scripts may rely on: its keys are service.instance.",
      .arguments = {{.name = "S[.I]",
                     .help = "only this service or instance",
                     .required = false,
                     .completes = Completes::Instances}},
      .options = {{.name = "config",
                   .kind = Kind::Text,
                   .value = "DIR",
                   .help = "compile this tree instead of asking",
                   .completes = Completes::Directories},
                  {.name = "cluster",
                   .kind = Kind::Text,
                   .value = "NAME",
                   .help = "with --config: for this cluster; else: which control plane to ask",
                   .completes = Completes::Clusters}},
      .examples = {{"slipway config show web.main", "what the control plane runs by"},
                   {"slipway config show --config examples/shop --cluster local -o json", "offline"}},
      .run = show};
}

Command docs_command() {
  return {
      .name = "docs",
      .summary = "every key of the configuration: its type, its default, what it does",
      .arguments = {{.name = "SECTION", .help = "instance, service, cluster, or one key", .required = false}},
      .examples = {{"slipway config docs | less", "read it"},
                   {"slipway config docs bounce_method", "one key"}},
      .run = docs};
}

}  // namespace

Command config_command() {
  return {.name = "config",
          .summary = "look at the configuration",
          .examples = {{"slipway config show", "resolved, as the control plane has it"},
                       {"slipway config docs", "which keys there are"}},
          .children = {show_command(), docs_command()}};
}

}  // namespace slipway::cli
