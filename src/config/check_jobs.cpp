// Jobs in both layouts: a job of PaaSTA is a graph of actions, one of ours a node of the service's graph.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/schedule.h"

namespace slipway::config {

namespace {

// A node of a graph: an action of a job, or a job.
struct Step {
  std::string_view name;
  const YamlNode* node = nullptr;
  std::vector<const YamlNode*> requires_;  // the words, where they stand
};

std::vector<const YamlNode*> words_at(const YamlNode& map, std::string_view key) {
  std::vector<const YamlNode*> words;
  const YamlNode* list = map.find(key);
  if (list == nullptr) return words;
  if (list->kind == YamlKind::Scalar) return {list};
  for (const YamlNode& word : list->children) words.push_back(&word);
  return words;
}

class Graph {
 public:
  Graph(std::vector<Step> steps, std::string whole, Findings& findings)
      : steps_(std::move(steps)), whole_(std::move(whole)), findings_(findings), state_(steps_.size()) {}

  void check() {
    std::vector<std::string> names;
    for (const Step& step : steps_) names.emplace_back(step.name);
    for (const Step& step : steps_) {
      for (const YamlNode* word : step.requires_) {
        if (index_of(word->text) < steps_.size()) continue;
        const auto near = did_you_mean(word->text.substr(0, 64), names);
        tolerate(findings_, word->at,
                 fmt::format("{} requires {}, which is not in {}", step.name, quote_for_message(word->text),
                             whole_),
                 near ? fmt::format("did you mean {}?", *near) : std::string());
      }
    }
    for (size_t i = 0; i < steps_.size(); ++i) visit(i);
  }

 private:
  enum class State { New, Open, Done };
  struct Frame {
    size_t step;
    size_t next;
  };

  size_t index_of(std::string_view name) const {
    return static_cast<size_t>(std::ranges::find(steps_, name, &Step::name) - steps_.begin());
  }

  // Depth first, without recursion: a job may have thousands of actions in a row.
  void visit(size_t first) {
    if (state_[first] != State::New) return;
    std::vector<Frame> path = {{first, 0}};
    state_[first] = State::Open;
    while (!path.empty()) {
      Frame& top = path.back();
      const Step& step = steps_[top.step];
      if (top.next == step.requires_.size()) {
        state_[top.step] = State::Done;
        path.pop_back();
        continue;
      }
      const YamlNode& word = *step.requires_[top.next++];
      const size_t next = index_of(word.text);
      if (next == steps_.size() || state_[next] == State::Done) continue;
      if (state_[next] == State::Open) {
        tell_cycle(path, next, word);
        continue;
      }
      state_[next] = State::Open;
      path.push_back({next, 0});
    }
  }

  void tell_cycle(const std::vector<Frame>& path, size_t back_to, const YamlNode& word) {
    std::string names;
    bool inside = false;
    for (const Frame& frame : path) {
      inside = inside || frame.step == back_to;
      if (inside) names += fmt::format("{} -> ", steps_[frame.step].name);
    }
    tolerate(findings_, word.at, fmt::format("a cycle in {}: {}{}", whole_, names, steps_[back_to].name),
             "remove one of these requires");
  }

  std::vector<Step> steps_;
  std::string whole_;
  Findings& findings_;
  std::vector<State> state_;
};

class JobCheck {
 public:
  JobCheck(const CheckedService& service, const YamlNode& job, Findings& findings)
      : service_(service), job_(job), findings_(findings) {}

  void check_schedule() {
    const YamlNode* schedule = job_.find("schedule");
    if (schedule == nullptr || schedule->kind == YamlKind::Null) return;
    std::string text = schedule->text;
    if (schedule->kind == YamlKind::Map) {
      const std::string_view type = text_below(*schedule, "type");
      const std::string_view value = text_below(*schedule, "value");
      text = type.empty() ? fmt::format("daily {} {}", text_below(*schedule, "start_time"),
                                        text_below(*schedule, "days"))
                          : fmt::format("{} {}", type == "groc daily" ? "groc" : type, value);
    }
    if (const auto problem = schedule_problem(text)) {
      tell(schedule->at, fmt::format("schedule of {}: {}", job_.key, *problem),
           "it should be such as cron 0 3 * * *, or daily 03:00");
    }
  }

  void check_paasta() {
    if (job_.find("schedule") == nullptr) tell(job_.key_at, fmt::format("{} has no schedule", job_.key));
    check_schedule();
    for (const std::string_view key : {"max_runtime", "expected_runtime"}) check_delta(job_, key);
    const YamlNode* actions = job_.find("actions");
    if (actions == nullptr || actions->children.empty()) {
      tell(job_.key_at, fmt::format("{} has no actions", job_.key), "a job needs at least one");
      return;
    }
    std::vector<Step> steps;
    for (const YamlNode& action : actions->children) {
      if (action.kind != YamlKind::Map) continue;
      // A list of actions names each by a key.
      const std::string_view name =
          action.key.empty() ? text_below(action, "name") : std::string_view(action.key);
      steps.push_back({name, &action, words_at(action, "requires")});
      check_action(action, name);
    }
    if (const YamlNode* cleanup = job_.find("cleanup_action");
        cleanup != nullptr && cleanup->kind == YamlKind::Map)
      check_action(*cleanup, "cleanup_action");
    Graph(std::move(steps), "the job " + job_.key, findings_).check();
  }

 private:
  void tell(Position at, std::string message, std::string hint = {}) {
    tolerate(findings_, at, std::move(message), std::move(hint), job_.key);
  }

  void check_delta(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    if (node == nullptr || node->kind != YamlKind::Scalar) return;
    if (auto problem = delta_problem(node->text)) tell(node->at, fmt::format("{}: {}", key, *problem));
  }

  void check_action(const YamlNode& action, std::string_view name) {
    const std::string whole = fmt::format("{}.{}", job_.key, name);
    if (action.find("command") == nullptr) tell(action.at, fmt::format("{} has no command", whole));
    for (const std::string_view key : {"retries_delay", "trigger_timeout", "expected_runtime", "max_runtime"})
      check_delta(action, key);
    const std::string_view executor = text_below(action, "executor");
    const bool ours = executor != "ssh";
    const bool group = action.find("deploy_group") != nullptr || job_.find("deploy_group") != nullptr;
    if (ours && !group) tell(action.at, fmt::format("{} must have a deploy_group set", whole));
    if (executor == "spark") {
      for (const std::string_view key : {"cpus", "mem"}) {
        const YamlNode* node = action.find(key);
        if (node != nullptr)
          tell(node->key_at, fmt::format("{} sets {}, which the executor spark does not take", whole, key),
               "use spark_args");
      }
    }
    const YamlNode* role = action.find("iam_role");
    if (role != nullptr && action.find("service_account_name") != nullptr)
      tell(role->key_at, fmt::format("{} has both iam_role and service_account_name", whole), "keep one");
  }

  const CheckedService& service_;
  const YamlNode& job_;
  Findings& findings_;
};

}  // namespace

void check_jobs(const CheckedService& service, Findings& findings) {
  for (const CheckedFile& file : service.files) {
    if (file.role == FileRole::Tron) {
      for (const YamlNode* job : instances_of(file)) JobCheck(service, *job, findings).check_paasta();
    } else if (file.role == FileRole::Jobs) {
      std::vector<Step> steps;
      for (const YamlNode* job : instances_of(file)) {
        JobCheck(service, *job, findings).check_schedule();
        steps.push_back({job->key, job, words_at(*job, "requires")});
      }
      Graph(std::move(steps), file.name, findings).check();
    }
  }
}

}  // namespace slipway::config
