#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/target.h"
#include "io/file.h"

namespace slipway::cli {

namespace {

constexpr int kDefaultNodes = 10;
constexpr int kMostNodes = 100'000;
constexpr int kMostTasks = 1'000'000;

struct Size {
  int instances = 0;
  int tasks = 0;  // of each
};

std::optional<int> whole(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// "10000x10"
Result<Size> parse_size(const std::string& text) {
  const size_t cross = text.find('x');
  const auto instances = whole(std::string_view(text).substr(0, cross));
  const auto tasks =
      cross == std::string::npos ? std::nullopt : whole(std::string_view(text).substr(cross + 1));
  const bool good = instances && tasks && *instances >= 1 && *tasks >= 1 &&
                    static_cast<int64_t>(*instances) * *tasks <= kMostTasks;
  if (!good) {
    return Error(
        ErrorCode::Invalid,
        fmt::format("--synthetic: '{}' should be INSTANCESxTASKS such as 1000x10, {} tasks in all at most",
                    text, kMostTasks));
  }
  return Size{*instances, *tasks};
}

model::Desired synthetic(const Size& size) {
  model::Desired desired;
  const auto width = std::to_string(size.instances - 1).size();
  for (int i = 0; i < size.instances; ++i) {
    model::Instance instance;
    instance.id = {fmt::format("service-{:0{}}", i, width), "main"};
    instance.count = size.tasks;
    instance.spec.cmd = {"serve"};
    instance.spec.container_port = 8080;
    instance.spec.health.mode = model::HealthMode::Http;
    instance.spec.health.interval = 30s;
    instance.spec.resources.cpus = 0.1;
    instance.spec.resources.mem_mb = 64;
    instance.proxy = model::Proxy{};
    instance.drain.method = model::DrainMethod::Proxy;
    desired.instances.push_back(std::move(instance));
  }
  return desired;
}

Result<double> percentage(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good =
      !text.empty() && (*end == '\0' || std::string_view(end) == "%") && value >= 0 && value <= 100;
  if (!good)
    return Error(ErrorCode::Invalid, fmt::format("--lose: '{}' is no percentage from 0 to 100", text));
  return value;
}

// "zone=a,b,c": nodes have the values in turn.
Status add_attribute(const std::string& text, std::vector<model::Node>& nodes) {
  const size_t equals = text.find('=');
  const std::vector<std::string> values =
      equals == std::string::npos ? std::vector<std::string>() : split(text.substr(equals + 1), ',');
  if (equals == 0 || values.empty() || values.front().empty())
    return Error(ErrorCode::Invalid, fmt::format("--attribute: '{}' should be such as zone=a,b,c", text));
  for (size_t i = 0; i < nodes.size(); ++i)
    nodes[i].attributes[text.substr(0, equals)] = values[i % values.size()];
  return {};
}

Result<std::vector<model::Node>> nodes_of(const Args& args) {
  const int count = args.count("nodes").value_or(kDefaultNodes);
  if (count < 1 || count > kMostNodes)
    return Error(ErrorCode::Invalid,
                 fmt::format("--nodes: {} is not a number from 1 to {}", count, kMostNodes));
  std::vector<model::Node> nodes;
  const auto width = std::to_string(count).size();
  for (int i = 1; i <= count; ++i) {
    model::Node node;
    node.id = model::NodeId(fmt::format("node-{:0{}}", i, width));
    node.cpus = args.count("node-cpus").value_or(8);
    node.mem_mb = args.count("node-mem").value_or(32'768);
    nodes.push_back(std::move(node));
  }
  if (args.has("attribute")) {
    for (const std::string& attribute : split(args.text("attribute"), ';'))
      TRY(add_attribute(attribute, nodes));
  }
  return nodes;
}

// What runs first, and what is wanted then.
struct Story {
  model::Desired before;
  model::Desired after;
  std::string change;
};

Result<model::Desired> tree_of(Context& context, const std::string& path) {
  const auto loaded = TRY(load_files(whole_path(context, path), context.environment.clock));
  const std::string cluster =
      context.args.has("cluster") ? context.args.text("cluster") : loaded.cluster.cluster;
  auto desired = TRY(config::compile(loaded.cluster.config, cluster));
  context.out.err().write(problem_lines(desired.problems, context.environment.directory));
  return desired;
}

Result<Story> story_of(Context& context) {
  const Args& args = context.args;
  if (args.has("synthetic") && args.has("DIR"))
    return Error(ErrorCode::Invalid, "--synthetic and a config tree exclude each other: leave one out");
  Story story;
  story.before = args.has("synthetic") ? synthetic(TRY(parse_size(args.text("synthetic"))))
                                       : TRY(tree_of(context, args.has("DIR") ? args.text("DIR") : "."));
  if (story.before.instances.empty())
    return Error(ErrorCode::Invalid,
                 "there is nothing to simulate: the tree has no instances in this cluster");
  if (args.has("to")) {
    story.after = TRY(tree_of(context, args.text("to")));
    story.change = "then the files are those of " + args.text("to");
  } else {
    story.after = story.before;
    for (size_t i = 0; i < story.after.instances.size(); ++i) {
      story.after.instances.edit(i, [](model::Instance& instance) { instance.spec.restart_nonce = "next"; });
    }
    story.change = "then every instance rolls to a new revision";
  }
  return story;
}

std::string summary(const Json& report) {
  const auto number = [&](const char* key) { return report.at(key).as_int(0); };
  const double lowest = number("lowest_of") == 0 ? 100
                                                 : 100.0 * static_cast<double>(number("lowest")) /
                                                       static_cast<double>(number("lowest_of"));
  std::string text;
  text += report.at("converges").as_bool()
              ? fmt::format("converged     after {}, in {} rounds\n",
                            moment_text(report.at("seconds").as_double(0)), number("rounds"))
              : fmt::format("not converged after {} rounds\n", number("rounds"));
  text += fmt::format("lowest        {:.2f} % served: {} of {} tasks, at +{}\n",
                      std::floor(lowest * 100) / 100, number("lowest"), number("lowest_of"),
                      moment_text(report.at("lowest_at_seconds").as_double(0)));
  text += fmt::format("tasks started {}, of them {} in the place of tasks whose node was lost\n",
                      number("tasks_started"), number("tasks_moved"));
  text += fmt::format("steps         {}\n", number("steps_taken"));
  return text;
}

Result<int> run(Context& context) {
  if (!context.wiring.rehearse) return Error(ErrorCode::Internal, "this build has no planner");
  const Args& args = context.args;
  const Story story = TRY(story_of(context));
  const double lose = args.has("lose") ? TRY(percentage(args.text("lose"))) : 0;
  RehearsalRequest request;
  request.start.nodes = TRY(nodes_of(args));
  request.seed = static_cast<uint64_t>(args.count("seed").value_or(1));
  request.start_time = args.duration("start-time").value_or(2s);
  request.steps = false;
  request.desired = story.before;
  int64_t tasks = 0;
  for (const model::Instance& instance : story.before.instances) tasks += instance.count;
  context.out.note(fmt::format("{} nodes, {}, {} tasks; {}; seed {}", request.start.nodes.size(),
                               counted(story.before.instances.size(), "instance"), tasks, story.change,
                               request.seed));
  RehearsalAnswer first = context.wiring.rehearse(request);
  if (!first.report.at("converges").as_bool()) {
    context.out.warning("not all tasks came up before the change:");
    context.out.err().write(plan_text(first.report));
  }
  request.start = std::move(first.end);
  request.desired = story.after;
  request.rebalance = args.count("rebalance").value_or(0);
  request.lost_nodes =
      static_cast<int>(std::ceil(lose / 100 * static_cast<double>(request.start.nodes.size())));
  request.away = args.duration("away").value_or(5min);
  request.steps = args.has("timeline");
  const RehearsalAnswer answer = context.wiring.rehearse(request);
  if (args.has("timeline")) TRY(io::write_file(whole_path(context, args.text("timeline")), answer.timeline));
  const int code = answer.report.at("converges").as_bool() ? 0 : kFailed;
  if (context.out.structured(context.format(), answer.report)) return code;
  context.out.result(summary(answer.report));
  if (code != 0) context.out.result(plan_text(answer.report));
  return code;
}

}  // namespace

Command simulate_command() {
  return {
      .name = "simulate",
      .summary = "the planner against a simulated cluster",
      .details =
          "Brings a config tree up on nodes that exist only in memory, changes it while nodes fail, and "
          "tells how long\n"
          "it took until all was as wanted, how few tasks served on the way and what moved. Time is virtual: "
          "hours\n"
          "pass in seconds. The same seed plays the same story.\n"
          "\n"
          "Exit code 1 when not all was as wanted in the end, with the reasons.",
      .arguments = {{.name = "DIR",
                     .help = "the config tree (default: the current folder)",
                     .required = false,
                     .completes = Completes::Directories}},
      .options =
          {{.name = "to",
            .kind = Kind::Text,
            .value = "DIR",
            .help = "the tree to change to (default: every instance rolls to a new revision)",
            .completes = Completes::Directories},
           {.name = "synthetic",
            .kind = Kind::Text,
            .value = "INSTANCESxTASKS",
            .help = "made-up instances with so many tasks each, in the place of a tree"},
           {.name = "nodes", .kind = Kind::Count, .value = "N", .help = "how many nodes (default 10)"},
           {.name = "node-cpus", .kind = Kind::Count, .value = "N", .help = "cores of each (default 8)"},
           {.name = "node-mem", .kind = Kind::Count, .value = "MB", .help = "memory of each (default 32768)"},
           {.name = "attribute",
            .kind = Kind::Text,
            .value = "NAME=A,B,...",
            .help = "an attribute whose values the nodes have in turn; several are parted by ';'"},
           {.name = "lose",
            .kind = Kind::Text,
            .value = "PERCENT",
            .help = "nodes that fail during the first minute of the change (default 0)"},
           {.name = "away",
            .kind = Kind::Duration,
            .value = "DURATION",
            .help = "how long a failed node is away (default 5m)"},
           {.name = "start-time",
            .kind = Kind::Duration,
            .value = "DURATION",
            .help = "how long a task takes until it is healthy, on average (default 2s)"},
           {.name = "rebalance",
            .kind = Kind::Count,
            .value = "N",
            .help = "most tasks that may move at a time for the sake of balance (default 0)"},
           {.name = "seed", .kind = Kind::Count, .value = "N", .help = "of all chance (default 1)"},
           {.name = "timeline",
            .kind = Kind::Text,
            .value = "FILE",
            .help = "write every step and fault there, a JSON object a line",
            .completes = Completes::Files}},
      .examples = {{"slipway simulate examples/shop --nodes 3 --lose 34%",
                    "what a lost node costs during a bounce"},
                   {"slipway simulate --synthetic 10000x10 --nodes 10000 --lose 1%", "100,000 tasks"}},
      .run = run};
}

}  // namespace slipway::cli
