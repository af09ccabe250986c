// The keeper: owns every revision and task of the local engine and keeps the tasks as ordered.
//
// One thread with an event loop owns all state; verbs are carried there and wait for their answer until their
// deadline. Slow work (fetching images, starting and ending containers) runs on small pools, at most one job
// a task at a time, and its result comes back to the thread. What happens to a task is decided by the pure
// functions of lifecycle.h, written to its record, and then done; so a new keeper over the same records goes
// on where a killed one stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"
#include "engine/engine.h"
#include "engine/local/disk_watch.h"
#include "engine/local/health_prober.h"
#include "engine/local/images.h"
#include "engine/local/launcher.h"
#include "engine/local/network.h"
#include "engine/local/task_record.h"
#include "io/event_loop.h"
#include "io/patient_pool.h"

namespace slipway::engine::local {

// Before a task is looked at again that could not be looked at, for want of descriptors.
constexpr Duration kLookAgain = 1s;

struct KeeperLimits {
  int starts = 4;                      // containers being started (and as many being ended) at once
  int tasks = 2000;                    // in all
  uint64_t log_bytes = 64ULL << 20;    // of one task
  uint64_t image_bytes = 20ULL << 30;  // of all unpacked images together; those in use are never removed
};

// What the keeper works with; all of it outlives the keeper.
struct KeeperParts {
  const Clock& clock;
  Random& random;
  Launcher& launcher;
  ImageStore& images;
  Network* network = nullptr;   // null: tasks share the host's network
  std::filesystem::path state;  // records and task folders
  std::string isolation;        // a warning for users; empty when tasks are isolated
  KeeperLimits limits;
};

class Keeper {
 public:
  // Takes over the tasks on record before it returns.
  static Result<std::unique_ptr<Keeper>> start(KeeperParts parts);
  // Ends the keeping and leaves the tasks running. Waits for starts and ends under way; images being prepared
  // are given up.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // The verbs of Engine, any thread.
  Result<model::Observed> observe(Deadline deadline);
  void watch(std::function<void()> changed);
  Status scale(const model::Revision& revision, int count, model::Generation generation, Deadline deadline);
  Status remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks, Duration grace,
                      model::Generation generation, Deadline deadline);
  Status remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                Deadline deadline);
  Status run(const RunRequest& request, Deadline deadline);
  Status collect(const model::TaskId& task, Duration grace, Deadline deadline);
  Status set_draining(const model::NodeId& node, bool draining, model::Generation generation,
                      Deadline deadline);

  // NotFound when there is no such task.
  Result<TaskRecord> find(const model::TaskId& task, Deadline deadline);
  // Has the network looked after now; any thread.
  void mend_network();
  // Ok when nothing is kept any more; Conflict naming what is left.
  Status check_empty(Deadline deadline);

 private:
  struct Kept {
    TaskRecord record;
    io::Fd monitor_end;  // readable when its monitor has ended; valid while one is watched
    io::EventLoop::TimerId timer =
        0;  // next start, SIGKILL, another look at it, or the end of a one-off task's time: never two of them
    bool busy = false;         // a job of it is on a pool
    bool deleting = false;     // its folder is going, and nothing must be written there any more
    bool awaits_host = false;  // not launched, for the host lacks what that takes; see check_host()
    bool unsaved = false;      // its record could not be written; tried again by maintain()
    uint64_t run = 0;          // counts launches, to tell old health reports from new ones
    uint64_t log_size = 0;     // when it was last looked at
  };
  // Runs on a pool; what it returns runs on the keeper's thread, with the task that the job was for.
  using JobEnd = std::function<void(Kept&)>;
  using Job = std::function<JobEnd()>;

  explicit Keeper(KeeperParts parts);

  template <class T>
  Result<T> ask(Deadline deadline, std::function<Result<T>()> question);
  void tell_watcher();
  Time now() const { return parts_.clock.now(); }

  // Below: the keeper's thread only.
  // keeper_adopt.cpp
  Status adopt();
  Status load_node();
  void adopt_task(TaskRecord record);
  void resume(Kept& kept);
  void resume_launch(Kept& kept, const Launched& found);
  Status finish_start(const model::TaskId& task) const;
  void resume_ended(Kept& kept);
  void sweep(const std::string& task, const Error& why);
  void adopt_revisions(std::vector<RevisionRecord> records);

  // keeper.cpp: revisions
  Status do_scale(const model::Revision& revision, int count, model::Generation generation);
  Status do_remove_tasks(const model::RevisionId& revision, const std::vector<model::TaskId>& tasks,
                         Duration grace, model::Generation generation);
  Status do_remove(const model::RevisionId& revision, Duration grace, model::Generation generation);
  Status do_run(const RunRequest& request);
  Status save(const RevisionRecord& record);
  void reconcile(const RevisionRecord& revision);
  std::vector<model::Task> counted_tasks(const model::RevisionId& revision) const;
  int wanted_tasks() const;
  void forget_if_gone(const model::RevisionId& revision);
  model::Observed snapshot() const;

  // keeper_task.cpp: the life of one task
  Kept& keep(TaskRecord record);
  void save(Kept& kept);
  void start_job(io::WorkerPool* pool, Kept& kept, Job job);
  void launch(Kept& kept, bool image_ready = false);
  Status ready_to_launch(Kept& kept);
  Result<std::vector<model::Address>> addresses_of(const TaskRecord& record) const;
  Job launch_job(const Kept& kept, bool image_ready);
  void launched(Kept& kept, const Launched& result);
  void launch_failed(Kept& kept, const Error& error);
  void await_host(Kept& kept, const Error& error);
  void prepare_image(Kept& kept);
  void image_prepared(const std::string& image, const Status& result);
  void follow_run(Kept& kept);
  Status watch_monitor(Kept& kept);
  void watch_run(const Kept& kept);
  void watch_health(const Kept& kept);
  void unwatch_run(const model::TaskId& task);
  void unwatch_monitor(Kept& kept);
  void monitor_ended(Kept& kept);
  void clean_up(Kept& kept);
  void schedule_start(Kept& kept);
  void start_due(Kept& kept);
  void time_is_over(Kept& kept);
  void schedule_time_limit(Kept& kept);
  void stop(Kept& kept, Duration grace);
  void signal_stop(Kept& kept, Duration grace);
  int stop_signal(const model::TaskSpec& spec) const;
  void kill(Kept& kept);
  void destroy(Kept& kept);
  void destroyed(const model::TaskId& task, const Status& result);
  void set_timer(Kept& kept, Duration wait, void (Keeper::*then)(Kept&));
  void clear_timer(Kept& kept);
  Kept* find_kept(const model::TaskId& task);
  void take_report(const HealthReport& report);
  void take_disk_report(const model::TaskId& task, uint64_t run, uint64_t used);
  std::optional<Status> check_command(const ProbeTarget& target);
  Status run_check(const ProbeTarget& target);

  // keeper_upkeep.cpp: what is due from time to time
  void rotate_logs();
  void maintain();
  void ensure_network();
  void check_host();
  void host_checked();
  void collect_images();

  const KeeperParts parts_;
  const RecordStore records_;
  const std::string boot_id_;
  const model::NodeId node_;

  Mutex watcher_mutex_;
  std::function<void()> watcher_ GUARDED_BY(watcher_mutex_);

  std::map<model::RevisionId, RevisionRecord> revisions_;
  std::map<model::TaskId, Kept> tasks_;
  std::map<std::string, std::vector<model::TaskId>> preparing_;  // by description of the image
  bool draining_ = false;
  model::Generation node_generation_ = 0;
  bool stopping_ = false;  // no new job is begun
  int upkeep_rounds_ = 0;

  io::EventLoop loop_;
  std::thread thread_;
  std::unique_ptr<HealthProber> prober_;
  std::unique_ptr<DiskWatch> disk_;          // null where tasks have no layers of their own
  std::unique_ptr<io::WorkerPool> starts_;   // launches
  std::unique_ptr<io::WorkerPool> ends_;     // cleaning up after processes, deleting tasks
  std::unique_ptr<io::PatientPool> pulls_;   // of images that a task turns out to lack
  std::unique_ptr<io::PatientPool> builds_;  // likewise; one that hangs keeps no pull waiting
  std::unique_ptr<io::WorkerPool> upkeep_;   // the network and the runtime; no image keeps these waiting
  std::unique_ptr<io::WorkerPool> sweeps_;   // removing images: as long as a disk takes
};

}  // namespace slipway::engine::local
