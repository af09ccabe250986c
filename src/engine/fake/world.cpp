#include "engine/fake/world.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/fake/placer.h"

namespace slipway::engine::fake {
namespace {

Error stale_plan(std::string_view what, const std::string& name, model::Generation asked,
                 model::Generation seen) {
  return Error(ErrorCode::Conflict,
               fmt::format("{} {} was changed by plan {}, and plan {} is older", what, name, seen, asked));
}

model::Exit killed() {
  model::Exit exit;
  exit.signal = 9;
  return exit;
}

}  // namespace

World::World(Options options, Random& random) : options_(std::move(options)), random_(random) {
  for (const NodeOptions& option : options_.nodes) {
    model::Node node;
    node.id = model::NodeId(option.id);
    node.cpus = option.cpus;
    node.mem_mb = option.mem_mb;
    node.attributes = option.attributes;
    nodes_[node.id].node = node;
    if (options_.placer) options_.placer->node_changed(node);
  }
}

void World::advance(SteadyTime steady, Time wall) {
  while (const auto due = agenda_.next()) {
    if (*due > steady) break;
    auto [at, action] = agenda_.take();
    // What fell due while nobody looked happens at its own time, on both clocks.
    steady_ = std::max(steady_, at);
    wall_ = wall - std::chrono::floor<Duration>(steady - steady_);
    action();
  }
  steady_ = steady;
  wall_ = wall;
  place_pending();
}

model::Observed World::observe() const {
  model::Observed observed;
  observed.at = wall_;
  for (const auto& [id, state] : revisions_) {
    observed.revisions.push_back({state.revision, state.count, state.generation});
  }
  for (const auto& [id, task] : tasks_) observed.tasks.push_back(task->seen);
  for (const auto& [id, state] : nodes_) observed.nodes.push_back(state.node);
  return observed;
}

Status World::scale(const model::Revision& revision, int count, model::Generation generation) {
  if (count < 0)
    return Error(ErrorCode::Invalid, fmt::format("scale revision {} to {}", revision.id.str(), count));
  const auto [it, is_new] = revisions_.try_emplace(revision.id);
  RevisionState& state = it->second;
  if (generation < state.generation) {
    return stale_plan("revision", revision.id.str(), generation, state.generation);
  }
  state.generation = generation;
  if (is_new) state.revision = revision;
  if (is_new || state.count != count) changed();
  state.removing = false;
  state.count = count;
  reconcile(state);
  return {};
}

Status World::remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                           Duration grace, model::Generation generation) {
  const auto it = revisions_.find(revision);
  if (it == revisions_.end()) return {};
  RevisionState& state = it->second;
  if (generation < state.generation)
    return stale_plan("revision", revision.str(), generation, state.generation);
  state.generation = generation;
  for (const model::TaskId& id : tasks) {
    Task* task = find(id);
    if (!task || task->stopping || !state.tasks.contains(id)) continue;
    // A lost one is not counted any more: another has its place.
    if (task->seen.state != model::TaskState::Lost) state.count = std::max(0, state.count - 1);
    stop(*task, grace);
  }
  return {};
}

Status World::remove(const model::RevisionId& revision, Duration grace, model::Generation generation) {
  const auto it = revisions_.find(revision);
  if (it == revisions_.end()) return {};
  RevisionState& state = it->second;
  if (generation < state.generation)
    return stale_plan("revision", revision.str(), generation, state.generation);
  state.generation = generation;
  state.count = 0;
  state.removing = true;
  changed();
  const std::set<model::TaskId> tasks = state.tasks;  // a task that ends at once leaves the set
  for (const model::TaskId& id : tasks) {
    Task* task = find(id);
    if (task && !task->stopping) stop(*task, grace);
  }
  if (tasks.empty()) revisions_.erase(revision);
  return {};
}

Status World::run_once(const RunRequest& request) {
  if (request.id.empty()) return Error(ErrorCode::Invalid, "a one-off task has an id");
  if (find(request.id)) return {};
  Task& task = create_task(request.revision, request.id);
  task.seen.one_off = true;
  agenda_.add(steady_ + request.timeout, [this, id = request.id, timeout = request.timeout] {
    Task* late = find(id);
    if (!late || !late->process || late->stopping) return;
    exited(*late, killed());
    late->seen.reason = fmt::format("stopped after {}, the most it may run", to_text(timeout));
  });
  place(task);
  return {};
}

void World::collect(const model::TaskId& id, Duration grace) {
  Task* task = find(id);
  if (task && task->seen.one_off && !task->stopping) stop(*task, grace);
}

Status World::set_draining(const model::NodeId& node, bool draining, model::Generation generation) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return Error(ErrorCode::NotFound, fmt::format("no node \"{}\"", node.str()));
  NodeState& state = it->second;
  if (generation < state.generation) return stale_plan("node", node.str(), generation, state.generation);
  state.generation = generation;
  if (state.node.draining != draining) changed();
  state.node.draining = draining;
  if (options_.placer) options_.placer->node_changed(state.node);
  return {};
}

Status World::release() {
  if (tasks_.empty()) return {};
  return Error(ErrorCode::Conflict,
               fmt::format("{} tasks are left, {} among them", tasks_.size(), tasks_.begin()->first.str()));
}

Status World::check_image(const model::Image& image) const {
  if (!options_.missing.contains(image.name)) return {};
  return Error(ErrorCode::NotFound, fmt::format("there is no image {}", model::describe(image)));
}

Result<std::shared_ptr<TaskLog>> World::log(const model::TaskId& task) const {
  const auto it = tasks_.find(task);
  if (it == tasks_.end()) return Error(ErrorCode::NotFound, fmt::format("no task \"{}\"", task.str()));
  return it->second->log;
}

Status World::set_node_ready(const model::NodeId& node, bool ready) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return Error(ErrorCode::NotFound, fmt::format("no node \"{}\"", node.str()));
  it->second.node.ready = ready;
  it->second.node.reason = ready ? "" : "the node does not answer";
  if (options_.placer) options_.placer->node_changed(it->second.node);
  changed();
  std::vector<Task*> there;
  std::set<model::RevisionId> touched;
  for (const auto& [id, task] : tasks_) {
    if (task->seen.node != node) continue;
    there.push_back(task.get());
    touched.insert(task->seen.revision);
  }
  for (Task* task : there) {
    if (ready && task->seen.state == model::TaskState::Lost) {
      // It was replaced long ago; its node is told to forget it.
      erase(*task);
    } else if (!ready) {
      ++task->run;
      task->process.reset();
      task->seen.state = model::TaskState::Lost;
      task->seen.reason = fmt::format("node {} does not answer", node.str());
      set_health(*task, model::Health::Unknown);
      if (options_.placer) options_.placer->left(task->seen.id);
    }
  }
  for (const model::RevisionId& revision : touched) {
    const auto state = revisions_.find(revision);
    if (state != revisions_.end()) reconcile(state->second);
  }
  return {};
}

std::optional<model::TaskId> World::answering_at(const model::Address& address) const {
  const auto it = by_ip_.find(address.ip);
  if (it == by_ip_.end()) return std::nullopt;
  const auto task = tasks_.find(it->second);
  if (task == tasks_.end() || !task->second->process || !task->second->process->http_status())
    return std::nullopt;
  for (const model::Address& own : task->second->seen.addresses) {
    if (own.port == address.port) return it->second;
  }
  return std::nullopt;
}

bool World::runs(const model::TaskId& task) const {
  const auto it = tasks_.find(task);
  return it != tasks_.end() && it->second->process;
}

// Makes as many tasks as are wanted, or stops as many as are too many. Lost tasks do not count: they are
// replaced.
void World::reconcile(RevisionState& state) {
  int live = 0;
  for (const model::TaskId& id : state.tasks) {
    const Task& task = *tasks_.at(id);
    if (!task.stopping && task.seen.state != model::TaskState::Lost) ++live;
  }
  if (options_.placer && live < state.count) options_.placer->expect(state.revision, state.count - live);
  for (; live < state.count; ++live) {
    const model::RevisionId& revision = state.revision.id;
    const model::TaskId id(fmt::format("{}-{}-{}-{}", state.revision.instance.service,
                                       state.revision.instance.instance, revision.str().substr(0, 6),
                                       random_.token(5)));
    Task& task = create_task(state.revision, id);
    state.tasks.insert(id);
    place(task);
  }
  if (live > state.count) choose_and_stop(state, live - state.count);
}

World::Task& World::create_task(const model::Revision& revision, const model::TaskId& id) {
  auto created = std::make_shared<Task>();
  Task& task = *created;
  task.revision = revision;
  task.seen.id = id;
  task.seen.revision = revision.id;
  task.seen.instance = revision.instance;
  task.seen.created_at = wall_;
  task.argv = revision.spec.cmd ? *revision.spec.cmd : std::vector<std::string>{"fake"};
  if (!revision.spec.cmd) {
    // The entrypoint of every fake image is `fake`, with the words of `args`; without any it is a plain
    // service.
    if (revision.spec.args.empty()) task.argv = {"entrypoint"};
    task.argv.insert(task.argv.end(), revision.spec.args.begin(), revision.spec.args.end());
  }
  task.env = revision.spec.env;
  task.env.emplace("SLIPWAY_TASK", id.str());
  if (revision.spec.container_port) task.env.emplace("PORT", std::to_string(*revision.spec.container_port));
  tasks_[id] = std::move(created);
  changed();
  return task;
}

void World::choose_and_stop(RevisionState& state, int how_many) {
  std::vector<model::Task> tasks;
  for (const model::TaskId& id : state.tasks) {
    const Task& task = *tasks_.at(id);
    if (!task.stopping && task.seen.state != model::TaskState::Lost) tasks.push_back(task.seen);
  }
  for (const model::TaskId& id : choose_victims(tasks, how_many)) {
    Task& task = *tasks_.at(id);
    stop(task, task.revision.spec.stop_grace);
  }
}

// The node with the fewest tasks among those with room; ties go to the first by id.
World::NodeState* World::simply_choose(const model::TaskSpec& spec, std::string& why_not) {
  NodeState* best = nullptr;
  int not_ready = 0, draining = 0, full = 0;
  for (auto& [id, state] : nodes_) {
    const bool has_room = state.used_cpus + spec.resources.cpus <= state.node.cpus &&
                          state.used_mem_mb + spec.resources.mem_mb <= state.node.mem_mb;
    not_ready += !state.node.ready;
    draining += state.node.ready && state.node.draining;
    full += state.node.ready && !state.node.draining && !has_room;
    if (!state.node.ready || state.node.draining || !has_room) continue;
    if (!best || state.tasks < best->tasks) best = &state;
  }
  if (!best) {
    why_not =
        fmt::format("no node can take it: {} of {} not ready, {} draining, {} without {} cpus and {} MB free",
                    not_ready, nodes_.size(), draining, full, spec.resources.cpus, spec.resources.mem_mb);
  }
  return best;
}

World::NodeState* World::choose_node(const model::Revision& revision, std::string& why_not) {
  if (!options_.placer) return simply_choose(revision.spec, why_not);
  const auto chosen = options_.placer->choose(revision, why_not);
  return chosen ? &nodes_.at(*chosen) : nullptr;
}

void World::take_node(Task& task, NodeState& node) {
  task.seen.node = node.node.id;
  node.used_cpus += task.revision.spec.resources.cpus;
  node.used_mem_mb += task.revision.spec.resources.mem_mb;
  ++node.tasks;
  if (options_.placer) options_.placer->occupied(task.seen, task.revision);
}

void World::place(Task& task) {
  std::string why_not;
  NodeState* node = choose_node(task.revision, why_not);
  if (!node) {
    if (task.seen.reason != why_not) changed();
    task.seen.reason = why_not;
    pending_.insert(task.seen.id);
    return;
  }
  task.seen.reason.clear();
  take_node(task, *node);
  prepare(task);
}

void World::adopt(const model::Observed& observed) {
  for (const model::ObservedRevision& seen : observed.revisions) {
    RevisionState& state = revisions_[seen.revision.id];
    state.revision = seen.revision;
    state.count = seen.count;
    state.generation = seen.generation;
  }
  for (const model::Task& seen : observed.tasks) {
    const auto state = revisions_.find(seen.revision);
    if (seen.one_off || state == revisions_.end()) continue;
    Task& task = create_task(state->second.revision, seen.id);
    state->second.tasks.insert(seen.id);
    task.seen.created_at = seen.created_at;
    const auto node = nodes_.find(seen.node);
    if (node == nodes_.end()) {
      place(task);
      continue;
    }
    take_node(task, node->second);
    const bool runs = seen.state == model::TaskState::Running || seen.state == model::TaskState::Stopping;
    if (!runs) {
      prepare(task);
      continue;
    }
    task.sick = seen.health == model::Health::Unhealthy;
    start_process(task);
    if (!task.process) continue;
    task.seen.started_at = seen.started_at;
    task.seen.restarts = seen.restarts;
    set_health(task, seen.health);
    if (seen.healthy_since) task.seen.healthy_since = seen.healthy_since;
    if (seen.state == model::TaskState::Stopping) stop(task, task.revision.spec.stop_grace);
  }
  for (auto& [id, state] : revisions_) reconcile(state);
}

void World::place_pending() {
  const std::set<model::TaskId> waiting = std::exchange(pending_, {});
  for (const model::TaskId& id : waiting) {
    if (Task* task = find(id)) place(*task);
  }
}

void World::leave_node(Task& task) {
  const auto it = nodes_.find(task.seen.node);
  if (it == nodes_.end()) return;
  it->second.used_cpus -= task.revision.spec.resources.cpus;
  it->second.used_mem_mb -= task.revision.spec.resources.mem_mb;
  --it->second.tasks;
  if (options_.placer) options_.placer->left(task.seen.id);
}

// The last trace of a task goes; and of its revision, if that waited for it.
void World::erase(Task& task) {
  leave_node(task);
  task.log->close();
  for (const model::Address& address : task.seen.addresses) by_ip_.erase(address.ip);
  const model::RevisionId revision = task.seen.revision;
  const model::TaskId id = task.seen.id;
  pending_.erase(id);
  tasks_.erase(id);
  changed();
  const auto it = revisions_.find(revision);
  if (it == revisions_.end()) return;
  it->second.tasks.erase(id);
  if (it->second.removing && it->second.tasks.empty()) revisions_.erase(it);
}

World::Task* World::find(const model::TaskId& id) {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? nullptr : it->second.get();
}

}  // namespace slipway::engine::fake
