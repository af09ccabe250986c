#include "io/git.h"

#include <fmt/format.h>

#include "base/text.h"
#include "io/environment.h"
#include "io/file.h"
#include "io/process.h"

namespace fs = std::filesystem;

namespace slipway::io {

namespace {

constexpr Duration kLocalTimeout = 60s;
// What run() keeps of a program's output, from its end.
constexpr size_t kMostOutput = 1 << 20;

class GitProgram final : public GitCopy {
 public:
  GitProgram(fs::path folder, std::string url, std::string ref, const Clock& clock)
      : folder_(std::move(folder)), url_(std::move(url)), ref_(std::move(ref)), clock_(clock) {}

  // Takes over what an earlier process left, which may have died at any moment.
  Status open() {
    TRY(make_directories(folder_, 0700));
    const Deadline deadline = clock_.deadline_in(kLocalTimeout);
    if (!io::exists(folder_ / ".git")) {
      TRY(git({"init", "-q"}, deadline));
      return {};
    }
    TRY(io::remove_all(folder_ / ".git" / "index.lock"));
    const auto head = git({"rev-parse", "-q", "--verify", "HEAD^{commit}"}, deadline);
    if (!head.has_value()) return {};
    TRY(restore(*head, deadline));
    commit_ = *head;
    return {};
  }

  const std::string& commit() const override { return commit_; }

  Result<std::string> fetch(Deadline deadline) override {
    // One commit is all that is needed: neither disk nor network pay for history.
    TRY(git({"fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", url_, ref_},
            deadline));
    return git({"rev-parse", "--verify", "FETCH_HEAD^{commit}"}, deadline);
  }

  Result<GitChange> check_out(const std::string& commit, Deadline deadline) override {
    GitChange change;
    change.all = commit_.empty() || half_done_;
    if (!change.all) {
      const std::string names =
          TRY(git({"diff", "--name-only", "--no-renames", "-z", commit_, commit, "--"}, deadline));
      change.all = names.size() >= kMostOutput;
      for (std::string& name : split(names, '\0')) {
        if (!name.empty()) change.paths.push_back(std::move(name));
      }
    }
    half_done_ = true;
    TRY(restore(commit, deadline));
    half_done_ = false;
    commit_ = commit;
    return change;
  }

 private:
  // The folder as the commit has it, and nothing else in it.
  Status restore(const std::string& commit, Deadline deadline) {
    TRY(git({"checkout", "-q", "--force", "--detach", commit}, deadline));
    TRY(git({"clean", "-q", "-ffdx"}, deadline));
    return {};
  }

  Result<std::string> git(std::vector<std::string> words, Deadline deadline) const {
    const std::string verb = words.front();
    Command command;
    command.argv = {"git",
                    "-c",
                    "core.hooksPath=/dev/null",
                    "-c",
                    "core.logAllRefUpdates=false",
                    "-c",
                    "gc.autoDetach=false",
                    "-c",
                    "advice.detachedHead=false"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.directory = folder_.string();
    command.env = environment();
    // What points git at another repository, or makes it ask, must not come from whoever started us.
    for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_ASKPASS", "SSH_ASKPASS"}) {
      command.env->erase(name);
    }
    (*command.env)["GIT_TERMINAL_PROMPT"] = "0";
    (*command.env)["GIT_CEILING_DIRECTORIES"] = folder_.parent_path().string();
    (*command.env)["LC_ALL"] = "C";
    command.env->try_emplace("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    const auto finished = run(command, clock_, deadline);
    if (!finished.has_value()) {
      return Error(finished.error().code(), fmt::format("git {} {}", verb, without_password(url_)),
                   Error(finished.error().code(), finished.error().code() == ErrorCode::Timeout
                                                      ? "no answer in time"
                                                      : finished.error().text()));
    }
    if (finished->ok()) return verb == "diff" ? finished->out : std::string(trim(finished->out));
    std::string why = finished->last_lines(3);
    for (size_t at = why.find(url_); at != std::string::npos && url_ != without_password(url_);
         at = why.find(url_)) {
      why.replace(at, url_.size(), without_password(url_));
    }
    return Error(ErrorCode::Unavailable, fmt::format("git {} {}", verb, without_password(url_)),
                 Error(ErrorCode::Unavailable, std::move(why)));
  }

  fs::path folder_;
  std::string url_;
  std::string ref_;
  const Clock& clock_;
  std::string commit_;
  bool half_done_ = false;  // the folder may be between two commits
};

}  // namespace

Result<std::unique_ptr<GitCopy>> open_git_copy(const fs::path& folder, const std::string& url,
                                               const std::string& ref, const Clock& clock) {
  if (!find_program("git")) return Error(ErrorCode::NotFound, "git is not installed: apt-get install git");
  auto copy = std::make_unique<GitProgram>(folder, url, ref, clock);
  TRY(copy->open());
  return std::unique_ptr<GitCopy>(std::move(copy));
}

std::string without_password(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t host = scheme + 3;
  const size_t end = std::min(url.find('/', host), url.size());
  const size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < host) return url;
  const size_t colon = url.find(':', host);
  return colon < at ? url.substr(0, colon) + ":***" + url.substr(at) : url;
}

}  // namespace slipway::io
