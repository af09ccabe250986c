// One engine as the contract suite sees it: how to start and stop its control plane, how to phrase a workload
// for it, and how to look at what it does from the outside. Each engine under test links one implementation.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"

namespace slipway::contract {

// What a workload does, in words that every subject can carry out; the fake engine's Program
// (engine/fake/program.h) documents them, and tool.cpp is the same language as a real program. Beyond those
// two:
//   spin DURATION   burn CPU for so long, then print "cpu_ms N wall_ms M"
//   fork N          try to have N children at once, then print "forked M"
using Script = std::vector<std::string>;

// One thread.
class Subject {
 public:
  virtual ~Subject() = default;

  virtual std::string name() const = 0;
  virtual const Clock& clock() const = 0;

  // The control plane: one engine object on the state that the last one left. engine() is valid while it is
  // up.
  virtual Status start() = 0;
  virtual void stop() = 0;
  virtual engine::Engine& engine() = 0;
  // Between the two no verb reaches the engine, whose tasks go on. Where the engine has no API that could
  // fail, its object is gone meanwhile.
  virtual void cut_off() { stop(); }
  virtual Status reconnect() { return start(); }
  // This much time passes for the engine, and for clock(): at once where the engine's time is made up.
  virtual void pass(Duration time) = 0;
  // Whether verbs can be called while cut off, and must answer Unavailable.
  virtual bool answers_while_cut_off() const { return false; }

  // The argv that carries out the script; `arguments` follow it and mean nothing to it.
  virtual std::vector<std::string> argv(const Script& script,
                                        const std::vector<std::string>& arguments = {}) = 0;
  // An image whose entrypoint carries out the script that it gets as arguments. Where the engine runs images.
  virtual Result<model::Image> image() = 0;
  // Names of things that do not exist.
  virtual model::Image missing_image() = 0;
  virtual std::string missing_command() = 0;
  virtual std::string missing_folder() = 0;

  // A folder of the machine that tasks can have as a volume, empty at first; and its files, by their host
  // paths.
  virtual std::string folder() = 0;
  virtual Status write_file(const std::string& path, const std::string& text) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  virtual Result<std::string> read_file(const std::string& path) = 0;

  // Who answers at the address: the id of its task. Unavailable where nobody does.
  virtual Result<std::string> ask(const model::Address& address) = 0;
  // SIGKILL to the task's processes, as an administrator would send it.
  virtual Status kill_behind(const model::Task& task) = 0;
  // The node stops answering, tasks and all, and comes back. Where the engine has several.
  virtual Status lose_node(const model::NodeId& node) { return no_nodes(node); }
  virtual Status return_node(const model::NodeId& node) { return no_nodes(node); }
  // Everything on the machine that an engine could leave behind, one entry each.
  virtual std::set<std::string> traces() = 0;
  // What this process holds open, one entry each. Where the engine is in this process.
  virtual std::set<std::string> handles() { return {}; }

 private:
  static Status no_nodes(const model::NodeId& node) {
    return Error(ErrorCode::Invalid, "node " + node.str() + " is the only one");
  }
};

// Of the engine that this test program is about; `cluster` keeps several on one machine apart. An Error skips
// the suite, and says what is missing on this machine.
Result<std::unique_ptr<Subject>> make_subject(const std::string& cluster);

}  // namespace slipway::contract
