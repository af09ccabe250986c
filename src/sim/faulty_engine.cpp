#include "sim/faulty_engine.h"

namespace slipway::sim {

namespace {
constexpr size_t kPast = 6;
}

Status FaultyEngine::reachable() const {
  if (stage_.clock.steady_now() >= stage_.engine_back) return {};
  return Error(ErrorCode::Unavailable, "the engine does not answer");
}

Result<model::Observed> FaultyEngine::observe(Deadline deadline) {
  TRY(reachable());
  stage_.cluster->with([&](engine::fake::World& world) { stage_.referee.looked(world); });
  if (stage_.chance.strikes(Fault::LookLost, 40, stage_.acting->number))
    return Error(ErrorCode::Timeout, "the engine did not answer in time");
  stale_ = !past_.empty() && stage_.chance.strikes(Fault::StaleLook, 40, stage_.acting->number);
  if (stale_) return past_[stage_.chance.below(past_.size())];
  model::Observed seen = TRY(inner_.observe(deadline));
  if (stage_.chance.enabled(Fault::StaleLook)) {
    past_.push_back(seen);
    if (past_.size() > kPast) past_.pop_front();
  }
  return seen;
}

Status FaultyEngine::act(const model::Action& step, model::Generation generation,
                         const std::function<Status()>& verb) {
  const int plane = stage_.acting->number;
  stage_.timeline.note(plane, "step", "{}", model::Step{{}, step, ""}.text());
  TRY(reachable());
  if (stage_.chance.strikes(Fault::StepFails, 30, plane)) {
    ++stage_.node_changes;  // the places that it would have taken are free for those after it
    return Error(ErrorCode::Unavailable, "the engine is too busy");
  }
  Act act;
  act.step = &step;
  act.generation = generation;
  act.now = stage_.clock.now();
  act.node_changes = stage_.node_changes;
  act.before = stage_.picture(truth_());
  act.done_draining = stage_.told.done(act.before, stage_.clock.steady_now());
  Status done = verb();
  act.done = done.has_value();
  act.after = stage_.picture(truth_());
  stage_.referee.acted(plane, act);
  if (!done.has_value()) stage_.timeline.note(plane, "step", "refused: {}", done.error().text());
  if (done.has_value() && stage_.chance.strikes(Fault::AnswerLost, 30, plane))
    return Error(ErrorCode::Timeout, "the engine did not answer in time");
  return done;
}

Status FaultyEngine::scale(const model::Revision& revision, int count, model::Generation generation,
                           Deadline deadline) {
  return act(model::ScaleStep{revision, count}, generation,
             [&] { return inner_.scale(revision, count, generation, deadline); });
}

Status FaultyEngine::remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                                  Duration grace, model::Generation generation, Deadline deadline) {
  return act(model::RemoveTasksStep{revision, {tasks.begin(), tasks.end()}, grace}, generation,
             [&] { return inner_.remove_tasks(revision, tasks, grace, generation, deadline); });
}

Status FaultyEngine::remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                            Deadline deadline) {
  return act(model::RemoveRevisionStep{revision, grace}, generation,
             [&] { return inner_.remove(revision, grace, generation, deadline); });
}

Status FaultyEngine::prepare(const model::Image& image, Deadline deadline) {
  TRY(reachable());
  if (stage_.chance.strikes(Fault::ImageFails, 4, stage_.acting->number))
    return Error(ErrorCode::Unavailable, "the registry does not answer");
  return inner_.prepare(image, deadline);
}

Status FaultyEngine::release(Deadline deadline) {
  TRY(reachable());
  return inner_.release(deadline);
}

}  // namespace slipway::sim
