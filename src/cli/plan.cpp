#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// For --exit-code: there are steps. Apart from all codes of failure.
constexpr int kHasSteps = 10;
// Of this engine the nodes' sizes bound nothing: it runs what it is given.
constexpr std::string_view kUnboundedEngine = "local";

Result<std::vector<model::Override>> overrides_of(const api::Client& client) {
  std::vector<model::Override> overrides;
  const Json all = TRY(client.overrides());
  for (const Json& value : all.at("overrides").as_array())
    overrides.push_back(TRY(model::override_from_json(value)));
  return overrides;
}

// The cluster as it is, and the files as they are now, or those of another tree.
Result<RehearsalRequest> request_of(Context& context, const api::Client& client) {
  const Json facts = TRY(client.version());
  RehearsalRequest request;
  request.start = TRY(client.observed());
  request.overrides = TRY(overrides_of(client));
  request.limited_room = facts.at("engine").as_string() != kUnboundedEngine;
  LoadedFiles files;
  if (context.args.has("config")) {
    files = TRY(load_files(whole_path(context, context.args.text("config")), context.environment.clock));
  }
  const std::filesystem::path tree = context.args.has("config")
                                         ? files.cluster.config
                                         : std::filesystem::path(facts.at("config").as_string());
  request.desired =
      TRY(config::compile(tree, facts.at("cluster").as_string(), holders_in(TRY(client.config("", "")))));
  context.out.err().write(problem_lines(request.desired.problems, context.environment.directory));
  return request;
}

// Only what the plan says of these instances.
Json only(const Json& report, const std::vector<model::InstanceId>& ids) {
  const auto is_meant = [&](const Json& part) {
    const std::string name = part.at("instance").as_string();
    return std::ranges::any_of(ids, [&](const model::InstanceId& id) { return id.text() == name; });
  };
  Json kept = report;
  for (const char* const list : {"instances", "steps"}) {
    Json::Array parts;
    for (const Json& part : report.at(list).as_array()) {
      if (is_meant(part)) parts.push_back(part);
    }
    kept[list] = std::move(parts);
  }
  return kept;
}

Result<std::vector<model::InstanceId>> meant(const model::Desired& desired, const api::Client& client,
                                             const std::string& subject) {
  const Subject wanted = TRY(parse_subject(subject));
  std::vector<model::InstanceId> ids;
  for (const model::Instance& instance : desired.instances) {
    const bool same = instance.id.service == wanted.service;
    if (same && (wanted.instance.empty() || instance.id.instance == wanted.instance))
      ids.push_back(instance.id);
  }
  if (!ids.empty()) return ids;
  return instances_of(client, subject);  // of what runs and is no longer in the files; or "did you mean"
}

Result<int> run(Context& context) {
  if (!context.wiring.rehearse) return Error(ErrorCode::Internal, "this build has no planner");
  const api::Client client = TRY(connect(context));
  const RehearsalRequest request = TRY(request_of(context, client));
  Json report = context.wiring.rehearse(request).report;
  if (context.args.has("S[.I]"))
    report = only(report, TRY(meant(request.desired, client, context.args.text("S[.I]"))));
  const size_t steps = report.at("steps").as_array().size();
  const int code = context.args.has("exit-code") && steps > 0 ? kHasSteps : 0;
  if (context.out.structured(context.format(), report)) return code;
  context.out.result(plan_text(report));
  if (steps == 0) {
    context.out.note("nothing to do");
    return code;
  }
  size_t changing = 0;
  for (const Json& instance : report.at("instances").as_array())
    changing += !instance.at("steps").as_array().empty();
  context.out.note(fmt::format("{} of {}, {}", counted(steps, "step"), counted(changing, "instance"),
                               report.at("converges").as_bool()
                                   ? "done in about " + moment_text(report.at("seconds").as_double(0))
                                   : std::string("and not all will be as wanted")));
  return code;
}

}  // namespace

Command plan_command() {
  return {
      .name = "plan",
      .summary = "the steps that a change would take, before it is taken",
      .details =
          "Rehearses with the planner, on a copy of the cluster as it is now in memory, what the files ask "
          "for: every\n"
          "step with its moment and its reason, whether there is room, how long it takes and how few tasks "
          "are healthy\n"
          "on the way. It is taken for granted that new tasks become healthy within some 2 seconds and that "
          "images\n"
          "are at hand; nothing is changed.\n"
          "\n"
          "The control plane takes its steps by itself as soon as it sees the files change. To look before "
          "that,\n"
          "change a copy of the tree and name it with --config, or `slipway pause` first.",
      .arguments = {{.name = "S[.I]",
                     .help = "only this service or instance",
                     .required = false,
                     .completes = Completes::Instances}},
      .options = {{.name = "config",
                   .kind = Kind::Text,
                   .value = "DIR",
                   .help = "the config tree to go by (default: the control plane's)",
                   .completes = Completes::Directories},
                  {.name = "exit-code", .help = "exit with 10 when there are steps"}},
      .examples = {{"slipway plan --config ../next", "what would happen if this tree became the cluster's"},
                   {"slipway plan web.main --exit-code", "for a script: 10 when something is to be done"}},
      .run = run};
}

}  // namespace slipway::cli
