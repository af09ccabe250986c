#include "reconcile/core.h"

#include <algorithm>
#include <set>

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

// Beside the planner's own members in what is stored of an instance.
constexpr std::string_view kFrontDoor = "front_door";

// What the bounce rolls to, and how that differs from what ran before.
void describe_change(const model::Desired& desired, const model::Observed& observed,
                     const plan::BounceMemory& bounce, state::BounceRecord& record) {
  const model::Instance* instance = find_instance(desired, record.instance);
  if (instance == nullptr) return;
  const Json spec = model::to_json(instance->spec);
  record.spec = spec.dump();
  for (const auto& revision : observed.revisions) {
    if (!bounce.from.empty() && revision.revision.id == bounce.from.back())
      record.text = spec_changes(model::to_json(revision.revision.spec), spec);
  }
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
  routing.down = state->down;
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
  if (const auto proxy = proxy_from_json(json->at(kFrontDoor))) front_doors_[instance] = *proxy;
}

void Core::set_open_bounces(std::vector<state::BounceRecord> records) {
  for (state::BounceRecord& record : records) {
    const auto key = std::pair(record.instance, record.started_at);
    open_bounces_[key] = std::move(record);
  }
}

Round Core::decide(const model::Observed& observed, const plan::Routing& routing, Time now) {
  const plan::Memory before = memory_;
  const FrontDoors doors_before = front_doors_;
  // After the clock was set back, no image waits longer than it would have.
  for (auto& [name, image] : images_) image.retry_at = std::min(image.retry_at, now + kImageBackoff.maximum);
  plan::Outcome outcome = settings_.planner(plan::Inputs{.desired = desired_,
                                                         .observed = observed,
                                                         .routing = routing,
                                                         .overrides = overrides_,
                                                         .images = images_,
                                                         .memory = memory_,
                                                         .restarts_tasks = settings_.restarts_tasks,
                                                         .shutting_down = shutting_down_,
                                                         .now = now,
                                                         .limited_room = settings_.limited_room,
                                                         .rebalance = settings_.rebalance,
                                                         .drains = drain_reports_});
  Round round;
  round.plan = std::move(outcome.plan);
  memory_ = std::move(outcome.memory);
  round.wake_at = outcome.wake_at;
  front_doors_ = front_doors(desired_, round.plan, std::move(front_doors_));
  round.routes = routed_instances(desired_, front_doors_, round.plan);
  round.routes_changed = !looked_ || round.routes != routes_;
  routes_ = round.routes;

  round.events = looked_ ? task_changes(observed_, observed) : std::vector<model::Event>();
  std::move(outcome.events.begin(), outcome.events.end(), std::back_inserter(round.events));
  follow_memory(before, doors_before, round);
  follow_bounces(observed, round, now);
  follow_images(round);
  follow_tells(round);
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
  in_force_.clear();
  std::copy_if(overrides_.begin(), overrides_.end(), std::back_inserter(in_force_),
               [now](const model::Override& value) { return !value.expires_at || *value.expires_at > now; });
  round.repeated = !round.plan.steps.empty() && round.plan.steps == plan_.steps;
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

// Tasks are told beside the rounds too: a task may take seconds to answer, or never do.
void Core::follow_tells(Round& round) {
  auto& steps = round.plan.steps;
  for (const model::Step& step : steps) {
    const auto* tell = std::get_if<model::TellTaskStep>(&step.action);
    if (tell != nullptr) round.tell.push_back(*tell);
  }
  std::erase_if(steps, [](const model::Step& step) {
    return std::holds_alternative<model::TellTaskStep>(step.action);
  });
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

// What is remembered of an instance is stored where it changed.
void Core::follow_memory(const plan::Memory& before, const FrontDoors& doors_before, Round& round) const {
  std::set<model::InstanceId> changed;
  const auto compare = [&](const auto& one, const auto& other) {
    for (const auto& [id, value] : one) {
      const auto it = other.find(id);
      if (it == other.end() ? value != std::decay_t<decltype(value)>{} : it->second != value)
        changed.insert(id);
    }
  };
  compare(before, memory_);
  compare(memory_, before);
  compare(doors_before, front_doors_);
  compare(front_doors_, doors_before);
  for (const model::InstanceId& id : changed) round.memories.emplace_back(id, remembered(id));
}

// Empty where there is nothing to remember.
std::string Core::remembered(const model::InstanceId& id) const {
  Json json;
  if (const auto memory = memory_.find(id); memory != memory_.end()) json = plan::to_json(memory->second);
  if (const auto door = front_doors_.find(id); door != front_doors_.end())
    json[kFrontDoor] = to_json(door->second);
  return json.is_null() ? "" : json.dump();
}

const plan::BounceMemory* Core::bounce_of(const model::InstanceId& id) const {
  const auto it = memory_.find(id);
  return it != memory_.end() && it->second.bounce ? &*it->second.bounce : nullptr;
}

// Every bounce is one record of history from its beginning to its end, whichever process sees which. So the
// records that are open are held against what is under way now, rather than this round against the last.
void Core::follow_bounces(const model::Observed& observed, Round& round, Time now) {
  end_bounces(round, now);
  for (const auto& [id, memory] : memory_) {
    if (!memory.bounce) continue;
    const plan::BounceMemory& bounce = *memory.bounce;
    const auto [it, begins] = open_bounces_.try_emplace({id, bounce.started_at});
    state::BounceRecord& record = it->second;
    const std::string outcome = bounce.stalled ? "stalled" : "running";
    if (record.outcome == outcome) continue;
    record.outcome = outcome;
    if (begins) {
      record.instance = id;
      record.revision = bounce.to;
      record.started_at = bounce.started_at;
      describe_change(desired_, observed, bounce, record);
    }
    round.bounces.push_back(record);
  }
}

void Core::end_bounces(Round& round, Time now) {
  std::set<std::string> stopped;
  for (const model::Event& event : round.events) {
    if (event.kind == "bounce_stopped") stopped.insert(event.instance);
  }
  std::erase_if(open_bounces_, [&](const auto& entry) {
    state::BounceRecord record = entry.second;
    const plan::BounceMemory* bounce = bounce_of(record.instance);
    if (bounce != nullptr && bounce->to == record.revision && bounce->started_at == record.started_at)
      return false;
    const auto memory = memory_.find(record.instance);
    const bool good = memory != memory_.end() && memory->second.last_good == record.revision;
    record.ended_at = now;
    record.outcome = bounce != nullptr                                   ? "superseded"
                     : good && !stopped.contains(record.instance.text()) ? "done"
                                                                         : "stopped";
    round.bounces.push_back(std::move(record));
    return true;
  });
}

std::vector<std::string> Core::endpoints_of(const model::Proxy& proxy) const {
  std::vector<std::string> urls;
  const std::string host = settings_.proxy_bind == "*" ? "127.0.0.1" : settings_.proxy_bind;
  if (proxy.port) urls.push_back(fmt::format("{}://{}:{}", to_text(proxy.mode), host, *proxy.port));
  for (const std::string& domain : proxy.domains) {
    urls.push_back(settings_.proxy_http_port == 80
                       ? "http://" + domain
                       : fmt::format("http://{}:{}", domain, settings_.proxy_http_port));
  }
  return urls;
}

// Adds what only this layer knows: where the front door is, and that the engine refused a step.
void Core::annotate(std::vector<model::InstanceStatus>& statuses) const {
  for (model::InstanceStatus& status : statuses) {
    if (const auto door = front_doors_.find(status.id); door != front_doors_.end()) {
      status.endpoints = endpoints_of(door->second);
    }
    const auto error = step_errors_.find(status.id);
    if (error == step_errors_.end()) continue;
    status.reason = status.reason.empty() ? error->second : error->second + "; " + status.reason;
    status.causes.insert(status.causes.begin(), model::Cause{{}, "step", error->second, {}});
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
  snapshot.overrides = in_force_;
  snapshot.plan = plan_;
  for (const auto& revision : observed_.revisions) {
    snapshot.generation = std::max(snapshot.generation, revision.generation);
  }
  for (const model::Task& task : observed_.tasks) {
    if (task.one_off) snapshot.one_off.push_back(task);
  }
  return snapshot;
}

namespace {
// What their figures are at the moment (a disk fills) is no news; who takes tasks is.
bool same_nodes(const std::vector<model::Node>& a, const std::vector<model::Node>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const model::Node& one, const model::Node& other) {
                      return one.id == other.id && one.ready == other.ready && one.draining == other.draining;
                    });
}
}  // namespace

bool same_picture(const Snapshot& a, const Snapshot& b) {
  return a.generation == b.generation && a.trouble == b.trouble && a.settled == b.settled &&
         a.shutting_down == b.shutting_down && a.released == b.released && a.isolation == b.isolation &&
         a.desired == b.desired && a.instances == b.instances && a.overrides == b.overrides &&
         a.plan == b.plan && a.one_off == b.one_off && same_nodes(a.nodes, b.nodes);
}

}  // namespace slipway::reconcile
