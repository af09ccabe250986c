#include "api/registry.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace slipway::cli {

namespace {

Json json_of(const api::ControlPlane& plane) {
  return Json::Object{{"cluster", plane.cluster},
                      {"directory", plane.directory.string()},
                      {"endpoint", plane.endpoint},
                      {"state", plane.state.string()},
                      {"pid", plane.running ? Json(plane.pid) : Json()},
                      {"running", plane.running}};
}

Result<int> run(Context& context) {
  const auto planes = TRY(api::control_planes(context.environment.registry));
  Json::Array all;
  Table table({"CLUSTER", "CONTROL PLANE", "PID", "DIRECTORY", "STATE"});
  for (const api::ControlPlane& plane : planes) {
    all.push_back(json_of(plane));
    table.add({plane.cluster, context.out.paint().state(plane.running ? "running" : "stopped"),
               plane.running ? std::to_string(plane.pid) : "-", plane.directory.string(),
               plane.state.string()});
  }
  if (context.out.structured(context.format(), Json::Object{{"clusters", all}})) return 0;
  if (planes.empty()) {
    context.out.note("no control plane runs here; `slipway up DIR` starts one");
  } else {
    context.out.result(table.text(context.out.paint()));
  }
  return 0;
}

}  // namespace

Command clusters_command() {
  return {.name = "clusters",
          .summary = "the control planes of this machine",
          .details =
              "One that is stopped has left tasks or state behind: `slipway up DIR` starts it again,\n"
              "`slipway down DIR` ends it.",
          .examples = {{"slipway clusters", "what `up` has started here"},
                       {"slipway clusters -o json", "the same for a script"}},
          .run = run};
}

}  // namespace slipway::cli
