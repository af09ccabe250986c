// An engine as a control plane meets it: down at times, out of date, deaf, or silent about what it did.
//
// Every act on it is shown to the referee, with the world before and after.
#pragma once

#include <deque>
#include <functional>

#include "sim/stage.h"

namespace slipway::sim {

class FaultyEngine final : public engine::Engine {
 public:
  // `truth` tells how the load balancer is, without any fault.
  FaultyEngine(Stage& stage, std::function<discovery::ProxyState()> truth)
      : stage_(stage), truth_(std::move(truth)), inner_(stage.cluster) {}

  // Whether the last observation was an old one.
  bool stale() const { return stale_; }

  engine::Capabilities capabilities() const override { return inner_.capabilities(); }
  Result<model::Observed> observe(Deadline deadline) override;
  void watch(std::function<void()> changed) override { inner_.watch(std::move(changed)); }
  Status scale(const model::Revision& revision, int count, model::Generation generation,
               Deadline deadline) override;
  Status remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks, Duration grace,
                      model::Generation generation, Deadline deadline) override;
  Status remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                Deadline deadline) override;
  Status run(const engine::RunRequest& request, Deadline deadline) override {
    return inner_.run(request, deadline);
  }
  Status collect(const model::TaskId& task, Duration grace, Deadline deadline) override {
    return inner_.collect(task, grace, deadline);
  }
  Result<std::unique_ptr<engine::LogReader>> logs(const engine::LogRequest& request,
                                                  Deadline deadline) override {
    return inner_.logs(request, deadline);
  }
  Result<std::unique_ptr<engine::ExecSession>> exec(const engine::ExecRequest& request,
                                                    Deadline deadline) override {
    return inner_.exec(request, deadline);
  }
  Status prepare(const model::Image& image, Deadline deadline) override;
  Status drain(const model::NodeId& node, model::Generation generation, Deadline deadline) override {
    TRY(reachable());
    ++stage_.node_changes;
    return inner_.drain(node, generation, deadline);
  }
  Status undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) override {
    TRY(reachable());
    ++stage_.node_changes;
    return inner_.undrain(node, generation, deadline);
  }
  Status release(Deadline deadline) override;

 private:
  Status reachable() const;
  Status act(const model::Action& step, model::Generation generation, const std::function<Status()>& verb);

  Stage& stage_;
  std::function<discovery::ProxyState()> truth_;
  engine::fake::FakeEngine inner_;
  std::deque<model::Observed> past_;  // some that were served, the newest last
  bool stale_ = false;
};

}  // namespace slipway::sim
