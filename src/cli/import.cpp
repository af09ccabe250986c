#include "imports/import.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/target.h"
#include "config/validate.h"
#include "io/file.h"
#include "io/http.h"

namespace fs = std::filesystem;

namespace slipway::cli {

namespace {

constexpr Duration kFetchTimeout = 30s;
constexpr uint64_t kLongestText = 64 << 20;

// The config tree that is written, or would be.
fs::path target_of(const Context& context) {
  const std::string into = context.args.text("into");
  return whole_path(context, into.empty() ? "." : into);
}

Json json_of(const std::vector<model::Problem>& problems) {
  Json::Array all;
  for (const model::Problem& problem : problems) all.push_back(problem_json(problem));
  return all;
}

Json json_of(const imports::Import& import) {
  Json::Array files;
  for (const imports::File& file : import.files) {
    Json one;
    one["path"] = file.path.string();
    one["text"] = file.text;
    files.push_back(std::move(one));
  }
  return Json::Object{
      {"files", files}, {"lost", json_of(import.lost)}, {"problems", json_of(import.problems)}};
}

// All or nothing: what is in the way is told before anything is written.
Status write_files(const imports::Import& import, const fs::path& tree, bool force) {
  for (const imports::File& file : import.files) {
    if (force || !io::exists(tree / file.path)) continue;
    return Error(ErrorCode::Conflict,
                 fmt::format("{} exists; --force writes over it", (tree / file.path).string()));
  }
  for (const imports::File& file : import.files) {
    TRY(io::make_directories((tree / file.path).parent_path()));
    TRY(io::write_file(tree / file.path, file.text));
  }
  return {};
}

// What was written is read again as any tree is: an import is not done before our own validation passes it.
Result<int> check_written(Context& context, const fs::path& tree) {
  const auto loaded = TRY(load_cluster(tree));
  std::vector<model::Problem> problems = loaded.problems;
  config::Validation found = TRY(config::validate(tree, clusters_of(loaded)));
  for (config::Violation& violation : found.violations) problems.push_back(std::move(violation.problem));
  context.out.err().write(problem_lines(problems, context.environment.directory));
  if (!has_severity(problems, model::Severity::Tolerated)) return 0;
  context.out.note("the tree has problems as it is now");
  return kInvalidConfiguration;
}

Result<int> show(Context& context, const imports::Import& import) {
  const bool structured = context.out.structured(context.format(), json_of(import));
  if (!structured) {
    context.out.err().write(problem_lines(import.lost, context.environment.directory));
    context.out.err().write(problem_lines(import.problems, context.environment.directory));
  }
  if (!import.problems.empty()) {
    context.out.note(counted(import.problems.size(), "problem") + ": nothing is written");
    return kInvalidConfiguration;
  }
  if (context.args.has("into")) {
    const fs::path tree = target_of(context);
    TRY(write_files(import, tree, context.args.has("force")));
    if (!structured) {
      for (const imports::File& file : import.files) context.out.result((tree / file.path).string() + "\n");
    }
    context.out.note(fmt::format("{} written; {} without a counterpart", counted(import.files.size(), "file"),
                                 import.lost.size()));
    return check_written(context, tree);
  }
  if (!structured) {
    for (const imports::File& file : import.files) {
      context.out.result(fmt::format("# {}\n{}\n", file.path.string(), file.text));
    }
  }
  context.out.note(fmt::format("{} would be written (--into DIR); {} without a counterpart",
                               counted(import.files.size(), "file"), import.lost.size()));
  return 0;
}

// "http://HOST[:PORT][/PATH]"; without a path, all groups.
Result<std::string> fetch(const Context& context, std::string_view url) {
  url.remove_prefix(std::string_view("http://").size());
  const size_t slash = url.find('/');
  std::string endpoint(url.substr(0, slash));
  if (endpoint.find(':') == std::string::npos) endpoint += ":80";
  io::HttpRequest request;
  request.target =
      slash == std::string_view::npos || slash + 1 == url.size() ? "/v2/groups" : url.substr(slash);
  request.headers["accept"] = "application/json";
  const Clock& clock = context.environment.clock;
  const auto response = TRY(io::http_request(endpoint, request, clock, clock.deadline_in(kFetchTimeout)));
  if (response.status != 200) {
    return Error(ErrorCode::Unavailable, fmt::format("it answers with status {}", response.status));
  }
  return response.body == nullptr ? std::string() : *response.body;
}

Result<int> marathon(Context& context) {
  const std::string source = context.args.text("SOURCE");
  if (source.starts_with("https://")) {
    return Error(ErrorCode::Invalid, "only http is spoken here: save the answer, and import the file");
  }
  const bool remote = source.starts_with("http://");
  const std::string name = remote ? source : whole_path(context, source).string();
  const std::string text = remote ? TRY_CONTEXT(fetch(context, source), "fetch " + source)
                                  : TRY(io::read_file(name, kLongestText));
  return show(context, imports::import_marathon(text, name));
}

Result<int> compose(Context& context) {
  fs::path file = whole_path(context, context.args.text("FILE"));
  return show(context, TRY(imports::import_compose(file, target_of(context))));
}

Result<int> procfile(Context& context) {
  return show(context, TRY(imports::import_procfile(whole_path(context, context.args.text("FOLDER")),
                                                    target_of(context))));
}

std::vector<Option> options() {
  return {{.name = "into",
           .kind = Kind::Text,
           .value = "DIR",
           .help = "write into this config tree; without it, show what would be written",
           .completes = Completes::Directories},
          {.name = "force", .help = "write over files that are there"}};
}

constexpr const char* kDetails =
    "Writes to standard output, or with --into into a config tree. What has no counterpart here is listed "
    "on\n"
    "standard error, a line each: file:line:column: what; what to do instead. What is written passes\n"
    "`slipway validate`, which is tried at once. Exit code 4 when the source has mistakes: then nothing is\n"
    "written.";

Command marathon_command() {
  return {.name = "marathon",
          .summary = "apps and groups of Marathon, as JSON",
          .details = kDetails,
          .arguments = {{.name = "SOURCE",
                         .help = "a file, or the http:// address of Marathon (or of one of its routes)",
                         .completes = Completes::Files}},
          .options = options(),
          .examples = {{"slipway import marathon http://marathon:8080 --into services", "everything it runs"},
                       {"slipway import marathon app.json", "one app; only shown"}},
          .run = marathon};
}

Command compose_command() {
  return {.name = "compose",
          .summary = "a file of the Compose specification",
          .details = kDetails,
          .arguments = {{.name = "FILE", .help = "compose.yaml", .completes = Completes::Files}},
          .options = options(),
          .examples = {{"slipway import compose compose.yaml --into services", "a folder for each service"},
                       {"slipway import compose compose.yaml -o json", "for a script"}},
          .run = compose};
}

Command procfile_command() {
  return {
      .name = "procfile",
      .summary = "a folder with a Procfile, and perhaps an app.json",
      .details = kDetails,
      .arguments = {{.name = "FOLDER", .help = "where the Procfile is", .completes = Completes::Directories}},
      .options = options(),
      .examples = {{"slipway import procfile ~/code/shop --into services", "a service, its process types"},
                   {"slipway import procfile .", "only shown"}},
      .run = procfile};
}

}  // namespace

Command import_command() {
  return {.name = "import",
          .summary = "write our files from those of other systems",
          .examples = {{"slipway import compose compose.yaml", "what would be written"},
                       {"slipway import marathon http://marathon:8080 --into services", "written"}},
          .children = {marathon_command(), compose_command(), procfile_command()}};
}

}  // namespace slipway::cli
