// The little language that a fake task's command is written in, so that one test suite can ask a fake and a
// real engine for the same behaviour.
//
//   cmd: [fake, "print hello", "wait 2s", "exit 3"]
//
// or, where a shell is asked for: sh -c "fake print hello; exit 3".
//
// Each word after `fake` is one instruction; the words after `--` are left alone (they are arguments to be
// dumped). Any other command is taken for a well-behaved service: it listens on its port, is healthy, and
// runs until it is stopped.
//
//   print TEXT, error TEXT   a line of output; count N: the lines 1 to N; long N: one line of N bytes
//   wait DURATION, forever   (in exec no time passes, and a wait ends at once)
//   listen                   open the container_port;  while PATH: answer only while that file exists
//   status N, mute           answer http with this status; accept connections and never answer
//   heed TEXT, ignore TEXT   print TEXT and the signal at the stop signal, then end with 0, or go on
//   exit N, die SIGNUM       end;  eat MB: take memory, and die of it beyond the limit
//   dump                     argv, environment, folder and user, for a test to read (see dump lines in
//   process.cpp) write PATH TEXT, append PATH TEXT, cat PATH, need PATH      files; ends with 1 when it
//   cannot echo_input               copy lines of input to output until the input ends (exec only)
//
// The end of the program is `exit 0`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::engine::fake {

enum class Verb {
  Print,
  Error,
  Count,
  Long,
  Wait,
  Forever,
  Listen,
  While,
  Status,
  Mute,
  Heed,
  Ignore,
  Exit,
  Die,
  Eat,
  Dump,
  Write,
  Append,
  Cat,
  Need,
  EchoInput,
};

struct Instruction {
  Verb verb = Verb::Forever;
  std::string text;    // the argument: a text, a path
  std::string second;  // of write and append
  int64_t number = 0;  // the argument where it is a number, milliseconds of a duration
};

using Program = std::vector<Instruction>;

// Whether the argv is written in this language.
bool is_program(const std::vector<std::string>& argv);
// Reads a whole argv. Invalid for an unknown instruction or a bad argument.
Result<Program> parse_program(const std::vector<std::string>& argv);

}  // namespace slipway::engine::fake
