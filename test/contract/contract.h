// What all cases of the contract suite share: a fresh subject, a watch on it, and waiting that always ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "contract/subject.h"

namespace slipway::contract {

// Bounds on waiting, not on speed: generous enough for a machine that does a hundred other things.
constexpr Duration kSoon = 30s;
constexpr Duration kCall = 20s;

class Contract : public testing::Test {
 protected:
  void SetUp() override;
  // Removes all that the test started, and fails it when something cannot be removed.
  void TearDown() override;

  Subject& subject() { return *subject_; }
  engine::Engine& engine() { return subject_->engine(); }
  Deadline deadline(Duration wait = kCall) { return subject_->clock().deadline_in(wait); }
  model::Generation next_generation() { return ++generation_; }

  // A spec with this script as its command, small enough that hundreds fit on one machine.
  model::TaskSpec spec_of(const Script& script);
  // One whose image carries out the script, and is at hand. Where the engine runs images.
  model::TaskSpec image_spec(const Script& script);
  // Its revision, of an instance of this name.
  static model::Revision revision_of(const model::TaskSpec& spec, const std::string& instance = "main");
  // Scales, and fails the test when that is refused.
  void scale(const model::Revision& revision, int count);
  // One revision of this script with `count` tasks, all running.
  model::Revision run_tasks(const Script& script, int count = 1, const std::string& instance = "main");
  model::Revision run_tasks(const model::TaskSpec& spec, int count = 1, const std::string& instance = "main");

  // Observes; an empty picture and a failed test when it cannot be had.
  model::Observed observe();
  static std::vector<model::Task> tasks_of(const model::Observed& observed, const model::Revision& revision);
  // The revision's only task, as observed now.
  model::Task only_task(const model::Revision& revision);

  // Observes after each hint, and at least every 50 ms, until `reached` or the wait is over. Fails the test
  // with `what` and the last picture when it never was.
  bool eventually(const std::string& what, const std::function<bool(const model::Observed&)>& reached,
                  Duration wait = kSoon);
  bool eventually_running(const model::Revision& revision, int count, Duration wait = kSoon);
  bool eventually_healthy(const model::Revision& revision, int count);
  bool eventually_gone(const model::Revision& revision);
  // Of the revision's only task.
  bool eventually_health(const model::Revision& revision, model::Health health);
  model::Exit eventual_exit(const model::Revision& revision);

  // Reads until `enough` of the lines so far, the end of the log, or the wait is over.
  std::vector<engine::LogLine> read_log(
      engine::LogReader& reader, const std::function<bool(const std::vector<engine::LogLine>&)>& enough);
  std::vector<engine::LogLine> read_log(const engine::LogRequest& request, size_t lines);
  // Opens and follows the task's log from its first line.
  std::unique_ptr<engine::LogReader> follow(const model::TaskId& task);

  // Runs a command in the task to its end.
  struct Executed {
    int exit_code = -1;
    std::string out, err;
  };
  Executed execute(const model::TaskId& task, const Script& script, const std::string& input = "");

  void start_control_plane();
  void restart_control_plane();
  // Told that something may have changed. For tests that watch by themselves.
  void watch();

  std::unique_ptr<Subject> subject_;

 private:
  void wait_for_hint();
  void read_session(engine::ExecSession& session, Executed& executed);
  void remove_everything();

  model::Generation generation_ = 0;
  Mutex mutex_;
  Condition hinted_;
  bool hint_ GUARDED_BY(mutex_) = false;
};

// For messages: one line a task.
std::string describe(const model::Observed& observed);
std::vector<std::string> texts_of(const std::vector<engine::LogLine>& lines);

}  // namespace slipway::contract
