// Cases 3, 5, 6, 8, 10, 12 and 19: what reaches a task's process, what limits it, and how it ends.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "contract/contract.h"

namespace slipway::contract {
namespace {

using model::Observed;
using model::Task;
using model::TaskState;

std::string unhex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

// What a process says of itself with `dump`.
struct Dump {
  std::vector<std::string> argv, environ;
  std::string cwd, uid;
};

Dump parse_dump(const std::vector<std::string>& lines) {
  Dump dump;
  const auto list_of = [](const std::string& hex) {
    std::vector<std::string> words = split(unhex(hex), '\0');
    if (!words.empty() && words.back().empty()) words.pop_back();  // every entry ends with a zero byte
    return words;
  };
  for (const std::string& line : lines) {
    const size_t space = line.find(' ');
    const std::string name = line.substr(0, space), value = line.substr(space + 1);
    if (name == "argv") dump.argv = list_of(value);
    if (name == "environ") dump.environ = list_of(value);
    if (name == "cwd") dump.cwd = value;
    if (name == "uid") dump.uid = value;
  }
  return dump;
}

const std::vector<std::string> kAwkward = {"plain",
                                           "two words",
                                           "line\nbreak",
                                           "$HOME `id` $(id)",
                                           "it's \"quoted\"",
                                           "\\back\\t",
                                           "",
                                           "*?[a]",
                                           "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2"};

TEST_F(Contract, Case03CommandArgumentsAndEnvironmentArriveByteForByte) {
  model::TaskSpec spec = spec_of({});
  spec.cmd = subject().argv({"dump", "forever"}, kAwkward);
  std::map<std::string, std::string> wanted;
  for (size_t i = 0; i < kAwkward.size(); ++i) wanted[fmt::format("AWKWARD_{}", i)] = kAwkward[i];
  spec.env = wanted;
  spec.work_dir = "/usr";
  spec.user = "1234";
  const auto revision = run_tasks(spec);
  engine::LogRequest request;
  request.task = only_task(revision).id;
  request.follow = true;
  const Dump dump = parse_dump(texts_of(read_log(request, 4)));

  ASSERT_GE(dump.argv.size(), kAwkward.size());
  EXPECT_EQ(
      std::vector<std::string>(dump.argv.end() - static_cast<ptrdiff_t>(kAwkward.size()), dump.argv.end()),
      kAwkward);
  for (const auto& [name, value] : wanted) {
    EXPECT_EQ(std::ranges::count(dump.environ, name + "=" + value), 1) << name;
  }
  EXPECT_EQ(std::ranges::count(dump.environ, "SLIPWAY_TASK=" + request.task.str()), 1);
  EXPECT_EQ(dump.cwd, "/usr");
  EXPECT_EQ(dump.uid, "1234");
}

TEST_F(Contract, Case03ArgumentsFollowTheEntrypointOfAnImage) {
  if (!engine().capabilities().runs_images) GTEST_SKIP() << "the engine runs no images";
  const model::TaskSpec spec = image_spec({"dump", "forever", "--", "two words", ""});
  const auto revision = run_tasks(spec);
  engine::LogRequest request;
  request.task = only_task(revision).id;
  request.follow = true;
  const Dump dump = parse_dump(texts_of(read_log(request, 4)));
  ASSERT_GE(dump.argv.size(), 5u);
  EXPECT_EQ(std::vector<std::string>(dump.argv.end() - 5, dump.argv.end()), spec.args);
}

TEST_F(Contract, Case05ATaskBeyondItsMemoryIsKilledAndItsNeighbourIsNot) {
  if (!engine().capabilities().enforces_memory) GTEST_SKIP() << "the engine does not limit memory";
  const auto neighbour = run_tasks({"forever"}, 1, "neighbour");
  const Task before = only_task(neighbour);
  model::TaskSpec spec = spec_of({"eat 400", "forever"});
  spec.resources.mem_mb = 32;
  const auto glutton = revision_of(spec, "glutton");
  scale(glutton, 1);
  const model::Exit exit = eventual_exit(glutton);
  EXPECT_TRUE(exit.oom_killed);
  EXPECT_EQ(exit.signal, 9);
  const Task after = only_task(neighbour);
  EXPECT_EQ(after.state, TaskState::Running);
  EXPECT_EQ(after.started_at, before.started_at);
}

TEST_F(Contract, Case05ATaskGetsNoMoreCpuThanItsLimit) {
  if (!engine().capabilities().enforces_cpu) GTEST_SKIP() << "the engine does not limit cpu";
  model::TaskSpec spec = spec_of({"spin 2s", "forever"});
  spec.resources.cpus = 0.2;
  spec.resources.cpu_burst_add = 0;
  const auto revision = run_tasks(spec);
  engine::LogRequest request;
  request.task = only_task(revision).id;
  request.follow = true;
  const auto lines = texts_of(read_log(request, 1));
  ASSERT_EQ(lines.size(), 1u);
  int cpu_ms = 0, wall_ms = 0;
  ASSERT_EQ(std::sscanf(lines[0].c_str(), "cpu_ms %d wall_ms %d", &cpu_ms, &wall_ms), 2) << lines[0];
  // A fifth is the limit; the kernel accounts in slices, so a little more is possible, and half is not.
  EXPECT_LT(cpu_ms * 2, wall_ms);
}

TEST_F(Contract, Case05ATaskHasNoMoreProcessesThanItsLimit) {
  if (!engine().capabilities().enforces_pids) GTEST_SKIP() << "the engine does not limit processes";
  model::TaskSpec spec = spec_of({"fork 100", "forever"});
  spec.resources.pids = 20;
  const auto revision = run_tasks(spec);
  engine::LogRequest request;
  request.task = only_task(revision).id;
  request.follow = true;
  const auto lines = texts_of(read_log(request, 1));
  ASSERT_EQ(lines.size(), 1u);
  int forked = 0;
  ASSERT_EQ(std::sscanf(lines[0].c_str(), "forked %d", &forked), 1) << lines[0];
  EXPECT_GT(forked, 0);
  EXPECT_LT(forked, 20);
}

namespace {
// Some engines tell a death by signal N as exit code 128+N only: then both are given, and no other code is.
void expect_signal(const model::Exit& exit, int signal) {
  EXPECT_EQ(exit.signal, signal) << exit.text();
  EXPECT_EQ(exit.code.value_or(128 + signal), 128 + signal) << exit.text();
  EXPECT_FALSE(exit.oom_killed);
}
}  // namespace

TEST_F(Contract, Case06TheWaysToEndAreToldApart) {
  const auto zero = revision_of(spec_of({"exit 0"}), "zero");
  const auto three = revision_of(spec_of({"exit 3"}), "three");
  const auto fault = revision_of(spec_of({"die 11"}), "fault");
  const auto killed = run_tasks({"forever"}, 1, "killed");
  for (const auto& revision : {zero, three, fault}) scale(revision, 1);
  ASSERT_TRUE(subject().kill_behind(only_task(killed)));

  EXPECT_EQ(eventual_exit(zero), (model::Exit{0, std::nullopt, false}));
  EXPECT_EQ(eventual_exit(three), (model::Exit{3, std::nullopt, false}));
  expect_signal(eventual_exit(fault), 11);
  expect_signal(eventual_exit(killed), 9);
}

TEST_F(Contract, Case06AOneOffTaskEndsOnceAndItsExitIsKeptUntilCollected) {
  if (!engine().capabilities().one_off) GTEST_SKIP() << "the engine runs no one-off tasks";
  engine::RunRequest request;
  request.revision = revision_of(spec_of({"print did it", "exit 5"}));
  request.id = model::TaskId("contract-one-off-1");
  ASSERT_TRUE(engine().run(request, deadline()));
  ASSERT_TRUE(engine().run(request, deadline())) << "repeating the call starts nothing twice";
  EXPECT_TRUE(eventually("the one-off task to end", [&](const Observed& observed) {
    return observed.tasks.size() == 1 && observed.tasks[0].one_off && observed.tasks[0].last_exit;
  }));
  restart_control_plane();
  const Observed kept = observe();
  ASSERT_EQ(kept.tasks.size(), 1u);
  EXPECT_EQ(kept.tasks[0].id, request.id);
  EXPECT_EQ(kept.tasks[0].last_exit, (model::Exit{5, std::nullopt, false}));
  EXPECT_EQ(kept.tasks[0].restarts, 0);
  EXPECT_TRUE(kept.revisions.empty());
  engine::LogRequest log;
  log.task = request.id;
  EXPECT_EQ(texts_of(read_log(log, 1)), std::vector<std::string>{"did it"});
  ASSERT_TRUE(engine().collect(request.id, 0ms, deadline()));
  EXPECT_TRUE(
      eventually("it to be forgotten", [](const Observed& observed) { return observed.tasks.empty(); }));
}

TEST_F(Contract, Case08TheStopSignalComesFirstAndSigkillNotBeforeTheGraceIsOver) {
  const auto revision = run_tasks({"ignore got", "print ready", "forever"});
  const Task task = only_task(revision);
  const auto log = follow(task.id);
  ASSERT_TRUE(log);
  read_log(*log, [](const auto& lines) { return !lines.empty(); });
  const SteadyTime asked = subject().clock().steady_now();
  ASSERT_TRUE(engine().remove_tasks(revision.id, std::vector{task.id}, 2s, next_generation(), deadline()));
  const auto lines = texts_of(read_log(*log, [](const auto& so_far) { return !so_far.empty(); }));
  EXPECT_EQ(lines, std::vector<std::string>{"got SIGTERM"});
  EXPECT_TRUE(
      eventually("the task to be gone", [&](const Observed& o) { return tasks_of(o, revision).empty(); }));
  EXPECT_GE(subject().clock().steady_now() - asked, 2s);
}

TEST_F(Contract, Case08TheDeclaredStopSignalIsSent) {
  model::TaskSpec spec = spec_of({"heed got", "print ready", "forever"});
  spec.stop_signal = "SIGUSR1";
  const auto revision = run_tasks(spec);
  const Task task = only_task(revision);
  const auto log = follow(task.id);
  ASSERT_TRUE(log);
  read_log(*log, [](const auto& lines) { return !lines.empty(); });
  ASSERT_TRUE(engine().remove_tasks(revision.id, std::vector{task.id}, 60s, next_generation(), deadline()));
  EXPECT_EQ(texts_of(read_log(*log, [](const auto& lines) { return !lines.empty(); })),
            std::vector<std::string>{"got SIGUSR1"});
}

TEST_F(Contract, Case08ATaskThatEndsEarlyIsNotWaitedFor) {
  const auto revision = run_tasks({"heed bye", "print ready", "forever"});
  const Task task = only_task(revision);
  const auto log = follow(task.id);
  ASSERT_TRUE(log);
  read_log(*log, [](const auto& lines) { return !lines.empty(); });
  // A grace far longer than the bound on the wait below.
  ASSERT_TRUE(engine().remove_tasks(revision.id, std::vector{task.id}, 10min, next_generation(), deadline()));
  EXPECT_TRUE(
      eventually("the task to be gone", [&](const Observed& o) { return tasks_of(o, revision).empty(); }));
}

class Case10 : public Contract {
 protected:
  // Fails, with a reason that names what is missing, and without disturbing others.
  void expect_failure(const model::TaskSpec& spec, const std::string& named) {
    const auto neighbour = run_tasks({"forever"}, 1, "neighbour");
    const auto revision = revision_of(spec);
    scale(revision, 1);
    EXPECT_TRUE(eventually("a failed task whose reason names " + named, [&](const Observed& observed) {
      const auto tasks = tasks_of(observed, revision);
      return tasks.size() == 1 && tasks[0].state == TaskState::Failed &&
             tasks[0].reason.find(named) != std::string::npos;
    }));
    EXPECT_EQ(only_task(neighbour).restarts, 0);
  }
};

TEST_F(Case10, AnImageThatDoesNotExistIsNamed) {
  if (!engine().capabilities().runs_images) GTEST_SKIP() << "the engine runs no images";
  model::TaskSpec spec = spec_of({"forever"});
  spec.image = subject().missing_image();
  const Status prepared = engine().prepare(spec.image, deadline(kSoon));
  ASSERT_FALSE(prepared);
  EXPECT_NE(prepared.error().text().find(spec.image.name), std::string::npos) << prepared.error().text();
  expect_failure(spec, spec.image.name);
}

TEST_F(Case10, ACommandThatDoesNotExistIsNamed) {
  model::TaskSpec spec = spec_of({});
  spec.cmd = std::vector<std::string>{subject().missing_command()};
  expect_failure(spec, subject().missing_command());
}

TEST_F(Case10, AVolumeThatDoesNotExistIsNamed) {
  if (!engine().capabilities().volumes) GTEST_SKIP() << "the engine has no volumes";
  model::TaskSpec spec = spec_of({"forever"});
  spec.volumes = {{"/data", subject().missing_folder(), true}};
  expect_failure(spec, subject().missing_folder());
}

TEST_F(Contract, Case12AnExecutedCommandHasItsExitCodeAndItsStreams) {
  if (!engine().capabilities().exec) GTEST_SKIP() << "the engine cannot execute in tasks";
  const auto task = only_task(run_tasks({"forever"})).id;
  const Executed fine = execute(task, {"print out", "error err"});
  EXPECT_EQ(fine.exit_code, 0);
  EXPECT_EQ(fine.out, "out\n");
  EXPECT_EQ(fine.err, "err\n");
  EXPECT_EQ(execute(task, {"exit 7"}).exit_code, 7);
}

TEST_F(Contract, Case12AnExecutedCommandReadsItsInput) {
  if (!engine().capabilities().exec) GTEST_SKIP() << "the engine cannot execute in tasks";
  const auto task = only_task(run_tasks({"forever"})).id;
  std::string input;
  for (int i = 0; i < 20'000; ++i) input += fmt::format("line {}\n", i);
  const Executed echoed = execute(task, {"echo_input", "exit 3"}, input);
  EXPECT_EQ(echoed.exit_code, 3);
  EXPECT_EQ(echoed.out.size(), input.size());
  EXPECT_TRUE(echoed.out == input);
}

TEST_F(Contract, Case12ExecutingInATaskThatIsNotThereIsNotFound) {
  if (!engine().capabilities().exec) GTEST_SKIP() << "the engine cannot execute in tasks";
  engine::ExecRequest request;
  request.task = model::TaskId("no-such-task");
  request.argv = subject().argv({"exit 0"});
  const auto session = engine().exec(request, deadline());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ErrorCode::NotFound);
}

TEST_F(Contract, Case12ExecutingInATaskThatDoesNotRunIsAConflict) {
  if (!engine().capabilities().exec) GTEST_SKIP() << "the engine cannot execute in tasks";
  if (!engine().capabilities().one_off) GTEST_SKIP() << "the engine runs no one-off tasks";
  engine::RunRequest ended;
  ended.revision = revision_of(spec_of({"exit 0"}));
  ended.id = model::TaskId("contract-ended-1");
  ASSERT_TRUE(engine().run(ended, deadline()));
  EXPECT_TRUE(eventually("the one-off task to end", [&](const Observed& observed) {
    return observed.tasks.size() == 1 && observed.tasks[0].last_exit;
  }));
  engine::ExecRequest request;
  request.task = ended.id;
  request.argv = subject().argv({"exit 0"});
  const auto session = engine().exec(request, deadline());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ErrorCode::Conflict) << session.error().text();
  EXPECT_NE(session.error().text().find(ended.id.str()), std::string::npos) << session.error().text();
}

class Case19 : public Contract {
 protected:
  // How the script ends with this spec, as a one-off task.
  model::Exit exit_of(model::TaskSpec spec, const Script& script) {
    engine::RunRequest request;
    spec.cmd = subject().argv(script);
    request.revision = revision_of(spec);
    request.id = model::TaskId(fmt::format("contract-volume-{}", ++runs_));
    EXPECT_TRUE(engine().run(request, deadline()));
    model::Exit exit;
    eventually("the one-off task to end", [&](const Observed& observed) {
      for (const Task& task : observed.tasks) {
        if (task.id != request.id || !task.last_exit) continue;
        exit = *task.last_exit;
        return true;
      }
      return false;
    });
    return exit;
  }

 private:
  int runs_ = 0;
};

TEST_F(Case19, AVolumeIsWritableOrNotAsItSays) {
  if (!engine().capabilities().volumes) GTEST_SKIP() << "the engine has no volumes";
  const std::string folder = subject().folder();
  ASSERT_TRUE(subject().write_file(folder + "/from_host", "hello"));
  model::TaskSpec spec = spec_of({});
  spec.volumes = {{"/data", folder, true}};
  EXPECT_EQ(exit_of(spec, {"need /data/from_host"}).code, 0);
  EXPECT_NE(exit_of(spec, {"write /data/from_task text"}).code, 0);
  EXPECT_FALSE(subject().read_file(folder + "/from_task"));
  spec.volumes[0].read_only = false;
  EXPECT_EQ(exit_of(spec, {"write /data/from_task text"}).code, 0);
  EXPECT_EQ(subject().read_file(folder + "/from_task").value_or(""), "text");
}

TEST_F(Case19, TheRootIsPrivateAndReadOnlyWhereItIsToBe) {
  model::TaskSpec spec = spec_of({});
  EXPECT_EQ(exit_of(spec, {"write /var/contract-private text", "need /var/contract-private"}).code, 0);
  EXPECT_FALSE(subject().read_file("/var/contract-private")) << "a task's writes stay in its own layer";
  EXPECT_NE(exit_of(spec, {"need /var/contract-private"}).code, 0) << "and are not another task's";
  spec.read_only_root = true;
  EXPECT_NE(exit_of(spec, {"write /var/contract-private text"}).code, 0);
  if (!engine().capabilities().volumes) return;
  spec.volumes = {{"/data", subject().folder(), false}};
  EXPECT_EQ(exit_of(spec, {"write /data/still text"}).code, 0) << "a volume is not the root";
}

}  // namespace
}  // namespace slipway::contract
