#include <algorithm>
#include <thread>

#include "base/mutex.h"
#include "cli/commands.h"
#include "cli/log_view.h"
#include "cli/target.h"

namespace slipway::cli {

namespace {

// Lines to begin with when following: enough to see where it stands.
constexpr int kFollowTail = 10;
// The server serves a bounded number of streams; more instances than this are better followed one by one.
constexpr size_t kMaxFollowed = 32;

Result<api::LogQuery> query_of(const Context& context) {
  api::LogQuery query;
  query.task = context.args.text("task");
  query.since = context.args.text("since");
  query.tail = context.args.count("tail");
  query.stream = context.args.text("stream");
  query.follow = context.args.has("follow");
  if (query.follow && !query.tail && query.since.empty()) query.tail = kFollowTail;
  if (!query.since.empty() && !parse_duration(query.since) && !parse_time(query.since)) {
    return Error(ErrorCode::Invalid, "--since '" + query.since + "' is neither a duration (10m) nor a time");
  }
  return query;
}

// One thread per instance, each printing whole lines as they come.
Status follow_all(Context& context, const api::Client& client, const std::vector<api::LogQuery>& queries) {
  Mutex mutex;
  Status first_failure;
  std::vector<std::jthread> threads;
  for (const api::LogQuery& query : queries) {
    threads.emplace_back([&, query] {
      auto stream = client.logs(query);
      const Status printed = stream ? print_logs(context, std::move(*stream)) : Status(stream.error());
      const Lock lock(mutex);
      if (!printed && first_failure) first_failure = printed;
    });
  }
  for (std::jthread& thread : threads) thread.join();
  return first_failure;
}

// Several finished logs as one, by time.
Status print_merged(Context& context, const api::Client& client, const std::vector<api::LogQuery>& queries) {
  std::vector<Json> lines;
  for (const api::LogQuery& query : queries) {
    api::LineStream stream = TRY(client.logs(query));
    while (!stream.ended()) {
      auto line = TRY(stream.next(30s));
      if (line) lines.push_back(std::move(*line));
    }
  }
  // Times of one format compare as text; lines of one instant stay in their order.
  std::ranges::stable_sort(lines, {},
                           [](const Json& line) -> const std::string& { return line.at("at").as_string(); });
  for (const Json& line : lines) print_log(context, line);
  return {};
}

Result<int> run(Context& context) {
  const bool one_task = context.args.has("task");
  if (one_task == context.args.has("S[.I]")) {
    return Error(ErrorCode::Invalid, "say whose logs: an instance (web.main), a service, or --task T");
  }
  api::LogQuery query = TRY(query_of(context));
  const api::Client client = TRY(connect(context));
  std::vector<api::LogQuery> queries;
  if (one_task) {
    queries.push_back(query);
  } else {
    for (const model::InstanceId& id : TRY(instances_of(client, context.args.text("S[.I]")))) {
      query.service = id.service;
      query.instance = id.instance;
      queries.push_back(query);
    }
  }
  if (queries.size() == 1) {
    TRY(print_logs(context, TRY(client.logs(queries.front()))));
  } else if (!query.follow) {
    TRY(print_merged(context, client, queries));
  } else if (queries.size() <= kMaxFollowed) {
    TRY(follow_all(context, client, queries));
  } else {
    return Error(ErrorCode::Invalid, "the service has too many instances to follow at once; say which");
  }
  return 0;
}

}  // namespace

Command logs_command() {
  return {
      .name = "logs",
      .summary = "what tasks write, to standard output and standard error",
      .details =
          "Each line is marked with the last part of its task's id. With -o json, one object a line with\n"
          "the time, the task and the stream.",
      .arguments = {{.name = "S[.I]",
                     .help = "all tasks of this instance, or service",
                     .required = false,
                     .completes = Completes::Instances}},
      .options = {{.name = "follow",
                   .letter = 'f',
                   .help = "go on with what is written next, also by new tasks"},
                  {.name = "since",
                   .kind = Kind::Text,
                   .value = "WHEN",
                   .help = "only what is younger: 10m, or 2026-01-31T09:15:00Z"},
                  {.name = "tail",
                   .letter = 'n',
                   .kind = Kind::Count,
                   .value = "N",
                   .help = "only the last N lines of the instance (default: all; 10 with -f)"},
                  {.name = "task",
                   .kind = Kind::Text,
                   .value = "T",
                   .help = "only this task",
                   .completes = Completes::Tasks},
                  {.name = "stream",
                   .kind = Kind::Choice,
                   .value = "STREAM",
                   .help = "only out (standard output) or err",
                   .choices = {"out", "err"}}},
      .examples = {{"slipway logs web.main -f", "follow all tasks of an instance"},
                   {"slipway logs web --since 10m -o json",
                    "ten minutes of the whole service, for a script"}},
      .run = run};
}

}  // namespace slipway::cli
