#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::cli {

namespace {

// Short enough that a person who looks away and back sees that it lives, long enough to cost nothing.
constexpr Duration kPoll = 10s;

size_t starting_tasks(const Json& instance) {
  return static_cast<size_t>(std::ranges::count_if(instance.at("tasks").as_array(), [](const Json& task) {
    const std::string& state = task.at("state").as_string();
    const bool checked = task.at("health").as_string() != "unknown";
    return state == "pending" || state == "preparing" || state == "starting" ||
           (state == "running" && !checked);
  }));
}

std::string counts_of(const Json& instance) {
  return fmt::format("desired {:<3} starting {:<3} healthy {:<3} ", instance.at("desired").as_int(),
                     starting_tasks(instance), instance.at("healthy").as_int());
}

}  // namespace

std::string instance_name(const Json& instance) {
  return instance.at("service").as_string() + "." + instance.at("instance").as_string();
}

Progress progress_of(const Json& instance) {
  const std::string& state = instance.at("state").as_string();
  const bool blocked = !instance.at("blocked").is_null();
  if (state == "crashlooping" || state == "stalled" || blocked) return Progress::Failed;
  if (state == "stopped") return Progress::Good;
  const bool enough = instance.at("healthy").as_int() >= instance.at("desired").as_int();
  return state == "running" && enough && instance.at("bounce").is_null() ? Progress::Good : Progress::Waiting;
}

std::vector<Live::Line> progress_lines(const Json& status, const Paint& paint) {
  size_t names = 0;
  for (const Json& instance : status.at("instances").as_array()) {
    names = std::max(names, instance_name(instance).size());
  }
  std::vector<Live::Line> lines;
  for (const Json& instance : status.at("instances").as_array()) {
    const std::string& state = instance.at("state").as_string();
    std::string text =
        fmt::format("{:<{}}  {}{}  {}", instance_name(instance), names, paint.state(state),
                    std::string(state.size() < 12 ? 12 - state.size() : 0, ' '), counts_of(instance));
    text += printable(instance.at("reason").as_string());
    text.erase(text.find_last_not_of(' ') + 1);
    lines.push_back({instance_name(instance), std::move(text)});
  }
  if (const std::string& trouble = status.at("trouble").as_string(); !trouble.empty()) {
    lines.push_back({"", paint(Colour::Yellow, "trouble: " + trouble)});
  }
  return lines;
}

Result<bool> watch_status(const api::Client& client, const api::StatusQuery& query, const Clock& clock,
                          std::optional<Deadline> deadline, const std::function<bool(const Json&)>& done) {
  api::StatusQuery next = query;
  while (true) {
    const Json status = TRY(client.status(next));
    if (done(status)) return true;
    const Duration left = deadline ? deadline->left(clock.steady_now()) : kPoll;
    if (left <= Duration::zero()) return false;
    next.seen = status.at("sequence").as_int();
    next.wait = std::min(kPoll, left);
  }
}

}  // namespace slipway::cli
