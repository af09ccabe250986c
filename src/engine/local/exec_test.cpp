#include "engine/local/exec.h"

#include <csignal>

#include <gtest/gtest.h>

namespace slipway::engine::local {
namespace {

// What the session gave, read to its end.
struct Seen {
  std::string out, err;
  int exit_code = -1;
};

Seen read_to_end(ExecSession& session) {
  Seen seen;
  while (!session.finished()) {
    const auto chunk = session.read(30s);
    EXPECT_TRUE(chunk) << chunk.error().text();
    if (!chunk) return seen;
    if (!*chunk) continue;
    ((*chunk)->stream == Stream::Out ? seen.out : seen.err) += (*chunk)->data;
  }
  seen.exit_code = session.exit_code();
  return seen;
}

std::unique_ptr<ExecSession> start(const std::string& script, std::optional<ExecTerminal> terminal = {}) {
  io::Command command;
  command.argv = {"sh", "-c", script};
  auto session = start_exec(std::move(command), {}, terminal);
  EXPECT_TRUE(session) << session.error().text();
  return session ? std::move(*session) : nullptr;
}

TEST(Exec, TellsStreamsApartAndTheExitCode) {
  const auto session = start("echo out; echo err >&2; exit 7");
  const Seen seen = read_to_end(*session);
  EXPECT_EQ(seen.out, "out\n");
  EXPECT_EQ(seen.err, "err\n");
  EXPECT_EQ(seen.exit_code, 7);
}

TEST(Exec, DeathByASignalIs128AndItsNumber) {
  const auto session = start("kill -SEGV $$");
  EXPECT_EQ(read_to_end(*session).exit_code, 139);
}

TEST(Exec, InputArrivesAndItsEndToo) {
  const auto session = start("cat; echo end");
  ASSERT_TRUE(session->write("hello\n"));
  ASSERT_TRUE(session->close_input());
  EXPECT_EQ(read_to_end(*session).out, "hello\nend\n");
}

TEST(Exec, WritingToACommandThatHasEndedIsAnErrorAndNoSignal) {
  const auto session = start("exec 0<&-; echo closed; read x <&1");
  std::string out;
  while (out.empty()) {
    const auto chunk = session->read(30s);
    ASSERT_TRUE(chunk);
    if (*chunk) out = (*chunk)->data;
  }
  const Status written = session->write("x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::Unavailable);
}

TEST(Exec, WhatACommandLeavesBehindIsNotWaitedFor) {
  const auto session = start("sleep 300 & echo started $!");
  const Seen seen = read_to_end(*session);
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_TRUE(seen.out.starts_with("started ")) << seen.out;
  // It holds the session's streams open still; it is ours to end.
  ::kill(std::stoi(seen.out.substr(8)), SIGKILL);
}

TEST(Exec, EndOfTheSessionKillsTheCommand) {
  auto session = start("echo $$; exec sleep 300");
  std::string out;
  while (out.find('\n') == std::string::npos) {
    const auto chunk = session->read(30s);
    ASSERT_TRUE(chunk);
    if (*chunk) out += (*chunk)->data;
  }
  const pid_t pid = std::stoi(out);
  ASSERT_TRUE(io::process_start_time(pid));
  session.reset();
  EXPECT_FALSE(io::process_start_time(pid));
}

TEST(Exec, TerminalHasASizeThatCanBeChanged) {
  const auto session = start("test -t 0 && test -t 1 && stty size; read x; stty size", ExecTerminal{33, 101});
  std::string out;
  while (out.find("33 101") == std::string::npos) {
    const auto chunk = session->read(30s);
    ASSERT_TRUE(chunk) << chunk.error().text();
    ASSERT_FALSE(session->finished()) << out;
    if (*chunk) out += (*chunk)->data;
  }
  session->resize(40, 80);
  ASSERT_TRUE(session->write("\n"));
  EXPECT_NE(read_to_end(*session).out.find("40 80"), std::string::npos);
}

TEST(Exec, ProgramThatIsMissingIsNamed) {
  io::Command command;
  command.argv = {"/no/such/program"};
  const auto session = start_exec(std::move(command), {}, {});
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().text().find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace slipway::engine::local
