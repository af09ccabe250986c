// Cases 1, 2, 7, 13, 14, 15 and 20: how many tasks there are, whatever happens.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/backoff.h"
#include "contract/contract.h"

namespace slipway::contract {
namespace {

using model::Health;
using model::Observed;
using model::Task;
using model::TaskState;

// What must not change when nothing is to change.
std::set<std::string> identities(const std::vector<Task>& tasks) {
  std::set<std::string> found;
  for (const Task& task : tasks) {
    found.insert(fmt::format("{} started {} restarts {}", task.id.str(),
                             to_text(task.started_at.value_or(Time{})), task.restarts));
  }
  return found;
}

int count_of(const Observed& observed, const model::Revision& revision) {
  for (const auto& entry : observed.revisions) {
    if (entry.revision.id == revision.id) return entry.count;
  }
  return -1;
}

TEST_F(Contract, Case01ScaleFollowsTheCountFrom0To3To1To0) {
  const auto revision = revision_of(spec_of({"forever"}));
  for (const int count : {0, 3, 1, 0}) {
    scale(revision, count);
    EXPECT_TRUE(eventually_running(revision, count));
    EXPECT_EQ(count_of(observe(), revision), count);
  }
}

TEST_F(Contract, Case01ATaskWithoutAHealthCheckIsHealthyAsSoonAsItRuns) {
  const auto revision = run_tasks({"forever"});
  const Task task = only_task(revision);
  EXPECT_EQ(task.health, Health::Healthy);
  EXPECT_TRUE(task.healthy_since);
  EXPECT_TRUE(task.started_at);
  EXPECT_EQ(task.restarts, 0);
  EXPECT_FALSE(task.one_off);
  EXPECT_EQ(task.instance, revision.instance);
}

TEST_F(Contract, Case01RepeatedCallsChangeNothing) {
  const auto revision = run_tasks({"forever"}, 3);
  const auto before = identities(tasks_of(observe(), revision));
  for (int i = 0; i < 5; ++i) scale(revision, 3);
  EXPECT_TRUE(eventually_running(revision, 3));
  EXPECT_EQ(identities(tasks_of(observe(), revision)), before);
}

TEST_F(Contract, Case01ConcurrentIdenticalCallsStartNoTaskTwice) {
  const auto revision = revision_of(spec_of({"forever"}));
  const model::Generation generation = next_generation();
  // Every task that was ever there, also for a moment.
  std::set<model::TaskId> seen;
  const auto look = [&](const Observed& observed) {
    const auto tasks = tasks_of(observed, revision);
    for (const Task& task : tasks) seen.insert(task.id);
    return tasks.size() == 3 &&
           std::ranges::all_of(tasks, [](const Task& task) { return task.state == TaskState::Running; });
  };
  std::atomic<int> calling = 8;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      EXPECT_TRUE(engine().scale(revision, 3, generation, deadline()));
      --calling;
    });
  }
  while (calling > 0) look(observe());
  for (std::thread& caller : callers) caller.join();
  EXPECT_TRUE(eventually("three running tasks", look));
  const auto before = identities(tasks_of(observe(), revision));
  scale(revision, 3);
  look(observe());
  EXPECT_EQ(identities(tasks_of(observe(), revision)), before);
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(Contract, Case01AnOlderPlanIsRefusedWithConflict) {
  const auto revision = revision_of(spec_of({"forever"}));
  const model::Generation older = next_generation(), newer = next_generation();
  ASSERT_TRUE(engine().scale(revision, 1, newer, deadline()));
  EXPECT_TRUE(eventually_running(revision, 1));
  const Task task = only_task(revision);
  const std::vector victims = {task.id};

  const auto code_of = [](const Status& status) {
    return status ? ErrorCode::Internal : status.error().code();
  };
  EXPECT_EQ(code_of(engine().scale(revision, 5, older, deadline())), ErrorCode::Conflict);
  EXPECT_EQ(code_of(engine().remove_tasks(revision.id, victims, 0ms, older, deadline())),
            ErrorCode::Conflict);
  EXPECT_EQ(code_of(engine().remove(revision.id, 0ms, older, deadline())), ErrorCode::Conflict);
  EXPECT_TRUE(engine().scale(revision, 1, newer, deadline())) << "the same plan may be applied again";
  EXPECT_EQ(observe().revisions.at(0).generation, newer);
  EXPECT_EQ(identities({only_task(revision)}), identities({task}));

  restart_control_plane();
  EXPECT_EQ(code_of(engine().scale(revision, 5, older, deadline())), ErrorCode::Conflict)
      << "it is not forgotten";
}

TEST_F(Contract, Case01TasksRemovedByNameLowerTheCountOnce) {
  if (!engine().capabilities().picks_victims) GTEST_SKIP() << "the engine cannot pick victims";
  const auto revision = run_tasks({"forever"}, 3);
  const model::TaskId victim = tasks_of(observe(), revision)[1].id;
  const std::vector named = {victim, model::TaskId("no-such-task")};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(engine().remove_tasks(revision.id, named, 0ms, next_generation(), deadline()));
  }
  EXPECT_TRUE(eventually_running(revision, 2));
  const Observed observed = observe();
  EXPECT_EQ(count_of(observed, revision), 2);
  for (const Task& task : tasks_of(observed, revision)) EXPECT_NE(task.id, victim);
}

TEST_F(Contract, Case01TheUnknownIsNoError) {
  const model::RevisionId unknown("0123456789ab");
  EXPECT_TRUE(engine().remove(unknown, 0ms, next_generation(), deadline()));
  EXPECT_TRUE(
      engine().remove_tasks(unknown, std::vector{model::TaskId("x")}, 0ms, next_generation(), deadline()));
  EXPECT_TRUE(engine().collect(model::TaskId("x"), 0ms, deadline()));
}

TEST_F(Contract, Case02TwoRevisionsOfOneInstanceAreCountedApart) {
  auto new_spec = spec_of({"forever"});
  new_spec.env["VERSION"] = "2";
  const auto old_revision = run_tasks({"forever"}, 2);
  const auto new_revision = run_tasks(new_spec, 3);
  EXPECT_TRUE(eventually_running(old_revision, 2));
  scale(old_revision, 1);
  EXPECT_TRUE(eventually_running(old_revision, 1));
  EXPECT_TRUE(eventually_running(new_revision, 3));
  ASSERT_TRUE(engine().remove(old_revision.id, 0ms, next_generation(), deadline()));
  EXPECT_TRUE(eventually_gone(old_revision));
  EXPECT_TRUE(eventually_running(new_revision, 3));
  ASSERT_EQ(observe().revisions.size(), 1u);
  EXPECT_EQ(observe().revisions[0].revision, new_revision) << "the revision travels whole";
}

TEST_F(Contract, Case07ACrashingTaskIsRestartedWithGrowingDelayAndCounted) {
  if (!engine().capabilities().restarts_tasks) GTEST_SKIP() << "the engine does not restart tasks";
  const auto revision = revision_of(spec_of({"exit 1"}));
  scale(revision, 1);
  std::map<int, Time> started;  // by the count of restarts
  std::set<model::TaskId> ids;
  bool wait_was_visible = false;
  EXPECT_TRUE(eventually(
      "the third restart",
      [&](const Observed& observed) {
        for (const Task& task : tasks_of(observed, revision)) {
          ids.insert(task.id);
          if (task.started_at) started.emplace(task.restarts, *task.started_at);
          wait_was_visible |= task.next_start_at && task.last_exit && !task.reason.empty();
        }
        return started.contains(3);
      },
      60s));
  EXPECT_EQ(ids.size(), 1u) << "a restart is not another task";
  EXPECT_TRUE(wait_was_visible);
  // Only lower bounds: on a busy machine a restart comes later, but none may come before its delay is over.
  // The starts are told in wall time, which is cut to milliseconds and may be slewed while the engine waits
  // by the steady clock.
  constexpr Duration kClocks = 50ms;
  for (int restart = 1; restart <= 3; ++restart) {
    if (!started.contains(restart - 1) || !started.contains(restart)) continue;
    EXPECT_GE(started[restart] - started[restart - 1] + kClocks, Backoff{}.delay(restart))
        << "restart " << restart;
  }
}

TEST_F(Contract, Case13AnotherControlPlaneFindsTheSameTasks) {
  auto spec = spec_of({"listen", "forever"});
  spec.container_port = 8000;
  spec.net = model::NetMode::Bridge;
  spec.env["TEXT"] = "with spaces\nand \"quotes\" $HOME \xC3\xBC";
  const auto web = run_tasks(spec, 3, "web");
  const auto worker = run_tasks({"forever"}, 2, "worker");
  const Observed before = observe();
  restart_control_plane();
  EXPECT_TRUE(eventually_running(web, 3));
  EXPECT_TRUE(eventually_running(worker, 2));
  EXPECT_TRUE(eventually_healthy(web, 3));
  const Observed after = observe();
  EXPECT_EQ(identities(after.tasks), identities(before.tasks));
  EXPECT_EQ(after.revisions, before.revisions);
  for (size_t i = 0; i < before.tasks.size() && i < after.tasks.size(); ++i) {
    EXPECT_EQ(after.tasks[i].addresses, before.tasks[i].addresses);
  }
  // And it is in command of them.
  scale(web, 4);
  EXPECT_TRUE(eventually_running(web, 4));
  scale(web, 1);
  EXPECT_TRUE(eventually_running(web, 1));
}

TEST_F(Contract, Case14ATaskKilledBehindOurBackIsSeenAndReplaced) {
  if (!engine().capabilities().restarts_tasks) GTEST_SKIP() << "the engine does not restart tasks";
  const auto revision = run_tasks({"forever"}, 2);
  const Task victim = tasks_of(observe(), revision)[0];
  ASSERT_TRUE(subject().kill_behind(victim));
  // The contract's own bound: two seconds until it is known.
  EXPECT_TRUE(eventually(
      "the kill to be seen",
      [&](const Observed& observed) {
        const auto tasks = tasks_of(observed, revision);
        return std::ranges::none_of(tasks, [&](const Task& task) {
          return task.id == victim.id && task.started_at == victim.started_at &&
                 task.state == TaskState::Running;
        });
      },
      2s));
  EXPECT_TRUE(eventually_running(revision, 2));
  for (const Task& task : tasks_of(observe(), revision)) {
    if (task.id != victim.id) continue;
    EXPECT_EQ(task.restarts, 1);
    ASSERT_TRUE(task.last_exit);
    EXPECT_EQ(task.last_exit->signal, 9);
    EXPECT_FALSE(task.last_exit->oom_killed);
  }
}

TEST_F(Contract, Case15AnOutageOfTheEngineLosesNothingAndDoublesNothing) {
  const auto revision = run_tasks({"forever"}, 3);
  const auto before = tasks_of(observe(), revision);
  engine().watch({});
  subject().cut_off();
  if (subject().answers_while_cut_off()) {
    const auto blind = engine().observe(deadline());
    ASSERT_FALSE(blind) << "a part must not be passed off as the whole";
    EXPECT_EQ(blind.error().code(), ErrorCode::Unavailable);
    EXPECT_EQ(engine().scale(revision, 3, next_generation(), deadline()).error().code(),
              ErrorCode::Unavailable);
  }
  ASSERT_TRUE(subject().kill_behind(before[0]));
  // As long as the contract says; a timeout of the engine's own may take tasks for lost meanwhile.
  subject().pass(10s);
  ASSERT_TRUE(subject().reconnect());
  watch();
  const auto all_run = [&](const Observed& observed) {
    const auto tasks = tasks_of(observed, revision);
    for (const Task& task : tasks) EXPECT_NE(task.state, TaskState::Lost) << describe(observed);
    EXPECT_LE(tasks.size(), 3u) << describe(observed);
    return tasks.size() == 3 &&
           std::ranges::all_of(tasks, [](const Task& task) { return task.state == TaskState::Running; });
  };
  EXPECT_TRUE(eventually("three running tasks", all_run));
  // What it took for lost, it may find out about when it has looked around.
  subject().pass(2s);
  EXPECT_TRUE(eventually("three running tasks, still", all_run));
  const auto after = identities(tasks_of(observe(), revision));
  for (size_t i = 1; i < before.size(); ++i) {
    EXPECT_TRUE(after.contains(*identities({before[i]}).begin())) << "the others did not notice";
  }
}

TEST_F(Contract, Case20TwoHundredTasksOfTwentyRevisionsAllRun) {
  constexpr int kRevisions = 20, kTasksOfEach = 10;
  std::vector<model::Revision> revisions;
  for (int i = 0; i < kRevisions; ++i) {
    auto spec = spec_of({"forever"});
    spec.resources.cpus = 0.01;
    revisions.push_back(revision_of(spec, fmt::format("main{}", i)));
    scale(revisions.back(), kTasksOfEach);
  }
  EXPECT_TRUE(eventually(
      "200 running tasks",
      [&](const Observed& observed) {
        // Consistent at every look: no revision is missing, no task is of nobody, none is there twice.
        EXPECT_EQ(observed.revisions.size(), static_cast<size_t>(kRevisions));
        EXPECT_LE(observed.tasks.size(), static_cast<size_t>(kRevisions * kTasksOfEach));
        std::set<model::TaskId> ids;
        int running = 0;
        for (const Task& task : observed.tasks) {
          ids.insert(task.id);
          running += task.state == TaskState::Running;
          EXPECT_TRUE(std::ranges::any_of(revisions, [&](const auto& r) { return r.id == task.revision; }));
        }
        EXPECT_EQ(ids.size(), observed.tasks.size());
        return running == kRevisions * kTasksOfEach;
      },
      120s));
  for (const auto& revision : revisions)
    EXPECT_EQ(tasks_of(observe(), revision).size(), size_t{kTasksOfEach});
}

}  // namespace
}  // namespace slipway::contract
