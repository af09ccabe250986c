// What people do in a simulation: the files of a cluster and how they change, what is overridden, and which
// nodes are drained.
//
// Drawn from the seed. To add a change, write a function and name it in kChanges (scenario.cpp).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "model/instance.h"
#include "model/override.h"
#include "sim/grounds.h"
#include "sim/timeline.h"
#include "state/store.h"

namespace slipway::sim {

class Scenario {
 public:
  // All is borrowed and outlives it.
  struct Parts {
    const Clock& clock;
    Timeline& timeline;
    engine::Engine& engine;
    const Grounds& grounds;
  };
  Scenario(uint64_t seed, Parts parts);

  // What the files say now.
  model::Desired desired() const;
  // One change of the files, of the overrides or of a node.
  void change(state::Store& store);
  // All files are whole, all code is good, and nothing is held back any more; what is stopped or scaled stays
  // so, and so do some of the drained nodes.
  void mend(state::Store& store);

  const std::vector<model::Instance>& instances() const { return instances_; }
  // How often each change was made, by its name.
  static std::vector<std::string> change_names();
  const std::vector<int64_t>& changes() const { return changes_; }

 private:
  friend struct ChangeTable;

  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  Duration seconds(uint64_t low, uint64_t high) {
    return Duration(static_cast<int64_t>(1000 * (low + random_.below(high - low + 1))));
  }
  model::Instance draw_instance(const std::string& service, const std::string& name, int port);
  model::Instance& any() { return instances_[random_.below(instances_.size())]; }
  void draw_bounce(model::Bounce& bounce);
  void draw_drain(model::Instance& instance);
  void draw_health(model::TaskSpec& spec);
  void draw_placement(const model::InstanceId& id, model::TaskSpec& spec);
  void new_version(model::Instance& instance, std::string_view behaviour);
  void put(state::Store& store, model::Override value);

  // Changes.
  void good_version(state::Store& store);
  void some_version(state::Store& store);
  void scale(state::Store& store);
  void settings(state::Store& store);
  void stop_or_start(state::Store& store);
  void remove_or_add(state::Store& store);
  void break_or_mend(state::Store& store);
  void override_one(state::Store& store);
  void freeze(state::Store& store);
  void lift(state::Store& store);
  void other_rules(state::Store& store);
  void drain_or_undrain(state::Store& store);
  bool set_draining(state::Store& store, const model::NodeId& node, bool draining);

  SeededRandom random_;
  const Clock& clock_;
  Timeline& timeline_;
  engine::Engine& engine_;
  const Grounds& grounds_;
  std::set<model::NodeId> drained_;
  std::vector<int64_t> changes_;
  std::vector<model::Instance> instances_;
  std::set<model::InstanceId> removed_;
  std::set<std::string> broken_;
  int version_ = 0;
};

}  // namespace slipway::sim
