#include "config/validate.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/sarif.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

using Violations = std::vector<config::Violation>;

constexpr std::string_view kSarif = "sarif";

Json json_of(const Violations& violations) {
  Json::Array all;
  for (const config::Violation& violation : violations) {
    Json one = problem_json(violation.problem);
    one["rule"] = violation.rule;
    all.push_back(std::move(one));
  }
  return Json::Object{{"problems", all}};
}

Result<Violations> violations_of(const Context& context, const std::filesystem::path& path) {
  const auto loaded = TRY(load_cluster(path));
  const std::filesystem::path& tree = loaded.cluster.config;
  std::vector<std::string> clusters = clusters_of(loaded);
  if (context.args.has("cluster")) {
    const std::string given = context.args.text("cluster");
    if (const std::string note = unknown_cluster(given, config::clusters_of(tree)); !note.empty())
      context.out.warning(note);
    clusters = {given};
  }
  Violations violations;
  for (const model::Problem& problem : loaded.problems) violations.push_back({"configuration", problem});
  config::Validation found = TRY(config::validate(tree, clusters));
  // A wrong path would be valid for ever.
  if (!found.services) return Error(ErrorCode::Invalid, no_service(tree, clusters.front()));
  std::ranges::move(found.violations, std::back_inserter(violations));
  return violations;
}

void show(Context& context, const Violations& violations) {
  const std::filesystem::path& base = context.environment.directory;
  if (context.args.text("output") == kSarif) {
    context.out.result(sarif_log(violations, base, context.wiring.version).dump(2) + "\n");
  } else if (!context.out.structured(context.format(), json_of(violations))) {
    std::vector<model::Problem> problems;
    for (const config::Violation& violation : violations) problems.push_back(violation.problem);
    context.out.result(problem_lines(problems, base));
  }
}

Result<int> run(Context& context) {
  const std::string given = context.args.text(context.args.has("dir") ? "dir" : "DIR");
  const auto violations = violations_of(context, whole_path(context, given.empty() ? "." : given));
  if (!violations) {
    context.out.error(violations.error().text());
    return exit_code(violations.error().code());  // Invalid means the configuration here
  }
  show(context, *violations);
  const auto warnings = static_cast<size_t>(std::ranges::count_if(*violations, [](const auto& violation) {
    return violation.problem.severity == model::Severity::Warning;
  }));
  const size_t errors = violations->size() - warnings;
  std::string note = errors == 0 ? "no problems" : counted(errors, "problem");
  if (warnings > 0) note += ", " + counted(warnings, "warning");
  context.out.note(note);
  const bool strict = context.args.has("strict");
  return errors > 0 || (strict && warnings > 0) ? kInvalidConfiguration : 0;
}

}  // namespace

Command validate_command() {
  return {
      .name = "validate",
      .summary = "all problems of a config tree at once",
      .details =
          "One a line: file:line:column: what is wrong; what would be right. For every cluster that the "
          "tree\n"
          "names. Needs no control plane. Exit code 4 when there are problems; warnings alone do not fail.",
      .arguments = {{.name = "DIR",
                     .help = "the config tree, or a cluster file (default: the current folder)",
                     .required = false,
                     .completes = Completes::Directories}},
      .options =
          {{.name = "cluster", .kind = Kind::Text, .value = "NAME", .help = "only what this cluster reads"},
           {.name = "strict", .help = "warnings fail as well"},
           {.name = "output",
            .letter = 'o',
            .kind = Kind::Choice,
            .value = "FORMAT",
            .help = "table (default), json, yaml, or sarif for code review",
            .choices = {"table", "json", "yaml", "sarif"}}},
      .examples = {{"slipway validate examples/shop", "before a commit, or in CI"},
                   {"slipway validate -o sarif", "for code review"}},
      .run = run};
}

}  // namespace slipway::cli
