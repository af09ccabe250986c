// A process of the fake cluster: a Program being carried out.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/fake/program.h"

namespace slipway::engine::fake {

// The files of the machine, by path. Folders exist by being named.
using Files = std::map<std::string, std::string>;

// What a process can touch. Borrowed from the task it runs in.
struct Surroundings {
  const model::Revision* revision = nullptr;
  const std::vector<std::string>* argv = nullptr;
  const std::map<std::string, std::string>* env = nullptr;  // whole, with what the engine added
  Files* host = nullptr;                                    // below volumes
  Files* layer = nullptr;                                   // the task's own writable layer
  std::function<void(Stream, std::string line)> print;
};

// Runs until it must wait or has ended; whoever owns it calls again when the wait is over. One thread.
class Process {
 public:
  // Why run() came back: it ended, it waits this long, or (neither) it waits for a signal or for input.
  struct Pause {
    std::optional<model::Exit> exit;
    std::optional<Duration> wait;
  };

  Process(Program program, Surroundings surroundings)
      : program_(std::move(program)), around_(std::move(surroundings)) {}

  Pause run();
  // The stop signal has come: whether the process heeds it (it ends with what heeded() says) or goes on.
  bool heeds_stop();
  std::optional<model::Exit> heeded() const;
  // For echo_input.
  void write_input(std::string_view bytes);
  void close_input() { input_closed_ = true; }

  // Whether its port is open, and what it answers there to an http request; nothing where it is mute.
  bool listens() const;
  std::optional<int> http_status() const;

 private:
  std::optional<Pause> step(const Instruction& instruction);
  std::optional<Pause> touch_file(const Instruction& instruction);
  Pause echo_input();
  void dump();
  // Where `path` lies: below a volume on the host, else in the task's own layer. Null when it may not be
  // written.
  std::string* file_for_writing(const std::string& path);
  const std::string* file(const std::string& path) const;

  Program program_;
  Surroundings around_;
  size_t next_ = 0;
  bool listening_ = false;
  std::optional<int> status_ = 200;
  std::string answers_while_;          // empty: always
  std::optional<std::string> heed_;    // printed at the stop signal, then it ends
  std::optional<std::string> ignore_;  // printed at the stop signal, then it goes on
  std::string input_;
  bool input_closed_ = false;
};

}  // namespace slipway::engine::fake
