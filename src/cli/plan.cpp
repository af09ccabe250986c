#include "base/text.h"
#include "cli/commands.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// For --exit-code: there are steps. Apart from all codes of failure.
constexpr int kHasSteps = 10;

Result<Json> plan_of(const Context& context, const api::Client& client) {
  Json plan = TRY(client.plan());
  if (!context.args.has("S[.I]")) return plan;
  const auto instances = TRY(instances_of(client, context.args.text("S[.I]")));
  Json::Array kept;
  for (const Json& step : plan.at("steps").as_array()) {
    for (const model::InstanceId& id : instances) {
      if (step.at("instance").as_string() == id.text()) kept.push_back(step);
    }
  }
  plan["steps"] = kept;
  return plan;
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  const Json plan = TRY(plan_of(context, client));
  const Json::Array& steps = plan.at("steps").as_array();
  const int code = context.args.has("exit-code") && !steps.empty() ? kHasSteps : 0;
  if (context.out.structured(context.format(), plan)) return code;
  if (steps.empty()) context.out.note("nothing to do: all is as wanted, or waits");
  std::string text;
  for (const Json& step : steps) text += printable(step.at("text").as_string()) + "\n";
  context.out.result(text);
  return code;
}

}  // namespace

Command plan_command() {
  return {
      .name = "plan",
      .summary = "the steps that the control plane last decided on",
      .details =
          "It decides anew after every observation and takes its steps by itself; this shows the last.",
      .arguments = {{.name = "S[.I]",
                     .help = "only this service or instance",
                     .required = false,
                     .completes = Completes::Instances}},
      .options = {{.name = "exit-code", .help = "exit with 10 when there are steps"}},
      .examples = {{"slipway plan", "what it does now, and why"},
                   {"slipway plan web.main --exit-code", "for a script: 10 when something is to be done"}},
      .run = run};
}

}  // namespace slipway::cli
