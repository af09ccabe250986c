// The user's terminal: raw mode, its size, and Ctrl-C.
#pragma once

#include <string_view>
#include <termios.h>

namespace slipway::cli {

struct TerminalSize {
  int rows = 24;
  int columns = 80;
};

// Of the terminal behind `fd`; 24 by 80 when it has none.
TerminalSize terminal_size(int fd);

// Every key goes to the program at the other end, Ctrl-C too, while this lives.
class RawTerminal {
 public:
  // Does nothing when `fd` is no terminal.
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int fd_;
  bool changed_ = false;
  termios before_{};
};

// While this lives, Ctrl-C writes `message` to standard error and then ends the process as Ctrl-C does. For
// waits whose work goes on elsewhere: the message says how to come back. One at a time; the innermost speaks.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::string_view message);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;
};

}  // namespace slipway::cli
