// Commands for programs, not people: hidden, but stable where design and packages rely on them.
#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/progress.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

Result<int> bounce(Context& context) {
  if (!context.wiring.bounce_line) return Error(ErrorCode::Internal, "this build has no planner");
  std::string line;
  while (std::getline(std::cin, line)) {
    if (!line.empty()) context.out.result(context.wiring.bounce_line(line) + "\n");
  }
  return 0;
}

Result<int> process_runtime(Context& context) {
  if (!context.wiring.process_runtime) return Error(ErrorCode::Internal, "this build has no process runtime");
  return context.wiring.process_runtime(context.args.rest());
}

Result<int> api_docs(Context& context) {
  if (!context.wiring.api_docs) return Error(ErrorCode::Internal, "this build has no API");
  context.out.result(context.wiring.api_docs());
  return 0;
}

Result<int> cli_docs(Context& context) {
  context.out.result(reference_markdown(context.root));
  return 0;
}

Result<int> man(Context& context) {
  context.out.result(man_page(context.root, context.wiring.version));
  return 0;
}

// What the control plane knows. Nobody answering means nothing to offer, and an error would only spoil the
// prompt.
std::vector<std::string> live_words(const Context& context, Completes what) {
  std::vector<std::string> words;
  if (what == Completes::Clusters) {
    const auto planes = api::control_planes(context.environment.registry);
    for (const api::ControlPlane& plane : planes.value_or(std::vector<api::ControlPlane>())) {
      words.push_back(plane.cluster);
    }
    return words;
  }
  const auto client = connect(context);
  if (what == Completes::Nodes) {
    const auto nodes = client ? client->nodes() : Result<Json>(client.error());
    if (!nodes) return words;
    for (const Json& node : nodes->at("nodes").as_array()) words.push_back(node.at("id").as_string());
    return words;
  }
  const auto status = client ? client->status({}) : Result<Json>(client.error());
  if (!status) return words;
  for (const Json& instance : status->at("instances").as_array()) {
    if (what == Completes::Services || what == Completes::Instances)
      words.push_back(instance.at("service").as_string());
    if (what == Completes::Instances || what == Completes::Tasks) words.push_back(instance_name(instance));
    if (what != Completes::Tasks) continue;
    for (const Json& task : instance.at("tasks").as_array()) words.push_back(task.at("id").as_string());
  }
  return words;
}

Result<int> complete(Context& context) {
  const auto& words = context.args.rest();
  if (words.empty()) return 0;
  Offers offers = offers_for(context.root, words);
  if (offers.also == Completes::Files || offers.also == Completes::Directories) {
    context.out.result(offers.also == Completes::Files ? ":files\n" : ":dirs\n");
    return 0;
  }
  if (offers.also != Completes::Nothing) {
    std::vector<std::string> live = live_words(context, offers.also);
    std::ranges::sort(live);
    live.erase(std::unique(live.begin(), live.end()), live.end());
    for (const std::string& word : live) {
      if (word.starts_with(words.back())) offers.words.push_back({word, ""});
    }
  }
  std::string text;
  for (const Offer& offer : offers.words) text += offer.word + "\t" + offer.help + "\n";
  context.out.result(text);
  return 0;
}

}  // namespace

Command internal_command() {
  Command internal;
  internal.name = "internal";
  internal.summary = "for programs";
  internal.hidden = true;
  internal.children = {
      {.name = "bounce",
       .summary = "the planner's bounce decision: one JSON object a line in, one out",
       .examples = {{"slipway internal bounce < questions.jsonl", "decide each"},
                    {"echo '{\"method\": \"brutal\", \"count\": 1}' | slipway internal bounce",
                     "decide one"}},
       .run = bounce},
      {.name = "process-runtime",
       .summary = "runs one task without isolation",
       .takes_rest = true,
       .examples = {{"slipway internal process-runtime -- state ID", "how the engine calls it"},
                    {"slipway internal process-runtime -- kill ID", "likewise"}},
       .run = process_runtime},
      {.name = "complete",
       .summary = "what a shell may offer for these words",
       .takes_rest = true,
       .examples = {{"slipway internal complete -- st", "commands that begin with st"},
                    {"slipway internal complete -- logs ''", "what `logs` takes"}},
       .run = complete},
      {.name = "api-docs",
       .summary = "docs/reference/api.md",
       .examples = {{"slipway internal api-docs > docs/reference/api.md", "write it"},
                    {"slipway internal api-docs | less", "read it"}},
       .run = api_docs},
      {.name = "cli-docs",
       .summary = "docs/reference/cli.md",
       .examples = {{"slipway internal cli-docs > docs/reference/cli.md", "write it"},
                    {"slipway internal cli-docs | less", "read it"}},
       .run = cli_docs},
      {.name = "man",
       .summary = "slipway(1)",
       .examples = {{"slipway internal man | man -l -", "read it"},
                    {"slipway internal man > slipway.1", "for a package"}},
       .run = man}};
  return internal;
}

}  // namespace slipway::cli
