// One seed, from an empty cluster through trouble to rest: everything in one thread and in virtual time.
//
// First the scenario changes and faults strike for some minutes; then everything is mended, and what is
// wanted has to come about and stay. The referee watches throughout. The same seed and options play the same
// simulation, to the last byte of its timeline.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/fake/agenda.h"
#include "engine/fake/behaviour.h"
#include "sim/control_plane.h"
#include "sim/scenario.h"

namespace slipway::sim {

struct Options {
  ControlPlane::Planner planner = {};
  bool recording = false;  // keep the timeline
  // Ways to break what is not the planner.
  std::function<std::string(const std::string&)> recall = {};  // what a control plane reads of its memory
  bool ignores_rules = false;                                  // whoever places does not look at rules
};

struct Report {
  uint64_t seed = 0;
  Duration virtual_time{};
  int64_t rounds = 0;
  FaultTally faults{};
  std::vector<int64_t> changes;  // as Scenario::change_names()
  std::array<int64_t, kInvariants> checks{};
  std::optional<Violation> violation;
  std::vector<Entry> timeline;
};

Report simulate(uint64_t seed, const Options& options);

class Simulation {
 public:
  Simulation(uint64_t seed, const Options& options);
  Report run();

 private:
  // Planes come and go.
  ControlPlane* start_plane();
  void between(ControlPlane& plane);
  void run_round(ControlPlane& plane);
  void bury();
  ControlPlane* find(int number);
  void fetch(ControlPlane& plane, const model::Image& image);
  void call(ControlPlane& plane, const model::TellTaskStep& wish, reconcile::TaskCall what,
            std::function<void(const Status&)> done);
  void hint();

  // Trouble.
  void change();
  void tell_planes();
  void strike();
  void strike_world();
  void strike_plane();
  void node_lost();
  void set_node_ready(const model::NodeId& node, bool ready);
  void set_spares_ready(bool ready);
  void port_taken();
  void calm_down();

  // Time.
  void later(Duration wait, std::function<void()> action);
  void run_until(SteadyTime end);
  bool step(SteadyTime end);
  SteadyTime now() const { return stage_.clock.steady_now(); }
  void heal();
  Rest rest(bool quiet, std::string why);

  const uint64_t seed_;
  Options options_;
  engine::fake::Spread start_;  // of good code; before the stage, which draws with it
  Grounds grounds_;
  Stage stage_;
  FaultyProxy proxy_;
  FaultyEngine engine_;
  Scenario scenario_;
  std::unique_ptr<FaultyStore> store_;
  std::vector<std::unique_ptr<ControlPlane>> planes_;
  engine::fake::Agenda agenda_;
  bool going_down_ = false;
  bool restart_due_ = false;
  bool all_down_ = false;
  int started_ = 0;
  int64_t rounds_ = 0;
  SteadyTime last_work_{};
};

}  // namespace slipway::sim
