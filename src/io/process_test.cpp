#include "io/process.h"

#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace slipway::io {
namespace {

const SystemClock kClock;

Command shell(const std::string& script) {
  Command command;
  command.argv = {"sh", "-c", script};
  return command;
}

Result<Finished> run_soon(const Command& command) {
  return run(command, kClock, kClock.deadline_in(60s));
}

TEST(Run, ReturnsOutputAndExitCode) {
  const Finished finished = run_soon(shell("echo out; echo err >&2; exit 3")).value();
  EXPECT_EQ(finished.out, "out\n");
  EXPECT_EQ(finished.err, "err\n");
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_FALSE(finished.ok());
}

// In a child, for a limit that was raised once is the process's for good.
TEST(Run, GivesProgramsTheLimitOfDescriptorsThatWasOursBeforeWeRaisedIt) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 77;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const bool raised = raise_descriptor_limit().has_value() && raise_descriptor_limit().has_value();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto finished = run_soon(shell("ulimit -Sn; ulimit -Hn"));
    const std::string wanted = fmt::format("77\n{}\n", limit.rlim_max);
    ::_exit(raised && limit.rlim_cur == limit.rlim_max && finished && finished->out == wanted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Run, PassesArgumentsAndEnvironmentByteForByte) {
  Command command;
  command.argv = {"/bin/sh", "-c", "printf '%s|' \"$@\"; printf '%s' \"$VALUE\"", "sh", "a b", "$HOME",
                  "l1\nl2",  ""};
  command.env = std::map<std::string, std::string>{{"VALUE", "x=y \"z\"\n\xC3\xA9"}};
  EXPECT_EQ(run_soon(command).value().out, "a b|$HOME|l1\nl2||x=y \"z\"\n\xC3\xA9");
}

TEST(Run, GivesInputAndItsEnd) {
  Command command;
  command.argv = {"cat"};
  command.input = std::string(3 << 20, 'x') + "end";
  const Finished finished = run_soon(command).value();
  EXPECT_TRUE(finished.ok());
  EXPECT_TRUE(finished.out.ends_with("xend"));
}

TEST(Run, KeepsTheEndOfALargeOutput) {
  const Finished finished = run_soon(shell("head -c 5000000 /dev/zero | tr '\\0' x; echo the end")).value();
  EXPECT_EQ(finished.out.size(), 1u << 20);
  EXPECT_TRUE(finished.out.ends_with("xthe end\n"));
}

TEST(Run, TellsDeathBySignal) {
  EXPECT_EQ(run_soon(shell("kill -SEGV $$")).value().exit_code, 128 + SIGSEGV);
  const auto failed = run_ok(shell("kill -KILL $$"), kClock, kClock.deadline_in(60s));
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().text().find("SIGKILL"), std::string::npos) << failed.error().text();
}

TEST(Run, NamesAProgramThatIsMissing) {
  Command command;
  command.argv = {"no-such-program-here", "--flag"};
  const auto missing = run_soon(command);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().text().find("no-such-program-here"), std::string::npos);
  command.argv = {"/no/such/program"};
  EXPECT_EQ(run_soon(command).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(run_soon(Command()).error().code(), ErrorCode::Invalid);
}

TEST(Run, KillsTheWholeGroupAtTheDeadline) {
  // The grandchild tells its pid, then both outlive any deadline.
  Command command = shell("sleep 1000 & echo $!; wait");
  const auto late = run(command, kClock, kClock.deadline_in(500ms));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::Timeout);
  const std::string text = late.error().text();
  const size_t said = text.find("It said: ");
  ASSERT_NE(said, std::string::npos) << text;
  const pid_t grandchild = std::stoi(text.substr(said + 9));
  // SIGKILL has been sent; whoever adopts the grandchild reaps it some time after.
  const auto pidfd = open_pidfd(grandchild);
  if (pidfd.has_value()) {
    pollfd polled{pidfd->get(), POLLIN, 0};
    EXPECT_EQ(poll(&polled, 1, 60'000), 1);
  }
}

TEST(Run, DoesNotWaitForAGrandchildThatKeepsTheStreamsOpen) {
  const Finished finished = run_soon(shell("sleep 1000 & echo $!")).value();
  EXPECT_TRUE(finished.ok());
  EXPECT_EQ(kill(std::stoi(finished.out), SIGKILL), 0) << "the grandchild lives on";
}

TEST(Run, UsesTheFolderAndReportsAMissingOne) {
  Command command = shell("pwd");
  command.directory = "/";
  EXPECT_EQ(run_soon(command).value().out, "/\n");
  command.directory = "/no/such/folder";
  const auto failed = run_soon(command);
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().text().find("/no/such/folder"), std::string::npos) << failed.error().text();
}

TEST(RunOk, FailsWithTheLastLines) {
  const auto failed =
      run_ok(shell("echo noise; echo 'the reason' >&2; exit 7"), kClock, kClock.deadline_in(60s));
  ASSERT_FALSE(failed.has_value());
  EXPECT_TRUE(failed.error().text().ends_with("exit code 7: the reason")) << failed.error().text();
}

TEST(Finished, LastLinesAreThoseOfErrOrElseOfOut) {
  Finished finished;
  finished.out = "a\nb\nc\n";
  EXPECT_EQ(finished.last_lines(2), "b\nc");
  EXPECT_EQ(finished.last_lines(9), "a\nb\nc");
  finished.err = "why\n";
  EXPECT_EQ(finished.last_lines(), "why");
  EXPECT_EQ(Finished().last_lines(), "");
}

TEST(Spawn, HandsOverOnlyTheDescriptorsAskedFor) {
  int ends[2], other[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(other, 0), 0);  // not close-on-exec, as a careless library would
  const Fd reader(ends[0]), other_reader(other[0]), other_writer(other[1]);
  Fd writer(ends[1]);
  // Number 5 of the child is ours under any number; ours that happen to be 3 and 4 must not be in the way.
  Command command = shell("echo through five >&5; for fd in /proc/self/fd/*; do echo $fd; done >&5");
  command.fds = {{writer.get(), 5}};
  const pid_t pid = spawn(command).value();
  writer.reset();
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(reader.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(count));
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(text.starts_with("through five\n")) << text;
  EXPECT_EQ(text.find("/fd/" + std::to_string(other_writer.get()) + "\n"), std::string::npos)
      << text << " other " << other_writer.get();
}

TEST(Spawn, SwapsDescriptorsWhoseNumbersCross) {
  int first[2], second[2];
  ASSERT_EQ(pipe2(first, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(second, O_CLOEXEC), 0);
  const Fd first_reader(first[0]), second_reader(second[0]);
  Fd first_writer(first[1]), second_writer(second[1]);
  if (first_writer.get() > 9 || second_writer.get() > 9) GTEST_SKIP() << "the shell reads one digit only";
  Command command = shell("echo first >&" + std::to_string(second_writer.get()) + "; echo second >&" +
                          std::to_string(first_writer.get()));
  command.fds = {{first_writer.get(), second_writer.get()}, {second_writer.get(), first_writer.get()}};
  const pid_t pid = spawn(command).value();
  first_writer.reset();
  second_writer.reset();
  char buffer[64] = {};
  EXPECT_EQ(read(first_reader.get(), buffer, sizeof buffer), 6);
  EXPECT_STREQ(buffer, "first\n");
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
}

TEST(Spawn, ResetsSignalsAndStartsASession) {
  signal(SIGUSR2, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  Command command = shell("grep -E 'SigBlk|SigIgn' /proc/self/status; cut -d' ' -f6 /proc/$$/stat");
  command.stdout_fd = writer.get();
  command.new_session = true;
  const pid_t pid = spawn(command).value();
  writer.reset();
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  signal(SIGUSR2, SIG_DFL);
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(reader.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(count));
  }
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" + std::to_string(pid) + "\n");
}

TEST(Spawn, ReportsWhatTheSetupReturned) {
  Command command = shell("exit 0");
  command.setup = [] { return EPERM; };
  command.setup_name = "enter the cell";
  const auto failed = spawn(command);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::Forbidden);
  EXPECT_NE(failed.error().text().find("enter the cell"), std::string::npos);
}

TEST(Process, IsNamedByItsStartTimeUntilItEnds) {
  EXPECT_EQ(process_start_time(getpid()).value(), process_start_time(getpid()).value());
  Command command;
  command.argv = {"sleep", "1000"};
  const pid_t pid = spawn(command).value();
  EXPECT_GE(process_start_time(pid).value(), process_start_time(getpid()).value());
  const Fd pidfd = open_pidfd(pid).value();
  pollfd polled{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, 0), 0);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_EQ(poll(&polled, 1, 60'000), 1);
  EXPECT_EQ(process_start_time(pid).error().code(), ErrorCode::NotFound) << "a zombie counts as gone";
  EXPECT_EQ(open_pidfd(pid).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(open_pidfd(pid).error().code(), ErrorCode::NotFound);
}

TEST(Cancellation, KillsTheWholeGroupOfWhatRunsAndRefusesWhatFollows) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const Command command =
      shell(fmt::format("sleep 1000 & echo ready > /proc/{}/fd/{}; wait", getpid(), writer.get()));
  Cancellation cancellation;
  std::optional<Result<Finished>> result;
  std::thread runner([&] { result = run(command, kClock, kClock.deadline_in(60s), &cancellation); });
  char byte = 0;
  ASSERT_EQ(read(reader.get(), &byte, 1), 1);
  cancellation.cancel();
  runner.join();
  ASSERT_FALSE(result->has_value());
  EXPECT_EQ(result->error().code(), ErrorCode::Unavailable);
  EXPECT_NE(result->error().text().find("cancelled"), std::string::npos);
  EXPECT_FALSE(run(shell("true"), kClock, kClock.deadline_in(60s), &cancellation).has_value());
}

TEST(Signals, HaveNamesAndNumbers) {
  EXPECT_EQ(signal_number("SIGTERM"), SIGTERM);
  EXPECT_EQ(signal_number("TERM"), SIGTERM);
  EXPECT_EQ(signal_number("15"), 15);
  EXPECT_EQ(signal_number("SIGRTMIN+3"), SIGRTMIN + 3);
  for (const char* bad : {"", "SIG", "SIGNOPE", "0", "99", "-1", "15x"})
    EXPECT_EQ(signal_number(bad), std::nullopt) << bad;
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(99), "signal 99");
}

TEST(Command, TextIsQuotedForAShell) {
  Command command;
  command.argv = {"echo", "a b", "$x"};
  EXPECT_EQ(command.text(), "echo 'a b' '$x'");
}

}  // namespace
}  // namespace slipway::io
