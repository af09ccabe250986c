// The thin shell around Core: observe, plan, apply, again and again.
//
// One control thread (the event loop's) owns the Core. A round is two hops on a driver thread: look (engine
// and load balancer), then, after the Core has decided, carry out (store, routes, steps); at most one round
// is under way, and whatever is reported meanwhile collapses into one more. Images are prepared and files
// compiled on a pool of their own, because they may take minutes. Nothing here decides anything.
//
// Everything handed in must outlive the Loop, which stops its threads when destroyed; running tasks stay.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/random.h"
#include "config/config.h"
#include "discovery/proxy.h"
#include "engine/engine.h"
#include "io/event_loop.h"
#include "io/patient_pool.h"
#include "reconcile/applier.h"
#include "reconcile/control.h"
#include "reconcile/core.h"
#include "reconcile/files.h"
#include "reconcile/journal.h"
#include "reconcile/task_teller.h"
#include "state/store.h"

namespace slipway::reconcile {

struct LoopParts {
  io::EventLoop& loop;
  engine::Engine& engine;
  discovery::Proxy& proxy;
  state::Store& store;
  const Clock& clock;
  Random& random;
};

class Loop final : public Control {
 public:
  // `ended` is called on the control thread when `shut_down` has come to its end.
  Loop(LoopParts parts, const config::ClusterConfig& cluster, std::function<void()> ended);
  ~Loop() override;

  // Control thread: reads the store, compiles the files, starts the first round. An error where the store or
  // the tree cannot be read at all. Goes on with a `down` that an earlier process was told of.
  Status start();

  std::shared_ptr<const Snapshot> snapshot() const override;
  std::shared_ptr<const Snapshot> wait_for_change(uint64_t seen, Deadline deadline) const override;
  Status put_override(const model::Override& value, Deadline deadline) override;
  Status remove_override(const model::InstanceId& instance, model::OverrideKind kind,
                         Deadline deadline) override;
  Status set_draining(const NodeDrain& order, Deadline deadline) override;
  Result<std::vector<model::Event>> events(int64_t after, int limit, const std::string& subject) override;
  Result<std::vector<model::Event>> recent_events(int limit, const std::string& subject) override;
  Result<std::vector<state::BounceRecord>> bounces(const model::InstanceId& instance, int limit) override;
  Result<std::unique_ptr<engine::LogReader>> logs(const engine::LogRequest& request,
                                                  Deadline deadline) override;
  Result<std::unique_ptr<engine::ExecSession>> exec(const engine::ExecRequest& request,
                                                    Deadline deadline) override;
  Result<model::TaskId> run(const model::InstanceId& instance, const std::vector<std::string>& argv,
                            Deadline deadline) override;
  Status collect(const model::TaskId& task, Deadline deadline) override;
  void reload() override;
  void shut_down(bool keep_tasks) override;

 private:
  struct Look {
    Result<model::Observed> observed;
    Result<discovery::ProxyState> proxy;
  };

  // Control thread.
  void request_round(Duration delay);
  void begin_round();
  void decide(const Look& look);
  void finish_round(const Carried& carried);
  void next_round(const Round& round);
  void end_shutdown();
  void prepare(const model::Image& image);
  Result<std::unique_ptr<Files>> open_files();
  void take_files(FilesLook look);
  // Empty: it is over. Says it when it changes; the snapshot tells it until then.
  void set_trouble(const std::string& area, const std::string& what);
  void note_stored(const Status& stored);
  void publish();

  // Any thread, with the store locked.
  Status apply_overrides();
  void announce(model::Event event);
  void post_stored(const Status& stored);

  // Driver thread.
  Look look();
  Status may_act();

  LoopParts parts_;
  config::ClusterConfig cluster_;
  std::function<void()> ended_;

  // Control thread only.
  Core core_;
  bool round_running_ = false;
  bool round_wanted_ = false;
  std::optional<io::EventLoop::TimerId> timer_;
  Time timer_at_{};
  std::map<std::string, std::string> troubles_;  // by area: "engine", "proxy", ...
  int failed_stores_ = 0;                        // in a row
  Time store_again_at_{};                        // of the next try, while the store cannot be written

  // Shared: the store (and what is on its way into it) is used from one thread at a time; the snapshot is
  // replaced whole.
  mutable std::mutex store_mutex_;
  Journal journal_;
  Applier applier_;
  std::optional<state::Claim> claim_;  // none where the disk was full when it was asked for
  mutable std::mutex snapshot_mutex_;
  mutable std::condition_variable snapshot_changed_;
  std::shared_ptr<const Snapshot> snapshot_;

  // Last, so that they stop before what their tasks use.
  TaskTeller teller_;
  std::unique_ptr<io::PatientPool> pulls_;  // of images: minutes, and for ever where a registry hangs
  std::unique_ptr<io::PatientPool>
      builds_;  // apart, for they are slower, and any service's Dockerfile may hang
  std::unique_ptr<Files> files_;
  std::unique_ptr<io::WorkerPool> driver_;
};

}  // namespace slipway::reconcile
