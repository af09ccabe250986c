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
void describe_change(const model::Desired& desired, const model::Sighting& seen,
                     const plan::BounceMemory& bounce, state::BounceRecord& record) {
  const model::Instance* instance = find_instance(desired, record.instance);
  if (instance == nullptr) return;
  const Json spec = model::to_json(instance->spec);
  record.spec = spec.dump();
  for (const auto& revision : seen.revisions) {
    if (!bounce.from.empty() && revision.revision.id == bounce.from.back())
      record.text = spec_changes(model::to_json(revision.revision.spec), spec);
  }
}

// Null where the instance is not told of.
const model::InstanceStatus* status_of(const plan::Outcome& outcome, const model::InstanceId& id) {
  const auto found = std::ranges::lower_bound(outcome.status, id, {}, &model::InstanceStatus::id);
  return found != outcome.status.end() && found->id == id ? &*found : nullptr;
}

bool is_at_rest(const model::InstanceStatus& status) {
  return status.state == model::InstanceState::Running || status.state == model::InstanceState::Stopped;
}

void put(std::set<model::InstanceId>& set, const model::InstanceId& id, bool in) {
  in ? static_cast<void>(set.insert(id)) : static_cast<void>(set.erase(id));
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
    routing.tasks.emplace_hint(routing.tasks.end(), task,
                               plan::RoutedTask{server.in, server.draining, server.sessions});
  }
  return routing;
}

void Core::set_memory(const model::InstanceId& instance, const std::string& text) {
  const auto json = Json::parse(text);
  if (!json.has_value()) return;
  auto memory = plan::instance_memory_from_json(json.value());
  if (memory.has_value()) first_memory_[instance] = std::move(memory).value();
  if (const auto proxy = proxy_from_json(json->at(kFrontDoor))) front_doors_[instance] = *proxy;
}

void Core::set_open_bounces(std::vector<state::BounceRecord> records) {
  for (state::BounceRecord& record : records) {
    const auto key = std::pair(record.instance, record.started_at);
    open_bounces_[key] = std::move(record);
  }
}

const plan::Outcome& Core::think(const model::Observed& observed, const plan::Routing& routing, Time now) {
  const plan::Inputs inputs{.desired = desired_,
                            .observed = observed,
                            .routing = routing,
                            .overrides = overrides_,
                            .images = images_,
                            .memory = memory(),
                            .restarts_tasks = settings_.restarts_tasks,
                            .shutting_down = shutting_down_,
                            .now = now,
                            .limited_room = settings_.limited_room,
                            .rebalance = settings_.rebalance,
                            .drains = drain_reports_};
  const bool own = settings_.planner == nullptr;
  const plan::Outcome& outcome = own ? planner_.decide(inputs) : settings_.planner(inputs);
  nodes_ = own ? planner_.nodes() : Shared(observed.nodes);
  return outcome;
}

Round Core::decide(const model::Observed& observed, const plan::Routing& routing, Time now) {
  // After the clock was set back, no image waits longer than it would have.
  for (auto& [name, image] : images_) image.retry_at = std::min(image.retry_at, now + kImageBackoff.maximum);
  const bool first = outcome_ == nullptr;
  outcome_ = &think(observed, routing, now);
  first_memory_.clear();
  Round round;
  round.plan.steps = outcome_->plan.steps;
  round.wake_at = outcome_->wake_at;
  follow_routes(round);
  round.routes_changed = round.routes_changed || first;
  follow_instances(routing, round, observed.at);
  follow_one_offs(observed, round, now);
  if (first) round.events.clear();  // what ran before us is no news
  round.events.insert(round.events.end(), outcome_->events.begin(), outcome_->events.end());
  follow_memory(round);
  follow_bounces(round, now);
  follow_images(round);
  follow_tells(round);
  round.drains = !draining_.empty();
  round.entering = !entering_.empty();
  round.all_gone = shutting_down_ && observed.revisions.empty() && observed.tasks.empty();

  isolation_ = observed.isolation;
  seen_at_ = observed.at;
  generation_ = 0;
  for (const auto& revision : observed.revisions) generation_ = std::max(generation_, revision.generation);
  in_force_.clear();
  std::copy_if(overrides_.begin(), overrides_.end(), std::back_inserter(in_force_),
               [now](const model::Override& value) { return !value.expires_at || *value.expires_at > now; });
  round.repeated = !round.plan.steps.empty() && round.plan.steps == plan_.steps;
  plan_ = round.plan;
  settled_ = round.plan.steps.empty() && !round.drains && unsettled_.empty();
  return round;
}

void Core::follow_routes(Round& round) {
  if (!outcome_->rerouted.empty() || !routed_desired_.is(desired_)) {
    routed_desired_ = desired_;
    FrontDoors before = front_doors_;
    front_doors_ = front_doors(*desired_, outcome_->plan, std::move(front_doors_));
    moved_doors_ = differences(before, front_doors_);
    Shared routes = routed_instances(*desired_, front_doors_, outcome_->plan);
    round.routes_changed = routes != routes_;
    routes_ = std::move(routes);
  } else {
    moved_doors_.clear();
  }
  round.routes = routes_;
}

void Core::follow_instances(const plan::Routing& routing, Round& round, Time at) {
  for (const model::InstanceId& id : outcome_->planned) {
    const model::InstanceStatus* status = status_of(*outcome_, id);
    const auto memory = outcome_->memory.find(id);
    put(draining_, id, memory != outcome_->memory.end() && !memory->second.drains.empty());
    put(entering_, id, is_entering(id, routing));
    put(unsettled_, id, status != nullptr && !is_at_rest(*status));
    const auto before = statuses_.find(id);
    if (status == nullptr) {
      if (before != statuses_.end()) statuses_.erase(before);
      continue;
    }
    static const model::Sighting kNothing;
    const model::Sighting& seen = before != statuses_.end() ? *before->second->seen : kNothing;
    std::ranges::move(task_changes(seen.tasks, status->seen->tasks, at), std::back_inserter(round.events));
    model::InstanceStatus told = *status;
    if (const auto door = front_doors_.find(id); door != front_doors_.end())
      told.endpoints = endpoints_of(door->second);
    statuses_.insert_or_assign(id, std::move(told));
  }
}

bool Core::is_entering(const model::InstanceId& id, const plan::Routing& routing) const {
  const auto routes = outcome_->plan.routes.find(id);
  if (routes == outcome_->plan.routes.end() || !front_doors_.contains(id)) return false;
  return std::ranges::any_of(routes->second, [&](const model::Route& route) {
    const auto seen = routing.tasks.find(route.task);
    const bool in = seen != routing.tasks.end() && seen->second.in;
    return route.traffic == model::Traffic::In && !in;
  });
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

void Core::follow_one_offs(const model::Observed& observed, Round& round, Time now) {
  const std::vector<model::Task> before = std::exchange(one_offs_, {});
  std::ranges::copy_if(observed.tasks, std::back_inserter(one_offs_), &model::Task::one_off);
  std::ranges::move(task_changes(before, one_offs_, observed.at), std::back_inserter(round.events));
  for (const model::Task& task : one_offs_) {
    if (task.state == model::TaskState::Stopping) continue;
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
void Core::follow_memory(Round& round) const {
  std::set<model::InstanceId> changed = moved_doors_;
  changed.insert(outcome_->memory_changes.begin(), outcome_->memory_changes.end());
  for (const model::InstanceId& id : changed) round.memories.emplace_back(id, remembered(id));
}

// Empty where there is nothing to remember.
std::string Core::remembered(const model::InstanceId& id) const {
  Json json;
  if (const auto kept = memory().find(id); kept != memory().end()) json = plan::to_json(kept->second);
  if (const auto door = front_doors_.find(id); door != front_doors_.end())
    json[kFrontDoor] = to_json(door->second);
  return json.is_null() ? "" : json.dump();
}

const plan::BounceMemory* Core::bounce_of(const model::InstanceId& id) const {
  const auto it = memory().find(id);
  return it != memory().end() && it->second.bounce ? &*it->second.bounce : nullptr;
}

// Every bounce is one record of history from its beginning to its end, whichever process sees which. So the
// records that are open are held against what is under way now, rather than this round against the last.
void Core::follow_bounces(Round& round, Time now) {
  end_bounces(round, now);
  for (const model::InstanceId& id : outcome_->planned) {
    const plan::BounceMemory* bounce = bounce_of(id);
    if (bounce == nullptr) continue;
    const auto [it, begins] = open_bounces_.try_emplace({id, bounce->started_at});
    state::BounceRecord& record = it->second;
    const std::string outcome = bounce->stalled ? "stalled" : "running";
    if (record.outcome == outcome) continue;
    record.outcome = outcome;
    if (begins) {
      record.instance = id;
      record.revision = bounce->to;
      record.started_at = bounce->started_at;
      describe_change(*desired_, *statuses_.at(id)->seen, *bounce, record);
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
    const auto kept = memory().find(record.instance);
    const bool good = kept != memory().end() && kept->second.last_good == record.revision;
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

// Adds that the engine refused a step, which nobody planned.
void Core::annotate(std::vector<Shared<model::InstanceStatus>>& statuses) const {
  for (const auto& [id, error] : step_errors_) {
    const auto found =
        std::ranges::lower_bound(statuses, id, {}, [](const auto& status) { return status->id; });
    if (found == statuses.end() || (*found)->id != id) continue;
    model::InstanceStatus status = *found;
    status.reason = status.reason.empty() ? error : error + "; " + status.reason;
    status.causes.insert(status.causes.begin(), model::Cause{{}, "step", error, {}});
    *found = std::move(status);
  }
}

Snapshot Core::snapshot(const std::string& trouble) const {
  Snapshot snapshot;
  snapshot.cluster = settings_.cluster;
  snapshot.engine = settings_.engine;
  snapshot.config_path = settings_.config_path;
  snapshot.source = source_;
  snapshot.isolation = isolation_;
  snapshot.at = seen_at_;
  snapshot.trouble = trouble;
  snapshot.settled = outcome_ != nullptr && settled_ && trouble.empty() && step_errors_.empty();
  snapshot.shutting_down = shutting_down_;
  snapshot.released = released_;
  snapshot.desired = desired_;
  snapshot.instances.reserve(statuses_.size());
  for (const auto& [id, status] : statuses_) snapshot.instances.push_back(status);
  annotate(snapshot.instances);
  snapshot.nodes = nodes_;
  snapshot.overrides = in_force_;
  snapshot.plan = plan_;
  snapshot.generation = generation_;
  snapshot.one_off = one_offs_;
  return snapshot;
}

namespace {
// What their figures are at the moment (a disk fills) is no news; who takes tasks is.
bool same_nodes(const std::vector<model::Node>& a, const std::vector<model::Node>& b) {
  return &a == &b ||
         std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const model::Node& one, const model::Node& other) {
                      return one.id == other.id && one.ready == other.ready && one.draining == other.draining;
                    });
}
}  // namespace

bool same_picture(const Snapshot& a, const Snapshot& b) {
  return a.generation == b.generation && a.trouble == b.trouble && a.settled == b.settled &&
         a.shutting_down == b.shutting_down && a.released == b.released && a.isolation == b.isolation &&
         a.source == b.source &&
         a.desired == b.desired && a.instances == b.instances && a.overrides == b.overrides &&
         a.plan == b.plan && a.one_off == b.one_off && same_nodes(*a.nodes, *b.nodes);
}

}  // namespace slipway::reconcile
