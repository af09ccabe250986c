// The engine contract in front of a fake cluster: for tests, simulations, and `engine: fake`, which shows
// what a configuration would do without running anything.
#pragma once

#include <memory>
#include <optional>

#include "base/mutex.h"
#include "engine/engine.h"
#include "engine/fake/cluster.h"

namespace slipway::engine::fake {

// Thread-safe, as every engine. What runs is in the cluster, so that another FakeEngine on the same cluster
// finds it: that is the restart of a control plane.
class FakeEngine final : public Engine {
 public:
  explicit FakeEngine(std::shared_ptr<FakeCluster> cluster) : cluster_(std::move(cluster)) {}
  // With a cluster of its own.
  FakeEngine(const Clock& clock, Random& random, Options options = {})
      : FakeEngine(std::make_shared<FakeCluster>(clock, random, std::move(options))) {}
  ~FakeEngine() override { cluster_->watch(this, {}); }

  FakeCluster& cluster() { return *cluster_; }

  Capabilities capabilities() const override;
  Result<model::Observed> observe(Deadline deadline) override;
  void watch(std::function<void()> changed) override { cluster_->watch(this, std::move(changed)); }
  Status scale(const model::Revision& revision, int count, model::Generation generation,
               Deadline deadline) override;
  Status remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks, Duration grace,
                      model::Generation generation, Deadline deadline) override;
  Status remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                Deadline deadline) override;
  Status run(const RunRequest& request, Deadline deadline) override;
  Status collect(const model::TaskId& task, Duration grace, Deadline deadline) override;
  Result<std::unique_ptr<LogReader>> logs(const LogRequest& request, Deadline deadline) override;
  Result<std::unique_ptr<ExecSession>> exec(const ExecRequest& request, Deadline deadline) override;
  Status prepare(const model::Image& image, Deadline deadline) override;
  Status drain(const model::NodeId& node, model::Generation generation, Deadline deadline) override;
  Status undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) override;
  Status release(Deadline deadline) override;

 private:
  Status reachable(Deadline deadline) const;
  Status change(std::string_view attempt, Deadline deadline, const std::function<Status(World&)>& verb);

  std::shared_ptr<FakeCluster> cluster_;
  Mutex mutex_;
  std::optional<model::Observed> last_seen_ GUARDED_BY(mutex_);  // repeated while the snapshot is stale
};

}  // namespace slipway::engine::fake
