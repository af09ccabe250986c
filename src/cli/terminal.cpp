#include "cli/terminal.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <unistd.h>

#include <sys/ioctl.h>

namespace slipway::cli {

namespace {

// What the handler says. A fixed array, because a signal handler may neither allocate nor lock.
std::array<char, 1024> interrupt_message;
volatile sig_atomic_t interrupt_length = 0;

extern "C" void say_and_die(int signal) {
  // Nothing useful can be done when the terminal does not take the message.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, interrupt_message.data(), static_cast<size_t>(interrupt_length));
  std::signal(signal, SIG_DFL);
  raise(signal);
}

}  // namespace

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  if (tcgetattr(fd_, &before_) != 0) return;
  termios raw = before_;
  cfmakeraw(&raw);
  changed_ = tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (changed_) tcsetattr(fd_, TCSADRAIN, &before_);
}

OnInterrupt::OnInterrupt(std::string_view message) {
  // The terminal has just shown "^C": the message starts on a line of its own.
  interrupt_length = 0;
  interrupt_message[0] = '\n';
  const size_t length = std::min(message.size(), interrupt_message.size() - 2);
  std::copy_n(message.begin(), length, interrupt_message.begin() + 1);
  interrupt_message[length + 1] = '\n';
  interrupt_length = static_cast<sig_atomic_t>(length + 2);
  std::signal(SIGINT, say_and_die);
}

OnInterrupt::~OnInterrupt() {
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace slipway::cli
