// The fake engine as a subject of the contract suite, with the real clock: the same waits as for any other
// engine, but that time can be made to jump.
#include <atomic>
#include <csignal>

#include "contract/subject.h"
#include "engine/fake/fake_engine.h"

namespace slipway::contract {
namespace {

using engine::fake::FakeCluster;
using engine::fake::FakeEngine;
using engine::fake::World;

// The machine's clock, ahead of it.
class JumpingClock final : public Clock {
 public:
  Time now() const override { return machine_.now() + ahead_.load(); }
  SteadyTime steady_now() const override { return machine_.steady_now() + ahead_.load(); }
  void jump(Duration time) { ahead_ = ahead_.load() + time; }

 private:
  SystemClock machine_;
  std::atomic<Duration> ahead_ = Duration::zero();
};

class FakeSubject final : public Subject {
 public:
  FakeSubject() {
    engine::fake::Options options;
    options.live = true;
    options.nodes.clear();
    for (const char* id : {"node-1", "node-2", "node-3"}) {
      options.nodes.emplace_back();
      options.nodes.back().id = id;
    }
    options.missing = {missing_image().name, missing_command(), missing_folder()};
    cluster_ = std::make_shared<FakeCluster>(clock_, random_, options);
  }

  std::string name() const override { return "fake"; }
  const Clock& clock() const override { return clock_; }
  Status start() override {
    engine_ = std::make_unique<FakeEngine>(cluster_);
    return {};
  }
  void stop() override { engine_.reset(); }
  engine::Engine& engine() override { return *engine_; }

  void cut_off() override { set_outage(true); }
  Status reconnect() override {
    set_outage(false);
    return {};
  }
  void pass(Duration time) override {
    clock_.jump(time);
    cluster_->with([](World&) {});  // what has fallen due is done
  }
  bool answers_while_cut_off() const override { return true; }

  std::vector<std::string> argv(const Script& script, const std::vector<std::string>& arguments) override {
    std::vector<std::string> words = {"fake"};
    words.insert(words.end(), script.begin(), script.end());
    if (!arguments.empty()) words.emplace_back("--");
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }
  Result<model::Image> image() override {
    return model::Image{model::ImageKind::Reference, "docker://example/contract:1", ""};
  }
  model::Image missing_image() override {
    return model::Image{model::ImageKind::Reference, "docker://example/missing:1", ""};
  }
  std::string missing_command() override { return "/no/such/command"; }
  std::string missing_folder() override { return "/no/such/folder"; }

  std::string folder() override { return "/host/folder"; }
  Status write_file(const std::string& path, const std::string& text) override {
    cluster_->with([&](World& world) { world.files()[path] = text; });
    return {};
  }
  Status remove_file(const std::string& path) override {
    cluster_->with([&](World& world) { world.files().erase(path); });
    return {};
  }
  Result<std::string> read_file(const std::string& path) override {
    return cluster_->with([&](World& world) -> Result<std::string> {
      const auto found = world.files().find(path);
      if (found == world.files().end()) return Error(ErrorCode::NotFound, path);
      return found->second;
    });
  }

  Result<std::string> ask(const model::Address& address) override {
    const auto task = cluster_->with([&](World& world) { return world.answering_at(address); });
    if (!task) return Error(ErrorCode::Unavailable, "nobody answers at " + address.text());
    return task->str();
  }
  Status kill_behind(const model::Task& task) override {
    return cluster_->with([&](World& world) { return world.kill_task(task.id, SIGKILL); });
  }
  Status lose_node(const model::NodeId& node) override {
    return cluster_->with([&](World& world) { return world.set_node_ready(node, false); });
  }
  Status return_node(const model::NodeId& node) override {
    return cluster_->with([&](World& world) { return world.set_node_ready(node, true); });
  }
  std::set<std::string> traces() override {
    return cluster_->with([](World& world) {
      std::set<std::string> found;
      const model::Observed all = world.observe();
      for (const auto& revision : all.revisions) found.insert("revision " + revision.revision.id.str());
      for (const auto& task : all.tasks) found.insert("task " + task.id.str());
      return found;
    });
  }

 private:
  void set_outage(bool outage) {
    engine::fake::ApiKnobs knobs;
    knobs.outage = outage;
    cluster_->set_api(knobs);
  }

  JumpingClock clock_;
  SystemRandom random_;
  std::shared_ptr<FakeCluster> cluster_;
  std::unique_ptr<FakeEngine> engine_;
};

}  // namespace

Result<std::unique_ptr<Subject>> make_subject(const std::string&) {
  return std::make_unique<FakeSubject>();
}

}  // namespace slipway::contract
