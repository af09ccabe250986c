// A control plane in memory, for tests of the API: what is put in comes out.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "reconcile/control.h"

namespace slipway::api {

// Lines that a test may go on adding while they are read. Thread-safe.
class FakeLog {
 public:
  void add(engine::LogLine line) {
    const Lock lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  void end() {
    const Lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  friend class FakeLogReader;
  Mutex mutex_;
  Condition changed_;
  std::vector<engine::LogLine> lines_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;
};

class FakeLogReader final : public engine::LogReader {
 public:
  FakeLogReader(std::shared_ptr<FakeLog> log, engine::LogRequest request, const Clock& clock)
      : log_(std::move(log)), request_(std::move(request)), clock_(clock) {
    const Lock lock(log_->mutex_);
    if (!request_.tail) return;
    const auto tail = static_cast<size_t>(*request_.tail);
    if (log_->lines_.size() > tail) next_ = log_->lines_.size() - tail;
  }

  Result<std::vector<engine::LogLine>> read(Duration wait) override {
    const Deadline deadline = clock_.deadline_in(wait);
    const Lock lock(log_->mutex_);
    const auto news = [&] { return next_ < log_->lines_.size() || log_->ended_; };
    while (request_.follow && !news() && !deadline.passed(clock_.steady_now())) {
      log_->changed_.wait_until(log_->mutex_, deadline.at);
    }
    std::vector<engine::LogLine> lines;
    for (; next_ < log_->lines_.size() && lines.size() < 1000; ++next_) {
      const engine::LogLine& line = log_->lines_[next_];
      const bool wanted = line.stream == engine::Stream::Out ? request_.out : request_.err;
      if (wanted && (!request_.since || line.at >= *request_.since)) lines.push_back(line);
    }
    return lines;
  }
  bool ended() const override {
    const Lock lock(log_->mutex_);
    return next_ == log_->lines_.size() && (!request_.follow || log_->ended_);
  }

 private:
  const std::shared_ptr<FakeLog> log_;
  const engine::LogRequest request_;
  const Clock& clock_;
  size_t next_ = 0;
};

// Runs "cat": what is written comes back on standard output until the input ends; then it exits with 3. A
// resize is told on standard error.
class FakeExec final : public engine::ExecSession {
 public:
  explicit FakeExec(const Clock& clock) : clock_(clock) {}
  Result<std::optional<Chunk>> read(Duration wait) override {
    const Deadline deadline = clock_.deadline_in(wait);
    const Lock lock(mutex_);
    while (output_.empty() && !input_ended_ && !deadline.passed(clock_.steady_now())) {
      changed_.wait_until(mutex_, deadline.at);
    }
    if (output_.empty()) return std::optional<Chunk>();
    Chunk chunk = std::move(output_.front());
    output_.pop_front();
    return std::optional<Chunk>(std::move(chunk));
  }
  Status write(std::string_view input) override {
    say({engine::Stream::Out, std::string(input)});
    return {};
  }
  Status close_input() override {
    const Lock lock(mutex_);
    input_ended_ = true;
    changed_.notify_all();
    return {};
  }
  void resize(int rows, int columns) override {
    say({engine::Stream::Err, std::to_string(rows) + "x" + std::to_string(columns)});
  }
  bool finished() const override {
    const Lock lock(mutex_);
    return input_ended_ && output_.empty();
  }
  int exit_code() const override { return 3; }

 private:
  void say(Chunk chunk) {
    const Lock lock(mutex_);
    output_.push_back(std::move(chunk));
    changed_.notify_all();
  }

  const Clock& clock_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<Chunk> output_ GUARDED_BY(mutex_);
  bool input_ended_ GUARDED_BY(mutex_) = false;
};

class FakeControl final : public reconcile::Control {
 public:
  explicit FakeControl(const Clock& clock) : clock_(clock) {}

  // Publishes a changed copy of the last snapshot under the next sequence.
  template <class Change>
  void publish(Change change) {
    const Lock lock(mutex_);
    publish_locked(change);
  }
  void add_event(model::Event event) {
    {
      const Lock lock(mutex_);
      event.id = static_cast<int64_t>(events_.size()) + 1;
      events_.push_back(std::move(event));
    }
    publish([](reconcile::Snapshot&) {});
  }
  std::shared_ptr<FakeLog> log(const std::string& task) {
    const Lock lock(mutex_);
    auto& log = logs_[task];
    if (!log) log = std::make_shared<FakeLog>();
    return log;
  }
  std::vector<std::string> calls() const {
    const Lock lock(mutex_);
    return calls_;
  }
  std::vector<state::BounceRecord> history;  // set before the server starts

  std::shared_ptr<const reconcile::Snapshot> snapshot() const override {
    const Lock lock(mutex_);
    return snapshot_;
  }
  std::shared_ptr<const reconcile::Snapshot> wait_for_change(uint64_t seen,
                                                             Deadline deadline) const override {
    const Lock lock(mutex_);
    while (snapshot_->sequence <= seen && !deadline.passed(clock_.steady_now())) {
      changed_.wait_until(mutex_, deadline.at);
    }
    return snapshot_;
  }

  Status put_override(const model::Override& value, Deadline) override {
    publish([&](reconcile::Snapshot& snapshot) {
      drop(snapshot, value.instance, value.kind);
      snapshot.overrides.push_back(value);
      change_status(snapshot, value.instance,
                    [&](model::InstanceStatus& status) { status.overrides.push_back(value); });
    });
    return {};
  }
  Status set_draining(const reconcile::NodeDrain& order, Deadline) override {
    note((order.draining ? "drain " : "undrain ") + order.node.str() + " by " + order.owner +
         (order.reason.empty() ? "" : ": " + order.reason));
    publish([&](reconcile::Snapshot& snapshot) {
      std::vector<model::Node> nodes = *snapshot.nodes;
      for (auto& node : nodes) {
        if (node.id == order.node) node.draining = order.draining;
      }
      snapshot.nodes = std::move(nodes);
    });
    return {};
  }
  Status remove_override(const model::InstanceId& instance, model::OverrideKind kind, Deadline) override {
    publish([&](reconcile::Snapshot& snapshot) { drop(snapshot, instance, kind); });
    return {};
  }

  Result<std::vector<model::Event>> events(int64_t after, int limit, const std::string& subject) override {
    const Lock lock(mutex_);
    std::vector<model::Event> found;
    for (const model::Event& event : events_) {
      const bool fits =
          subject.empty() || event.instance == subject || event.instance.starts_with(subject + ".");
      if (event.id > after && fits && found.size() < static_cast<size_t>(limit)) found.push_back(event);
    }
    return found;
  }
  Result<std::vector<model::Event>> recent_events(int limit, const std::string& subject) override {
    auto all = events(0, 1 << 30, subject);
    if (all->size() > static_cast<size_t>(limit)) all->erase(all->begin(), all->end() - limit);
    return all;
  }
  Result<std::vector<state::BounceRecord>> bounces(const model::InstanceId& instance, int limit) override {
    std::vector<state::BounceRecord> found;
    for (const auto& record : history) {
      if (record.instance == instance && found.size() < static_cast<size_t>(limit)) found.push_back(record);
    }
    return found;
  }

  Result<std::unique_ptr<engine::LogReader>> logs(const engine::LogRequest& request, Deadline) override {
    return std::unique_ptr<engine::LogReader>(
        std::make_unique<FakeLogReader>(log(request.task.str()), request, clock_));
  }
  Result<std::unique_ptr<engine::ExecSession>> exec(const engine::ExecRequest& request, Deadline) override {
    if (request.argv.front() != "cat")
      return Error(ErrorCode::NotFound, "no such command: " + request.argv.front());
    return std::unique_ptr<engine::ExecSession>(std::make_unique<FakeExec>(clock_));
  }
  Result<model::TaskId> run(const model::InstanceId& instance, const std::vector<std::string>& argv,
                            Deadline) override {
    model::Task task;
    task.id = model::TaskId(instance.service + "-" + instance.instance + "-run-1");
    task.instance = instance;
    task.one_off = true;
    task.reason = argv.empty() ? "its own command" : argv.front();
    publish([&](reconcile::Snapshot& snapshot) { snapshot.one_off.push_back(task); });
    return task.id;
  }
  Status collect(const model::TaskId& task, Deadline) override {
    publish([&](reconcile::Snapshot& snapshot) {
      std::erase_if(snapshot.one_off, [&](const model::Task& one) { return one.id == task; });
    });
    note("collect " + task.str());
    return {};
  }
  uint64_t reload() override {
    note("reload");
    return 1;
  }
  void shut_down(bool keep_tasks) override { note(keep_tasks ? "shut down, keep" : "shut down"); }

 private:
  static void drop(reconcile::Snapshot& snapshot, const model::InstanceId& instance,
                   model::OverrideKind kind) {
    std::erase_if(snapshot.overrides,
                  [&](const model::Override& one) { return one.instance == instance && one.kind == kind; });
    change_status(snapshot, instance, [&](model::InstanceStatus& status) {
      std::erase_if(status.overrides, [&](const model::Override& one) { return one.kind == kind; });
    });
  }
  template <class Change>
  static void change_status(reconcile::Snapshot& snapshot, const model::InstanceId& instance, Change change) {
    for (auto& shared : snapshot.instances) {
      if (shared->id != instance) continue;
      model::InstanceStatus status = shared;
      change(status);
      shared = std::move(status);
    }
  }
  template <class Change>
  void publish_locked(Change change) REQUIRES(mutex_) {
    auto next = std::make_shared<reconcile::Snapshot>(*snapshot_);
    change(*next);
    ++next->sequence;
    snapshot_ = std::move(next);
    changed_.notify_all();
  }
  void note(std::string call) {
    const Lock lock(mutex_);
    calls_.push_back(std::move(call));
  }

  const Clock& clock_;
  mutable Mutex mutex_;
  mutable Condition changed_;
  std::shared_ptr<const reconcile::Snapshot> snapshot_ GUARDED_BY(mutex_) =
      std::make_shared<reconcile::Snapshot>();
  std::vector<model::Event> events_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<FakeLog>> logs_ GUARDED_BY(mutex_);
  std::vector<std::string> calls_ GUARDED_BY(mutex_);
};

}  // namespace slipway::api
