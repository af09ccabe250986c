#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/log_view.h"
#include "cli/target.h"
#include "cli/terminal.h"

namespace slipway::cli {

namespace {

// How often a task that writes nothing is asked whether it still runs.
constexpr Duration kLook = 500ms;

bool has_ended(const Json& task) {
  const std::string& state = task.at("state").as_string();
  return state == "exited" || state == "failed" || state == "lost";
}

// The exit code of `run` is the task's own, 128+N for death by signal N, as a shell has it.
int exit_code_of_task(const Json& task) {
  const Json& exit = task.at("last_exit");
  if (exit.at("signal").is_int()) return 128 + static_cast<int>(exit.at("signal").as_int());
  return static_cast<int>(exit.at("code").as_int(kFailed));
}

// Prints a task's log without gaps or doubles over several reads, each of which begins at the last line
// printed. Lines have no number, so the place is the time of that line and how many lines had that time.
class LogPrinter {
 public:
  LogPrinter(Context& context, std::string task) : context_(context), task_(std::move(task)) {}

  // Begins a read. NotFound where the task has no log yet.
  Result<api::LineStream> open(const api::Client& client, bool follow) {
    again_ = same_time_;
    return client.logs({.task = task_, .since = last_at_, .follow = follow});
  }

  void print(const Json& line) {
    const std::string& at = line.at("at").as_string();
    if (at == last_at_ && again_ > 0) {
      --again_;
      return;
    }
    again_ = 0;
    same_time_ = at == last_at_ ? same_time_ + 1 : 1;
    last_at_ = at;
    print_log(context_, line);
  }

 private:
  Context& context_;
  std::string task_;
  std::string last_at_;
  int same_time_ = 0;  // lines printed that have the time last_at_
  int again_ = 0;      // of them, how many this read will bring again
};

Status print_available(LogPrinter& printer, api::LineStream& stream, Duration wait) {
  while (!stream.ended()) {
    const auto line = TRY(stream.next(wait));
    if (!line) return {};
    printer.print(*line);
  }
  return {};
}

// Until the task has ended; returns it as it then is.
Result<Json> follow(Context& context, const api::Client& client, const std::string& id) {
  LogPrinter printer(context, id);
  std::unique_ptr<api::LineStream> stream;
  api::StatusQuery look{.wait = kLook};
  std::string said;
  while (true) {
    if (!stream || stream->ended()) {
      auto opened = printer.open(client, true);
      stream.reset();
      if (opened) stream = std::make_unique<api::LineStream>(std::move(*opened));
    }
    if (stream) {
      TRY(print_available(printer, *stream, kLook));
    } else {
      // Still being prepared: its log will come.
      look.seen = TRY(client.status(look)).at("sequence").as_int();
    }
    Json task = TRY(client.task(id));
    if (task.at("state").as_string() == "preparing" && said != task.at("reason").as_string()) {
      said = task.at("reason").as_string();
      context.out.note(fmt::format("task {} {}", id, said));
    }
    if (!has_ended(task)) continue;
    // A stream that follows cannot know where the end is; a log that is read once has one.
    auto rest = printer.open(client, false);
    if (rest) {
      TRY(print_available(printer, *rest, 30s));
    } else if (task.at("started_at").is_string()) {
      context.out.warning("the end of the log may be missing: " + rest.error().text());
    }
    return task;
  }
}

Result<int> run(Context& context) {
  const api::Client client = TRY(connect(context));
  if (context.args.has("end")) {
    TRY(client.collect(context.args.text("end")));
    return 0;
  }
  if (!context.args.has("S.I"))
    return Error(ErrorCode::Invalid, "say of which instance: slipway run web.main -- CMD");
  const model::InstanceId instance = TRY(instance_of(client, context.args.text("S.I")));
  const std::string id = TRY(client.run(instance, context.args.rest()));
  if (context.args.has("detach")) {
    context.out.result(id + "\n");
    return 0;
  }
  context.out.note("task " + id);
  const OnInterrupt come_back(
      fmt::format("Task {0} goes on: `slipway logs --task {0} -f` follows it, "
                  "`slipway run --end {0}` ends and forgets it.",
                  id));
  const Json task = TRY(follow(context, client, id));
  TRY(client.collect(id));
  const int code = exit_code_of_task(task);
  if (const std::string& reason = task.at("reason").as_string(); code != 0 && !reason.empty())
    context.out.error("task " + id + ": " + reason);
  return code;
}

}  // namespace

Command run_task_command() {
  return {
      .name = "run",
      .summary = "one task of an instance that ends, with another command if wanted",
      .details =
          "The same image, environment and limits as the instance's tasks, outside of its count and of the\n"
          "load balancer. Its log is shown; its exit code is ours.",
      .arguments =
          {{.name = "S.I", .help = "the instance", .required = false, .completes = Completes::Instances}},
      .options = {{.name = "detach", .letter = 'd', .help = "print the task's id and return"},
                  {.name = "end",
                   .kind = Kind::Text,
                   .value = "T",
                   .help = "end and forget the one-off task T instead",
                   .completes = Completes::Tasks}},
      .takes_rest = true,
      .examples = {{"slipway run web.main -- ./migrate --all", "a migration in the image of web"},
                   {"slipway run worker.main", "the instance's own command, once"}},
      .run = run};
}

}  // namespace slipway::cli
