#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// A version is asked for in scripts and bug reports: it must not hang on a control plane that does.
constexpr Duration kPatience = 2s;

Result<int> run(Context& context) {
  Json versions = Json::Object{{"version", context.wiring.version}, {"control_plane", nullptr}};
  const auto client = connect(context);
  const auto answer = client ? client->version(kPatience) : Result<Json>(client.error());
  if (answer) versions["control_plane"] = *answer;
  if (context.out.structured(context.format(), versions)) return 0;
  context.out.result(fmt::format("slipway {}\n", context.wiring.version));
  if (answer) {
    context.out.result(fmt::format("control plane {} of cluster {}, process {}\n",
                                   answer->at("version").as_string(), answer->at("cluster").as_string(),
                                   answer->at("pid").as_int()));
  }
  return 0;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .summary = "of this command, and of the control plane if one answers",
          .examples = {{"slipway version", "both"}, {"slipway version -o json", "the same for a script"}},
          .run = run};
}

}  // namespace slipway::cli
