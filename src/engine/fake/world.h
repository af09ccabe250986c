// The fake cluster itself: nodes, revisions, tasks, and what becomes of them as time passes.
//
// A deterministic state machine without threads or locks: the same calls at the same times with the same
// random numbers give the same cluster. FakeCluster puts a mutex and a clock around it; FakeEngine speaks the
// contract in front of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/random.h"
#include "engine/fake/agenda.h"
#include "engine/fake/knobs.h"
#include "engine/fake/log.h"
#include "engine/fake/process.h"
#include "engine/health.h"
#include "engine/restart.h"
#include "model/observed.h"

namespace slipway::engine::fake {

class World {
 public:
  World(Options options, Random& random);
  World(const World&) = delete;

  // Brings the world to this instant, carrying out all that fell due before it.
  void advance(SteadyTime steady, Time wall);
  std::optional<SteadyTime> next_due() const { return agenda_.next(); }
  // Grows whenever anything that observe() tells has changed.
  uint64_t version() const { return version_; }

  // The verbs of the contract, see engine/engine.h. They take effect at the instant of the last advance().
  model::Observed observe() const;
  // As observe() tells them, without the copy; each with its revision.
  template <class Look>
  void each_task(Look look) const {
    for (const auto& [id, task] : tasks_) look(std::as_const(task->seen), std::as_const(task->revision));
  }
  Status scale(const model::Revision& revision, int count, model::Generation generation);
  Status remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks, Duration grace,
                      model::Generation generation);
  Status remove(const model::RevisionId& revision, Duration grace, model::Generation generation);
  Status run_once(const RunRequest& request);
  void collect(const model::TaskId& task, Duration grace);
  Status set_draining(const model::NodeId& node, bool draining, model::Generation generation);
  Status release();
  Status check_image(const model::Image& image) const;

  // NotFound where there is no such task.
  Result<std::shared_ptr<TaskLog>> log(const model::TaskId& task) const;
  // A process inside the task that prints through `print`. Unavailable where the task does not run.
  Result<std::unique_ptr<Process>> process_in(const ExecRequest& request,
                                              std::function<void(Stream, std::string)> print);
  bool runs(const model::TaskId& task) const;

  // What happens to a cluster.
  void set_knobs(const TaskKnobs& knobs) { knobs_ = knobs; }
  void set_knobs(const model::RevisionId& revision, const TaskKnobs& knobs) {
    revision_knobs_[revision] = knobs;
  }
  // Draws the knobs for each start of a task, in the place of its revision's: what differs from start to
  // start.
  using DrawKnobs = std::function<TaskKnobs(const model::Revision& revision, Random& random)>;
  void set_draw(DrawKnobs draw) { draw_ = std::move(draw); }
  Options& options() { return options_; }
  const Options& options() const { return options_; }
  Status kill_task(const model::TaskId& task, int signal);  // behind the engine's back
  Status set_node_ready(const model::NodeId& node, bool ready);
  // Revisions and tasks as they were seen elsewhere, to go on from there; of an empty world. Tasks that were
  // seen running run, those seen unhealthy stay so, all others begin anew on their node.
  void adopt(const model::Observed& observed);
  Files& files() { return files_; }
  // The task whose port is open and answers at this address, as a client of it would find.
  std::optional<model::TaskId> answering_at(const model::Address& address) const;

 private:
  struct Task : std::enable_shared_from_this<Task> {
    model::Task seen;
    model::Revision revision;
    std::vector<std::string> argv;
    std::map<std::string, std::string> env;
    std::unique_ptr<Process> process;  // while it runs
    Files layer;
    std::shared_ptr<TaskLog> log = std::make_shared<TaskLog>();
    uint64_t run = 0;  // counts starts and ends: what was put on the agenda for an earlier run has lapsed
    int failures = 0;  // ends in a row, for the backoff
    std::optional<HealthTally> tally;  // of the checks of this run
    std::optional<TaskKnobs> knobs;    // drawn for this start
    bool stopping = false;
    bool started_before = false;
    bool sick = false;  // seen unhealthy before it was adopted
  };
  struct RevisionState {
    model::Revision revision;
    int count = 0;
    model::Generation generation = 0;
    bool removing = false;
    std::set<model::TaskId> tasks;  // not the one-off ones
  };
  struct NodeState {
    model::Node node;
    model::Generation generation = 0;
    double used_cpus = 0;
    int64_t used_mem_mb = 0;
    int tasks = 0;
  };

  // world.cpp: counts, places.
  void reconcile(RevisionState& state);
  Task& create_task(const model::Revision& revision, const model::TaskId& id);
  void choose_and_stop(RevisionState& state, int how_many);
  NodeState* choose_node(const model::Revision& revision, std::string& why_not);
  NodeState* simply_choose(const model::TaskSpec& spec, std::string& why_not);
  void take_node(Task& task, NodeState& node);
  void place(Task& task);
  void place_pending();
  void leave_node(Task& task);
  void erase(Task& task);
  Task* find(const model::TaskId& id);

  // life.cpp: from the first start to the last exit.
  using Action = void (World::*)(Task&);
  void later(Task& task, Duration wait, Action action);
  void prepare(Task& task);
  void start(Task& task);
  void start_process(Task& task);
  void carry_on(Task& task);
  void end_by_knob(Task& task);
  void check_health(Task& task);
  std::string failing_check(Task& task);
  void set_health(Task& task, model::Health health);
  void stop(Task& task, Duration grace);
  void heed(Task& task);
  void kill(Task& task);
  void exited(Task& task, const model::Exit& exit);
  void fail_start(Task& task, const std::string& reason);
  void start_again(Task& task, const Restart& restart);
  std::optional<std::string> missing_part(const Task& task) const;
  const TaskKnobs& knobs_of(const Task& task) const;
  Surroundings surroundings_of(Task& task);
  void changed() { ++version_; }

  Options options_;
  Random& random_;
  TaskKnobs knobs_;
  std::map<model::RevisionId, TaskKnobs> revision_knobs_;
  DrawKnobs draw_;
  Agenda agenda_;
  SteadyTime steady_{};
  Time wall_{};
  std::map<model::NodeId, NodeState> nodes_;
  std::map<model::RevisionId, RevisionState> revisions_;
  std::map<model::TaskId, std::shared_ptr<Task>> tasks_;  // shared with none; the agenda knows them weakly
  std::set<model::TaskId> pending_;
  std::map<std::string, model::TaskId> by_ip_;
  uint32_t last_ip_ = 0;
  Files files_;
  uint64_t version_ = 0;
};

}  // namespace slipway::engine::fake
