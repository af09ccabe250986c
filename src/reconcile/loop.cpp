#include "reconcile/loop.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/text.h"
#include "io/parallel.h"

namespace slipway::reconcile {

namespace {

constexpr std::string_view kArea = "reconcile";
// A look or a step that takes longer has failed; the next round tries again.
constexpr Duration kEngineTimeout = 30s;
constexpr Duration kProxyTimeout = 10s;
// A build or a pull may be large; after this it counts as failed and is tried again with backoff.
constexpr Duration kPrepareTimeout = 20min;
// A pull mostly waits for a registry, a build mostly takes the processor. Either may hang for all of its
// time: then others wait for its place for two minutes, as long as fewer hang than there are threads.
constexpr io::PatientLimits kPulls{.places = 3};
constexpr io::PatientLimits kBuilds{.places = 2};
// Without any hint: often enough that a lost hint is no disaster, seldom enough to cost nothing.
constexpr Duration kIdleInterval = 5s;
// While something enters or drains, the load balancer is asked whether it serves, and its sessions.
constexpr Duration kDrainInterval = 100ms;
// Hints come in bursts (every task of a bounce reports): gathered for this long into one round.
constexpr Duration kGather = 10ms;
constexpr Duration kFailureInterval = 1s;
// While the store cannot be written. Rounds go on meanwhile: healing needs no store.
constexpr Backoff kStoreBackoff{1s, 10s};
// Between the last word and the end: whoever asked for the end, or follows it, still gets its answer.
constexpr Duration kFarewell = 200ms;

// The areas of trouble.
constexpr const char* kEngine = "engine";
constexpr const char* kProxy = "proxy";
constexpr const char* kState = "state";
constexpr const char* kConfig = "config";
constexpr const char* kCompiled = "compiled configuration";
constexpr const char* kRelease = "release";

std::string text_of(const Status& status) {
  return status.has_value() ? "" : status.error().text();
}

CoreSettings core_settings(const config::ClusterConfig& cluster, const engine::Capabilities& capabilities) {
  CoreSettings settings;
  settings.cluster = cluster.cluster;
  settings.engine = capabilities.name;
  settings.config_path = cluster.config.string();
  settings.restarts_tasks = capabilities.restarts_tasks;
  settings.limited_room = capabilities.limited_room;
  settings.rebalance = cluster.rebalance;
  settings.proxy_bind = cluster.proxy.bind;
  settings.proxy_http_port = cluster.proxy.http_port;
  return settings;
}

}  // namespace

Loop::Loop(LoopParts parts, const config::ClusterConfig& cluster, std::function<void()> ended)
    : parts_(parts),
      cluster_(cluster),
      ended_(std::move(ended)),
      core_(core_settings(cluster, parts.engine.capabilities())),
      journal_(parts.store),
      applier_({parts.engine, parts.proxy, parts.store, journal_, store_mutex_, parts.clock},
               [this] { return may_act(); }),
      snapshot_(std::make_shared<const Snapshot>(core_.snapshot("starting"))),
      teller_(parts.engine, parts.loop, parts.clock, [this] { request_round(0ms); }),
      pulls_(std::make_unique<io::PatientPool>(kPulls, parts.clock)),
      builds_(std::make_unique<io::PatientPool>(kBuilds, parts.clock)),
      driver_(std::make_unique<io::WorkerPool>(1, 16)) {}

Loop::~Loop() {
  parts_.engine.watch({});
  parts_.engine.cancel_prepares();
  driver_.reset();
  files_.reset();
  builds_.reset();
  pulls_.reset();
}

Status Loop::start() {
  {
    const std::lock_guard lock(store_mutex_);
    const auto claim = parts_.store.claim();
    if (claim.has_value()) claim_ = claim.value();
    if (!claim.has_value()) log::warning(kArea, "{}", claim.error().text());
    core_.set_overrides(TRY_CONTEXT(parts_.store.overrides(), "read the overrides"));
    for (const auto& [instance, text] : TRY_CONTEXT(parts_.store.memories(), "read the planner's memory")) {
      core_.set_memory(instance, text);
    }
    core_.set_open_bounces(TRY(parts_.store.open_bounces()));
    if (TRY(parts_.store.going_down())) {
      log::info(kArea, "going on with taking everything down");
      core_.set_shutting_down();
    }
  }
  files_ = TRY(open_files());
  FilesLook first = TRY_CONTEXT(files_->start(), "read the config tree");
  core_.set_source(std::move(first.source));
  if (first.desired) core_.set_desired(std::move(*first.desired));
  publish();
  parts_.engine.watch([this] { parts_.loop.post([this] { request_round(kGather); }); });
  parts_.loop.post([this] {
    request_round(0ms);
    files_->follow();
  });
  return {};
}

Result<std::unique_ptr<Files>> Loop::open_files() {
  auto source = TRY(config::open_source(cluster_, parts_.clock));
  std::unique_ptr<config::CompiledStore> store;
  if (!cluster_.state.empty()) store = std::make_unique<config::CompiledStore>(cluster_.state / "compiled");
  config::TreeOptions options;
  options.folder = cluster_.config;
  options.cluster = cluster_.cluster;
  options.holders = core_.doors();
  options.threads = io::usable_cores();
  return std::make_unique<Files>(parts_.loop, parts_.clock, std::move(source), std::move(store),
                                 std::move(options), [this](FilesLook look) { take_files(std::move(look)); });
}

// ---- rounds
// -----------------------------------------------------------------------------------------------------

// An earlier wish wins; a later one is covered by the round before it.
void Loop::request_round(Duration delay) {
  if (round_running_) {
    round_wanted_ = round_wanted_ || delay <= kGather;
    return;
  }
  const Time at = parts_.clock.now() + delay;
  if (timer_) {
    if (timer_at_ <= at) return;
    parts_.loop.cancel(*timer_);
  }
  timer_at_ = at;
  timer_ = parts_.loop.after(delay, [this] {
    timer_.reset();
    begin_round();
  });
}

void Loop::begin_round() {
  round_running_ = true;
  round_wanted_ = false;
  const Status submitted = driver_->submit([this] {
    auto seen = std::make_shared<Look>(look());
    parts_.loop.post([this, seen] { decide(*seen); });
  });
  if (submitted.has_value()) return;
  log::error(kArea, "begin a round: {}", submitted.error().text());
  round_running_ = false;
  request_round(kFailureInterval);
}

Loop::Look Loop::look() {
  auto observed = parts_.engine.observe(parts_.clock.deadline_in(kEngineTimeout));
  auto proxy = parts_.proxy.observe(parts_.clock.deadline_in(kProxyTimeout));
  return Look{std::move(observed), std::move(proxy)};
}

void Loop::decide(const Look& look) {
  if (!look.observed.has_value()) {
    set_trouble(kEngine, look.observed.error().text());
    publish();
    round_running_ = false;
    request_round(kFailureInterval);
    return;
  }
  set_trouble(kEngine, "");
  const model::Observed& observed = look.observed.value();
  core_.set_drain_reports(teller_.reports());
  Round round = core_.decide(observed, routing_from(look.proxy, core_.routes()), parts_.clock.now());
  for (const model::Image& image : round.prepare) prepare(image);
  teller_.follow(round.tell, observed);
  if (round.all_gone) {
    end_shutdown();
    return;
  }
  // A load balancer that died, or a port that may have become free, does not show in the routes.
  const bool in_step = look.proxy.has_value() && look.proxy->in_step;
  const bool store_again = failed_stores_ > 0 && parts_.clock.now() >= store_again_at_;
  if (round.idle() && in_step && !troubles_.contains(kProxy) && !store_again) {
    core_.clear_step_errors();  // the step that failed is wanted no more
    publish();
    next_round(round);
    return;
  }
  model::Generation seen = 0;
  for (const auto& revision : observed.revisions) seen = std::max(seen, revision.generation);
  const Status submitted = driver_->submit([this, round = std::move(round), seen]() mutable {
    auto carried = std::make_shared<Carried>(applier_.carry_out(std::move(round), seen));
    parts_.loop.post([this, carried] { finish_round(*carried); });
  });
  if (!submitted.has_value()) {
    log::error(kArea, "carry out a round: {}", submitted.error().text());
    round_running_ = false;
    request_round(kFailureInterval);
  }
}

// On the driver thread. Who cannot tell goes on: a disk that fails takes the state from nobody.
Status Loop::may_act() {
  const std::lock_guard lock(store_mutex_);
  if (!claim_) return {};
  const Status mine = parts_.store.still_mine(*claim_);
  if (!mine.has_value() && mine.error().code() == ErrorCode::Conflict) return mine;
  return {};
}

void Loop::finish_round(const Carried& carried) {
  if (carried.halted) {
    // For ever: the round that is "running" lets no other begin, and whoever took over does the work.
    set_trouble(kState, carried.halted->text());
    publish();
    return;
  }
  note_stored(carried.stored);
  bool failed = !carried.proxy.has_value();
  set_trouble(kProxy, failed ? carried.proxy.error().text() : carried.proxy->trouble);
  core_.clear_step_errors();
  for (const auto& [instance, result] : carried.steps) {
    if (result.has_value()) continue;
    failed = true;
    log::warning(kArea, "{}", result.error().text());
    core_.step_failed(instance, result.error().text());
  }
  publish();
  if (failed) {
    round_running_ = false;
    request_round(kFailureInterval);
    return;
  }
  // What was just done shows in the next observation, and may allow the next step at once.
  const bool new_steps = !carried.round.plan.steps.empty() && !carried.round.repeated;
  round_wanted_ = round_wanted_ || new_steps || carried.round.routes_changed;
  next_round(carried.round);
}

void Loop::next_round(const Round& round) {
  round_running_ = false;
  Duration wait = round.drains || round.entering ? kDrainInterval : kIdleInterval;
  const Time now = parts_.clock.now();
  if (round.wake_at) wait = std::clamp(*round.wake_at - now, kGather, wait);
  if (failed_stores_ > 0) wait = std::clamp(store_again_at_ - now, kGather, wait);
  request_round(round_wanted_ ? kGather : wait);
}

// ---- images and files
// -----------------------------------------------------------------------------------------

void Loop::prepare(const model::Image& image) {
  log::info(kArea, "prepare {}", model::describe(image));
  io::PatientPool& pool = image.kind == model::ImageKind::Build ? *builds_ : *pulls_;
  const Status submitted = pool.submit([this, image] {
    Status result = parts_.engine.prepare(image, parts_.clock.deadline_in(kPrepareTimeout));
    parts_.loop.post([this, image, result] {
      if (!result.has_value())
        log::warning(kArea, "prepare {}: {}", model::describe(image), result.error().text());
      core_.image_prepared(image, result, parts_.clock.now());
      request_round(0ms);
    });
  });
  if (!submitted.has_value()) core_.image_prepared(image, submitted, parts_.clock.now());
}

void Loop::take_files(FilesLook look) {
  // A tree that cannot be read at all (unmounted, renamed) is no wish to stop everything: the last one stays.
  set_trouble(kConfig, text_of(look.read));
  set_trouble(kCompiled, text_of(look.stored));
  core_.set_source(std::move(look.source));
  if (look.desired) core_.set_desired(std::move(*look.desired));
  if (look.desired) {
    request_round(0ms);
  } else {
    publish();
  }
}

void Loop::reload() {
  parts_.loop.post([this] { files_->reload(); });
}

// ---- the end
// ---------------------------------------------------------------------------------------------------

void Loop::shut_down(bool keep_tasks) {
  if (!keep_tasks) {
    // Before the answer: whoever heard it may rely on it, though we be killed the next moment. A disk that is
    // full is no reason to stay up.
    const std::lock_guard lock(store_mutex_);
    journal_.note_going_down(true);
    post_stored(journal_.write());
  }
  parts_.loop.post([this, keep_tasks] {
    if (keep_tasks) {
      log::info(kArea, "the control plane ends; its tasks go on");
      parts_.loop.after(kFarewell, ended_);
      return;
    }
    log::info(kArea, "shutting down: every task is drained and stopped");
    core_.set_shutting_down();
    parts_.engine.cancel_prepares();
    publish();
    request_round(0ms);
  });
}

void Loop::end_shutdown() {
  const Status submitted = driver_->submit([this] {
    Status stopped = parts_.proxy.stop(parts_.clock.deadline_in(kProxyTimeout)).context("stop the proxy");
    Status released =
        parts_.engine.release(parts_.clock.deadline_in(kEngineTimeout)).context("release the engine");
    const Status outcome = stopped.has_value() ? released : stopped;
    parts_.loop.post([this, outcome] {
      set_trouble(kRelease, text_of(outcome));
      if (outcome.has_value()) {
        core_.set_released();
        publish();
        parts_.loop.after(kFarewell, ended_);
        return;
      }
      publish();
      round_running_ = false;
      request_round(kFailureInterval);
    });
  });
  if (submitted.has_value()) return;
  round_running_ = false;
  request_round(kFailureInterval);
}

// ---- what the API asks (any thread)
// -----------------------------------------------------------------------------

void Loop::set_trouble(const std::string& area, const std::string& what) {
  const std::string before = std::exchange(troubles_[area], what);
  if (what.empty()) troubles_.erase(area);
  if (what == before) return;
  if (what.empty()) {
    log::info(kArea, "{}: it works again", area);
  } else {
    log::warning(kArea, "{}: {}", area, what);
  }
}

void Loop::note_stored(const Status& stored) {
  set_trouble(kState, text_of(stored));
  const Time now = parts_.clock.now();
  if (stored.has_value()) {
    failed_stores_ = 0;
  } else if (failed_stores_ == 0 || now >= store_again_at_) {
    // Rounds that have something to do try more often than that, which makes nothing worse.
    store_again_at_ = now + kStoreBackoff.delay(++failed_stores_);
  }
}

void Loop::post_stored(const Status& stored) {
  parts_.loop.post([this, stored] {
    note_stored(stored);
    publish();
  });
}

void Loop::publish() {
  std::vector<std::string> troubles;
  for (const auto& [area, what] : troubles_) troubles.push_back(area + ": " + what);
  Snapshot fresh = core_.snapshot(join(troubles, "; "));
  const std::lock_guard lock(snapshot_mutex_);
  fresh.sequence = snapshot_->sequence + (same_picture(fresh, *snapshot_) ? 0 : 1);
  snapshot_ = std::make_shared<const Snapshot>(std::move(fresh));
  snapshot_changed_.notify_all();
}

std::shared_ptr<const Snapshot> Loop::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

std::shared_ptr<const Snapshot> Loop::wait_for_change(uint64_t seen, Deadline deadline) const {
  std::unique_lock lock(snapshot_mutex_);
  snapshot_changed_.wait_until(lock, deadline.at, [&] { return snapshot_->sequence > seen; });
  return snapshot_;
}

namespace {
// As in the events; those of the whole cluster name no instance.
std::string subject_of(const model::InstanceId& instance) {
  return instance == model::InstanceId() ? "" : instance.text();
}

Status known_instance(const Snapshot& snapshot, const model::InstanceId& id) {
  for (const model::InstanceStatus& status : snapshot.instances) {
    if (status.id == id) return {};
  }
  for (const model::Instance& instance : snapshot.desired->instances) {
    if (instance.id == id) return {};
  }
  return Error(ErrorCode::NotFound, "there is no instance " + id.text());
}
}  // namespace

Status Loop::put_override(const model::Override& value, Deadline) {
  if (value.kind != model::OverrideKind::Freeze) TRY(known_instance(*snapshot(), value.instance));
  std::string until = value.expires_at ? " until " + to_text(*value.expires_at) : "";
  std::string what(to_text(value.kind));
  if (value.kind == model::OverrideKind::Scale) what += fmt::format(" to {}", value.count);
  const std::lock_guard lock(store_mutex_);
  TRY(parts_.store.put_override(value));
  announce({0, value.created_at, subject_of(value.instance), "override",
            fmt::format("{} by {}{}{}", what, value.owner, until,
                        value.reason.empty() ? "" : ": " + value.reason)});
  return apply_overrides();
}

Status Loop::remove_override(const model::InstanceId& instance, model::OverrideKind kind, Deadline) {
  const std::lock_guard lock(store_mutex_);
  TRY(parts_.store.remove_override(instance, kind));
  announce(
      {0, parts_.clock.now(), subject_of(instance), "override", fmt::format("{} lifted", to_text(kind))});
  return apply_overrides();
}

Status Loop::set_draining(const NodeDrain& order, Deadline deadline) {
  model::Generation generation = 0;
  {
    const std::lock_guard lock(store_mutex_);
    generation = TRY(parts_.store.next_generation(snapshot()->generation));
  }
  // Without the lock: a round may need the store while the engine takes its time.
  TRY(order.draining ? parts_.engine.drain(order.node, generation, deadline)
                     : parts_.engine.undrain(order.node, generation, deadline));
  {
    const std::lock_guard lock(store_mutex_);
    announce({0, parts_.clock.now(), "", order.draining ? "node_drain" : "node_undrain",
              fmt::format("node {} {} by {}{}", order.node.str(),
                          order.draining ? "is drained" : "takes tasks again", order.owner,
                          order.reason.empty() ? "" : ": " + order.reason)});
  }
  parts_.loop.post([this] { request_round(0ms); });
  return {};
}

// The change itself is stored already: an event that cannot be is no reason to call it a failure.
void Loop::announce(model::Event event) {
  journal_.note_event(std::move(event));
  post_stored(journal_.write());
}

Status Loop::apply_overrides() {
  std::vector<model::Override> overrides = TRY(parts_.store.overrides());
  parts_.loop.post([this, overrides = std::move(overrides)] {
    core_.set_overrides(overrides);
    request_round(0ms);
  });
  return {};
}

Result<std::vector<model::Event>> Loop::events(int64_t after, int limit, const std::string& subject) {
  const std::lock_guard lock(store_mutex_);
  return parts_.store.events(after, limit, subject);
}

Result<std::vector<model::Event>> Loop::recent_events(int limit, const std::string& subject) {
  const std::lock_guard lock(store_mutex_);
  return parts_.store.recent_events(limit, subject);
}

Result<std::vector<state::BounceRecord>> Loop::bounces(const model::InstanceId& instance, int limit) {
  const std::lock_guard lock(store_mutex_);
  return parts_.store.bounces(instance, limit);
}

Result<std::unique_ptr<engine::LogReader>> Loop::logs(const engine::LogRequest& request, Deadline deadline) {
  return parts_.engine.logs(request, deadline);
}

Result<std::unique_ptr<engine::ExecSession>> Loop::exec(const engine::ExecRequest& request,
                                                        Deadline deadline) {
  return parts_.engine.exec(request, deadline);
}

Result<model::TaskId> Loop::run(const model::InstanceId& id, const std::vector<std::string>& argv,
                                Deadline deadline) {
  const auto now = snapshot();
  for (const model::Instance& instance : now->desired->instances) {
    if (instance.id != id) continue;
    model::TaskSpec spec = instance.spec;
    if (!argv.empty()) {
      spec.cmd = argv;
      spec.args.clear();
    }
    spec.health = {};
    const model::TaskId task(fmt::format("{}-{}-run-{}", id.service, id.instance, parts_.random.token(6)));
    // The engine gets its image, however long that takes; the task tells.
    TRY(parts_.engine.run({model::make_revision(id, spec), task, 24h}, deadline));
    return task;
  }
  return Error(ErrorCode::NotFound, "there is no instance " + id.text());
}

Status Loop::collect(const model::TaskId& task, Deadline deadline) {
  return parts_.engine.collect(task, 10s, deadline);
}

}  // namespace slipway::reconcile
