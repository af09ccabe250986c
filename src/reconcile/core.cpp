#include "reconcile/core.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/backoff.h"
#include "base/log.h"
#include "reconcile/changes.h"

namespace slipway::reconcile {

namespace {

// A failed image is tried again: soon at first, as a registry hiccup passes; at the latest after five
// minutes, so that it mends itself when the cause goes.
constexpr Backoff kImageBackoff{5s, 300s};

// The exit code of a one-off task is kept for whoever started it; somebody who has not come for so long will
// not come.
constexpr Duration kOneOffKeep = 1h;

const model::Instance* find_instance(const model::Desired& desired, const model::InstanceId& id) {
  const auto it =
      std::lower_bound(desired.instances.begin(), desired.instances.end(), id,
                       [](const model::Instance& a, const model::InstanceId& b) { return a.id < b; });
  return it != desired.instances.end() && it->id == id ? &*it : nullptr;
}

std::vector<discovery::RoutedInstance> routed_instances(const model::Desired& desired,
                                                        const model::Plan& plan,
                                                        const std::vector<discovery::RoutedInstance>& last) {
  std::vector<discovery::RoutedInstance> routed;
  for (const auto& [id, routes] : plan.routes) {
    const model::Instance* instance = find_instance(desired, id);
    if (instance != nullptr && instance->proxy) {
      routed.push_back({id, *instance->proxy, routes});
      continue;
    }
    // No longer in the files, or its file is broken: it keeps the front door it had while its tasks drain.
    for (const auto& earlier : last) {
      if (earlier.id == id) routed.push_back({id, earlier.proxy, routes});
    }
  }
  return routed;
}

}  // namespace

plan::Routing routing_from(const Result<discovery::ProxyState>& state,
                           const std::vector<discovery::RoutedInstance>& routes) {
  plan::Routing routing;
  if (!state.has_value()) {
    for (const auto& instance : routes) routing.refused[instance.id] = state.error().text();
    return routing;
  }
  routing.known = true;
  routing.refused = state->refused;
  for (const auto& [task, server] : state->servers) {
    routing.tasks[task] = plan::RoutedTask{server.in, server.draining, server.sessions};
  }
  return routing;
}

void Core::set_desired(model::Desired desired) {
  desired_ = std::move(desired);
}

void Core::set_memory(const model::InstanceId& instance, const std::string& text) {
  const auto json = Json::parse(text);
  if (!json.has_value()) return;
  auto memory = plan::instance_memory_from_json(json.value());
  if (memory.has_value()) memory_[instance] = std::move(memory).value();
}

Round Core::decide(const model::Observed& observed, const plan::Routing& routing, Time now) {
  const plan::Memory before = memory_;
  plan::Outcome outcome = plan::decide(plan::Inputs{desired_, observed, routing, overrides_, images_, memory_,
                                                    settings_.restarts_tasks, shutting_down_, now});
  Round round;
  round.plan = std::move(outcome.plan);
  memory_ = std::move(outcome.memory);
  round.wake_at = outcome.wake_at;
  round.routes = routed_instances(desired_, round.plan, routes_);
  round.routes_changed = !looked_ || round.routes != routes_;
  routes_ = round.routes;

  round.events = looked_ ? task_changes(observed_, observed) : std::vector<model::Event>();
  std::move(outcome.events.begin(), outcome.events.end(), std::back_inserter(round.events));
  follow_memory(before, round, now);
  follow_images(round);
  follow_one_offs(observed, round, now);

  for (const auto& [id, memory] : memory_) round.drains = round.drains || !memory.drains.empty();
  for (const auto& instance : round.routes) {
    for (const model::Route& route : instance.routes) {
      const auto seen = routing.tasks.find(route.task);
      const bool in = seen != routing.tasks.end() && seen->second.in;
      round.entering = round.entering || (route.traffic == model::Traffic::In && !in);
    }
  }
  round.all_gone = shutting_down_ && observed.revisions.empty() && observed.tasks.empty();

  observed_ = observed;
  looked_ = true;
  statuses_ = std::move(outcome.status);
  plan_ = round.plan;
  settled_ =
      round.plan.steps.empty() && !round.drains &&
      std::all_of(statuses_.begin(), statuses_.end(), [](const model::InstanceStatus& status) {
        return status.state == model::InstanceState::Running || status.state == model::InstanceState::Stopped;
      });
  return round;
}

// Images are prepared beside the rounds, not in them: a build may take minutes.
void Core::follow_images(Round& round) {
  auto& steps = round.plan.steps;
  for (const model::Step& step : steps) {
    const auto* prepare = std::get_if<model::PrepareStep>(&step.action);
    if (prepare == nullptr) continue;
    plan::ImageStatus& image = images_[model::describe(prepare->image)];
    if (image.state == plan::ImageState::Preparing) continue;
    image.state = plan::ImageState::Preparing;
    round.prepare.push_back(prepare->image);
  }
  std::erase_if(
      steps, [](const model::Step& step) { return std::holds_alternative<model::PrepareStep>(step.action); });
}

void Core::follow_one_offs(const model::Observed& observed, Round& round, Time now) const {
  for (const model::Task& task : observed.tasks) {
    if (!task.one_off || task.state == model::TaskState::Stopping) continue;
    const bool ended = task.state == model::TaskState::Exited || task.state == model::TaskState::Failed;
    const Time since = task.started_at.value_or(task.created_at);
    if (shutting_down_ || (ended && now - since > kOneOffKeep)) round.collect.push_back(task.id);
  }
}

void Core::image_prepared(const model::Image& image, const Status& result, Time now) {
  plan::ImageStatus& status = images_[model::describe(image)];
  if (result.has_value()) {
    status = plan::ImageStatus{plan::ImageState::Ready, "", {}, 0};
    return;
  }
  ++status.failures;
  status.state = plan::ImageState::Failed;
  status.reason = result.error().text();
  status.retry_at = now + kImageBackoff.delay(status.failures);
}

// The planner's memory is stored where it changed; a bounce that appeared, ended or stalled becomes history.
void Core::follow_memory(const plan::Memory& before, Round& round, Time now) {
  static const plan::InstanceMemory kNone;
  const auto of = [](const plan::Memory& memory, const model::InstanceId& id) -> const plan::InstanceMemory& {
    const auto it = memory.find(id);
    return it == memory.end() ? kNone : it->second;
  };
  plan::Memory all = before;
  all.insert(memory_.begin(), memory_.end());
  for (const auto& [id, unused] : all) {
    const plan::InstanceMemory& old_memory = of(before, id);
    const plan::InstanceMemory& new_memory = of(memory_, id);
    if (old_memory == new_memory) continue;
    round.memories.emplace_back(id, memory_.contains(id) ? plan::to_json(new_memory).dump() : "");

    const bool same =
        old_memory.bounce && new_memory.bounce && old_memory.bounce->to == new_memory.bounce->to;
    if (old_memory.bounce && !same) {
      state::BounceRecord record = open_bounces_[id];
      record.instance = id;
      record.revision = old_memory.bounce->to;
      record.started_at = old_memory.bounce->started_at;
      record.ended_at = now;
      record.outcome = new_memory.bounce ? "superseded" : "done";
      round.bounces.push_back(record);
      open_bounces_.erase(id);
    }
    if (new_memory.bounce && (!same || old_memory.bounce->stalled != new_memory.bounce->stalled)) {
      state::BounceRecord record = open_bounces_[id];
      record.instance = id;
      record.revision = new_memory.bounce->to;
      record.started_at = new_memory.bounce->started_at;
      record.outcome = new_memory.bounce->stalled ? "stalled" : "running";
      if (const model::Instance* instance = find_instance(desired_, id)) {
        const Json spec = model::to_json(instance->spec);
        record.spec = spec.dump();
        for (const auto& revision : observed_.revisions) {
          const auto& from = new_memory.bounce->from;
          if (!from.empty() && revision.revision.id == from.back()) {
            record.text = spec_changes(model::to_json(revision.revision.spec), spec);
          }
        }
      }
      open_bounces_[id] = record;
      round.bounces.push_back(record);
    }
  }
}

std::vector<std::string> Core::endpoints_of(const model::Instance& instance) const {
  std::vector<std::string> urls;
  if (!instance.proxy) return urls;
  const std::string host = settings_.proxy_bind == "*" ? "127.0.0.1" : settings_.proxy_bind;
  if (instance.proxy->port) {
    urls.push_back(fmt::format("{}://{}:{}", to_text(instance.proxy->mode), host, *instance.proxy->port));
  }
  for (const std::string& domain : instance.proxy->domains) {
    urls.push_back(settings_.proxy_http_port == 80
                       ? "http://" + domain
                       : fmt::format("http://{}:{}", domain, settings_.proxy_http_port));
  }
  return urls;
}

// Adds what only this layer knows: where the front door is, and that the engine refused a step.
void Core::annotate(std::vector<model::InstanceStatus>& statuses) const {
  for (model::InstanceStatus& status : statuses) {
    if (const model::Instance* instance = find_instance(desired_, status.id)) {
      status.endpoints = endpoints_of(*instance);
    }
    const auto error = step_errors_.find(status.id);
    if (error == step_errors_.end()) continue;
    status.reason = status.reason.empty() ? error->second : error->second + "; " + status.reason;
    status.causes.insert(status.causes.begin(), error->second);
  }
}

Snapshot Core::snapshot(const std::string& trouble) const {
  Snapshot snapshot;
  snapshot.cluster = settings_.cluster;
  snapshot.engine = settings_.engine;
  snapshot.config_path = settings_.config_path;
  snapshot.isolation = observed_.isolation;
  snapshot.at = observed_.at;
  snapshot.trouble = trouble;
  snapshot.settled = looked_ && settled_ && trouble.empty() && step_errors_.empty();
  snapshot.shutting_down = shutting_down_;
  snapshot.released = released_;
  snapshot.desired = desired_;
  snapshot.instances = statuses_;
  annotate(snapshot.instances);
  snapshot.nodes = observed_.nodes;
  snapshot.plan = plan_;
  for (const auto& revision : observed_.revisions) {
    snapshot.generation = std::max(snapshot.generation, revision.generation);
  }
  for (const model::Task& task : observed_.tasks) {
    if (task.one_off) snapshot.one_off.push_back(task);
  }
  return snapshot;
}

bool same_picture(const Snapshot& a, const Snapshot& b) {
  return a.generation == b.generation && a.trouble == b.trouble && a.settled == b.settled &&
         a.shutting_down == b.shutting_down && a.released == b.released && a.isolation == b.isolation &&
         a.desired == b.desired && a.instances == b.instances && a.plan == b.plan && a.one_off == b.one_off;
}

}  // namespace slipway::reconcile
