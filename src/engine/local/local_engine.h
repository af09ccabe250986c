// The local engine: containers on this machine, without any other daemon.
//
// crun or runc start them below conmon, which outlives us; so tasks survive the death of the control plane,
// and the next LocalEngine over the same state directory takes them over. See keeper.h for who decides and
// launcher.h for how a container comes to be. Without root, tasks are plain processes (isolation none), which
// observe() says loudly.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "engine/engine.h"

namespace slipway::engine::local {

struct LocalOptions {
  std::string cluster =
      "local";                  // keeps clusters on one machine apart, each with a state directory of its own
  std::filesystem::path state;  // all of the engine's files are below <state>/engine
  std::string isolation = "auto";  // auto (containers for root, else none) | container | none
  std::string runtime = "auto";    // auto | crun | runc
  uint64_t log_bytes = 64ULL << 20;
  uint64_t image_bytes = 20ULL << 30;
  int max_tasks = 2000;
  int starts = 4;       // at once
  std::string program;  // the slipway binary, for isolation none; empty: /proc/self/exe
};

class LocalEngine final : public Engine {
 public:
  // Sets up runtime and network, and takes over the tasks on record. A machine without a container runtime,
  // conmon or a firewall program is no error: tasks that need it fail to start, naming what is missing, and
  // are started once it is there. Conflict when another process has this state directory; Forbidden when
  // containers are asked for without root; Invalid for an option that means nothing.
  static Result<std::unique_ptr<LocalEngine>> create(LocalOptions options, const Clock& clock,
                                                     Random& random);
  // Tasks go on. Waits for starts and stops under way, which take a moment; images being pulled or built are
  // given up.
  ~LocalEngine() override;

  Capabilities capabilities() const override;
  Result<model::Observed> observe(Deadline deadline) override;
  void watch(std::function<void()> changed) override;
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
  void cancel_prepares() override;
  Status drain(const model::NodeId& node, model::Generation generation, Deadline deadline) override;
  Status undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) override;
  Status release(Deadline deadline) override;

  // The machine's ports that tasks on the bridge are to reach, whatever its firewall says of others: the
  // proxy's. Any thread; does not wait for it.
  void let_tasks_reach(const std::set<int>& ports);

 private:
  struct Parts;
  explicit LocalEngine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace slipway::engine::local
