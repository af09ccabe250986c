#include "main/rehearse.h"

#include "sim/report_json.h"

namespace slipway::daemon {

cli::RehearsalAnswer rehearse(const cli::RehearsalRequest& request) {
  sim::RehearsalQuestion question;
  question.start = request.start;
  question.desired = request.desired;
  question.overrides = request.overrides;
  question.limited_room = request.limited_room;
  question.rebalance = request.rebalance;
  question.seed = request.seed;
  question.start_time = {engine::fake::Spread::Shape::Uniform, request.start_time / 2,
                         request.start_time * 3 / 2};
  question.lost_nodes = request.lost_nodes;
  question.away = request.away;
  question.timeline = request.steps;
  sim::RehearsalReport report = sim::rehearse(question);
  cli::RehearsalAnswer answer;
  answer.report = sim::to_json(report, question);
  answer.timeline = sim::json_lines_of(report.timeline);
  answer.end = std::move(report.end);
  return answer;
}

}  // namespace slipway::daemon
