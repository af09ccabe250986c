// Plain processes under conmon, as a control plane without root runs them. This test program answers to
// `internal process-runtime` itself, as slipway does, which is why it brings its own main().
#include "engine/local/process_runtime.h"

#include <csignal>
#include <poll.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/local/launcher.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

class ProcessRuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status found = runtime_.look(deadline());
    if (!found) GTEST_SKIP() << found.error().text();
    launcher_ =
        Launcher::create({.state = state_.path(), .cluster = "test", .runtime = runtime_}, clock_).value();
  }
  void TearDown() override {
    if (!launcher_) return;
    EXPECT_TRUE(launcher_->destroy(task_, "", deadline()));
    EXPECT_FALSE(io::exists(launcher_->paths(task_).folder));
    EXPECT_TRUE(launcher_->release());
  }
  Deadline deadline() const { return clock_.deadline_in(30s); }

  Result<Launched> launch(const std::vector<std::string>& cmd) {
    spec_.cmd = cmd;
    spec_.env["GREETING"] = "hello world";
    const model::Revision revision = model::make_revision({"shop", "web"}, spec_);
    return launcher_->launch({task_, revision, nullptr, "", {}}, deadline());
  }
  std::string log() { return *io::read_file(launcher_->paths(task_).log()); }
  // The number that the task writes as its first line.
  pid_t written_pid() {
    const std::string mark = "stdout F ";
    const Deadline patience = deadline();
    while (log().find(mark) == std::string::npos && !patience.passed(clock_.steady_now()))
      ::poll(nullptr, 0, 1);
    const size_t at = log().find(mark);
    return at == std::string::npos ? 0 : std::stoi(log().substr(at + mark.size()));
  }

  SystemClock clock_;
  io::TemporaryDirectory state_ = io::TemporaryDirectory::create().value();
  HostRuntime runtime_{{state_.path(), RuntimeKind::Process, "auto", ""}, clock_};
  model::TaskId task_{"process-" + std::to_string(::getpid())};
  model::TaskSpec spec_;
  std::unique_ptr<Launcher> launcher_;
};

TEST_F(ProcessRuntimeTest, RunsTheCommandAndTellsItsExitCode) {
  const Result<Launched> launched =
      launch({"sh", "-c", "echo \"$GREETING $SLIPWAY_TASK\"; echo bad >&2; exit 3"});
  ASSERT_TRUE(launched) << launched.error().text();
  ASSERT_TRUE(wait_for_end(launched->supervisor, clock_, deadline()));
  EXPECT_EQ(*io::read_file(launcher_->paths(task_).exit_file(task_)), "3");
  EXPECT_NE(log().find("stdout F hello world " + task_.str()), std::string::npos) << log();
  EXPECT_NE(log().find("stderr F bad"), std::string::npos) << log();
}

TEST_F(ProcessRuntimeTest, NamesACommandThatDoesNotExist) {
  const Result<Launched> launched = launch({"no-such-command"});
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code(), ErrorCode::NotFound) << launched.error().text();
  EXPECT_NE(launched.error().text().find("no-such-command"), std::string::npos) << launched.error().text();
}

// Nothing in them tells whose they are: neither parent, nor session, nor environment.
constexpr const char* kRunaway = "(setsid env -i sh -c 'echo $$; exec sleep 1000' &) ; ";

TEST_F(ProcessRuntimeTest, StopsProcessesThatLeftTheirSession) {
  const Result<Launched> launched = launch({"sh", "-c", std::string(kRunaway) + "exec sleep 1000"});
  ASSERT_TRUE(launched) << launched.error().text();
  EXPECT_EQ(launcher_->find(task_)->container, launched->container);
  const pid_t runaway = written_pid();
  EXPECT_EQ(::kill(runaway, 0), 0);
  const Status stopped = launcher_->stop(task_, "", deadline());
  ASSERT_TRUE(stopped) << stopped.error().text();
  EXPECT_FALSE(is_alive(launched->container));
  EXPECT_FALSE(is_alive(launched->supervisor));
  EXPECT_FALSE(io::process_start_time(runaway)) << "a zombie at most";
  EXPECT_EQ(*io::read_file(launcher_->paths(task_).exit_file(task_)), "137");
}

TEST_F(ProcessRuntimeTest, ProgramThatEndsLeavesNothingBehind) {
  const Result<Launched> launched =
      launch({"sh", "-c", std::string(kRunaway) + "trap 'exit 5' TERM; while :; do sleep 0.01; done"});
  ASSERT_TRUE(launched) << launched.error().text();
  const pid_t runaway = written_pid();
  EXPECT_TRUE(io::process_start_time(runaway));
  ASSERT_TRUE(signal_process(launched->container, SIGTERM));
  ASSERT_TRUE(wait_for_end(launched->supervisor, clock_, deadline()));
  EXPECT_EQ(*io::read_file(launcher_->paths(task_).exit_file(task_)), "5") << "signals are passed on";
  EXPECT_FALSE(io::process_start_time(runaway));
}

TEST_F(ProcessRuntimeTest, KillEndsTheProgramAndWhatItStarted) {
  const Result<Launched> launched = launch({"sh", "-c", std::string(kRunaway) + "exec sleep 1000"});
  ASSERT_TRUE(launched) << launched.error().text();
  const pid_t runaway = written_pid();
  ASSERT_TRUE(launcher_->kill(launched->container));
  ASSERT_TRUE(wait_for_end(launched->supervisor, clock_, deadline()));
  EXPECT_EQ(*io::read_file(launcher_->paths(task_).exit_file(task_)), "137");
  EXPECT_FALSE(io::process_start_time(runaway));
}

TEST_F(ProcessRuntimeTest, RunsCommandsWithTheTasksEnvironment) {
  ASSERT_TRUE(launch({"sleep", "1000"}));
  ExecOptions options;
  options.argv = {"sh", "-c", "echo $GREETING; exit 4"};
  const auto finished = io::run(launcher_->exec_command(task_, options).value(), clock_, deadline());
  ASSERT_TRUE(finished) << finished.error().text();
  EXPECT_EQ(finished->out, "hello world\n");
  EXPECT_EQ(finished->exit_code, 4);
}

}  // namespace
}  // namespace slipway::engine::local

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() > 2 && words[0] == "internal" && words[1] == "process-runtime") {
    return slipway::engine::local::process_runtime_main(std::span(words).subspan(2));
  }
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
