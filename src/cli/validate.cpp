#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

using Problems = std::vector<model::Problem>;

// A file that every cluster shares has its problems once.
void add_new(Problems& all, const Problems& more) {
  for (const model::Problem& problem : more) {
    const auto same = [&](const model::Problem& known) { return known.text() == problem.text(); };
    if (std::ranges::none_of(all, same)) all.push_back(problem);
  }
}

Json json_of(const Problems& problems) {
  Json::Array all;
  for (const model::Problem& problem : problems) all.push_back(problem_json(problem));
  return Json::Object{{"problems", all}};
}

Result<Problems> problems_of(const Context& context, const std::filesystem::path& path) {
  const auto loaded = TRY(load_files(path, context.environment.clock));
  const std::filesystem::path& tree = loaded.cluster.config;
  std::vector<std::string> clusters = config::clusters_of(tree);
  if (clusters.empty()) clusters = {loaded.cluster.cluster};
  if (context.args.has("cluster")) clusters = {context.args.text("cluster")};
  Problems problems = loaded.problems;
  bool services = false;
  for (const std::string& cluster : clusters) {
    if (const std::string note = unknown_cluster(cluster, config::clusters_of(tree)); !note.empty())
      context.out.warning(note);
    const model::Desired desired = TRY(config::compile(tree, cluster));
    services = services || !desired.instances.empty() || !desired.broken.empty();
    add_new(problems, desired.problems);
  }
  // A wrong path would be valid for ever.
  if (!services) return Error(ErrorCode::Invalid, no_service(tree, clusters.front()));
  return problems;
}

Result<int> run(Context& context) {
  const std::string given = context.args.text(context.args.has("dir") ? "dir" : "DIR");
  const auto problems = problems_of(context, whole_path(context, given.empty() ? "." : given));
  if (!problems) {
    context.out.error(problems.error().text());
    return exit_code(problems.error().code());  // Invalid means the configuration here
  }
  if (!context.out.structured(context.format(), json_of(*problems))) {
    context.out.result(problem_lines(*problems, context.environment.directory));
  }
  const auto warnings =
      static_cast<size_t>(std::ranges::count(*problems, model::Severity::Warning, &model::Problem::severity));
  std::string note =
      warnings == problems->size() ? "no problems" : counted(problems->size() - warnings, "problem");
  if (warnings > 0) note += ", " + counted(warnings, "warning");
  context.out.note(note);
  return has_severity(*problems, model::Severity::Tolerated) ? kInvalidConfiguration : 0;
}

}  // namespace

Command validate_command() {
  return {.name = "validate",
          .summary = "all problems of a config tree at once",
          .details =
              "One a line: file:line:column: what is wrong; what would be right. For every cluster that the "
              "tree\n"
              "names. Needs no control plane. Exit code 4 when there are problems.",
          .arguments = {{.name = "DIR",
                         .help = "the config tree, or a cluster file (default: the current folder)",
                         .required = false,
                         .completes = Completes::Directories}},
          .options = {{.name = "cluster",
                       .kind = Kind::Text,
                       .value = "NAME",
                       .help = "only what this cluster reads"}},
          .examples = {{"slipway validate examples/shop", "before a commit, or in CI"},
                       {"slipway validate -o json", "for an editor"}},
          .run = run};
}

}  // namespace slipway::cli
