// `slipway internal bounce`: the planner's own decision, asked for in JSON.
#include <climits>
#include <set>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "plan/bounce.h"

namespace slipway::plan {
namespace {

constexpr std::string_view kRemoval = "removal";  // the last row of the table: the instance itself goes away

// A question as it was asked; `removal` instead of a method.
struct Question {
  BounceInput input;
  bool removal = false;
};

Error wrong(std::string_view key, const Json& value, std::string_view right) {
  if (value.is_null()) return Error(ErrorCode::Invalid, fmt::format("'{}' is missing: it is {}", key, right));
  return Error(ErrorCode::Invalid, fmt::format("'{}' is {}: it must be {}", key, value.dump(), right));
}

Result<int> read_count(const Json& json, std::string_view key) {
  const Json& value = json.at(key);
  if (!value.is_int() || value.as_int() < 0 || value.as_int() > INT_MAX) {
    return wrong(key, value, "a whole number of 0 or more");
  }
  return static_cast<int>(value.as_int());
}

Status read_method(const Json& json, Question& question) {
  constexpr std::string_view kRight = "one of crossover, brutal, upthendown, downthenup, removal";
  const Json& value = json.at("method");
  if (!value.is_string()) return wrong("method", value, kRight);
  if (value.as_string() == kRemoval) {
    question.removal = true;
    return {};
  }
  const auto method = model::bounce_method_from(value.as_string());
  if (!method) {
    const std::vector<std::string> known = {"crossover", "brutal", "upthendown", "downthenup", "removal"};
    const auto meant = did_you_mean(value.as_string(), known);
    Error error = wrong("method", value, kRight);
    return meant ? Error(ErrorCode::Invalid, fmt::format("{}; did you mean {}?", error.message(), *meant))
                 : error;
  }
  question.input.method = *method;
  return {};
}

Result<std::vector<std::string>> read_old(const Json& json) {
  constexpr std::string_view kRight = "a list of different task ids, most desirable first";
  const Json& value = json.at("old");
  if (!value.is_array()) return wrong("old", value, kRight);
  std::vector<std::string> old;
  std::set<std::string> seen;
  for (const Json& id : value.as_array()) {
    if (!id.is_string() || !seen.insert(id.as_string()).second) return wrong("old", value, kRight);
    old.push_back(id.as_string());
  }
  return old;
}

Result<Question> read_question(const std::string& line) {
  const Json json = TRY(Json::parse(line));
  if (!json.is_object()) return Error(ErrorCode::Invalid, "a question is one JSON object a line");
  Question question;
  TRY(read_method(json, question));
  question.input.count = TRY(read_count(json, "count"));
  const Json& margin = json.at("margin");
  // Written so that no comparison with a NaN slips through.
  if (!margin.is_number() || !(margin.as_double() > 0 && margin.as_double() <= 1)) {
    return wrong("margin", margin, "a number above 0 and at most 1");
  }
  question.input.margin = margin.as_double();
  if (!json.at("new_exists").is_bool()) return wrong("new_exists", json.at("new_exists"), "true or false");
  question.input.new_exists = json.at("new_exists").as_bool();
  question.input.happy_new = TRY(read_count(json, "happy_new"));
  question.input.old = TRY(read_old(json));
  return question;
}

}  // namespace

std::string bounce_line(const std::string& line) {
  const auto question = read_question(line);
  if (!question) return Json(Json::Object{{"error", question.error().text()}}).dump();
  const BounceDecision decision =
      question->removal ? decide_removal(question->input.old) : decide_bounce(question->input);
  Json::Array drain(decision.drain.begin(), decision.drain.end());
  return Json(Json::Object{{"create", decision.create}, {"drain", std::move(drain)}}).dump();
}

}  // namespace slipway::plan
