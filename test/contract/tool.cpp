// The workload of the contract suite for real engines: carries out a script, one instruction an argument, up
// to "--". The language is that of src/engine/fake/program.h (and contract/subject.h). Self-contained and
// static, so that it also runs in an image of nothing else. As the first process of a pid namespace it must
// handle the stop signal itself.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace {

using SteadyClock = std::chrono::steady_clock;

struct State {
  std::string heed, ignore;  // what to print at the stop signal
  bool heeds = false, ignores = false;
  std::string answers_while;  // a file; empty: always
  bool serves = false;
  std::string status = "200 OK";
  bool mute = false;
  int listener = -1;
  int signals = -1;
};
State state;

// All of it, also through a pipe that takes only a part at a time.
void put(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) ::_exit(74);
    done += static_cast<size_t>(wrote);
  }
}

void fail(const std::string& what) {
  put(STDERR_FILENO, what + ": " + std::strerror(errno) + "\n");
  ::_exit(1);
}

std::string read_all(const char* path) {
  const int fd = ::open(path, O_RDONLY);
  if (fd < 0) fail(path);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  ::close(fd);
  return text;
}

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(byte));
    text += two;
  }
  return text;
}

std::string signal_name(int signal) {
  return std::string("SIG") + sigabbrev_np(signal);
}

void take_signal() {
  signalfd_siginfo info;
  if (::read(state.signals, &info, sizeof info) != sizeof info) return;
  const std::string name = signal_name(static_cast<int>(info.ssi_signo));
  if (state.ignores) {
    put(STDOUT_FILENO, state.ignore + " " + name + "\n");
    return;
  }
  if (state.heeds) put(STDOUT_FILENO, state.heed + " " + name + "\n");
  ::_exit(state.heeds ? 0 : 128 + static_cast<int>(info.ssi_signo));
}

void open_listener() {
  state.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(state.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const char* port = std::getenv("PORT");
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port ? port : "0")));
  if (::bind(state.listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (::listen(state.listener, 64) != 0) fail("listen");
}

// Keeps the connection and says nothing. Those of clients that must have given up are closed.
void ignore(int peer) {
  static std::deque<int> peers;
  peers.push_back(peer);
  if (peers.size() <= 100) return;
  ::close(peers.front());
  peers.pop_front();
}

// Answers one request, whatever it is, with the task's id.
void answer() {
  const int peer = ::accept4(state.listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) return;
  if (state.mute) return ignore(peer);
  timeval patience{1, 0};
  ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char request[4096];
  if (::recv(peer, request, sizeof request, 0) > 0) {
    const char* task = std::getenv("SLIPWAY_TASK");
    const std::string body = std::string(task ? task : "") + "\n";
    const std::string text = "HTTP/1.1 " + state.status +
                             "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + body;
    ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
  }
  ::close(peer);
}

// The port is open exactly while the file says so.
void follow_switch() {
  const bool up = state.answers_while.empty() || ::access(state.answers_while.c_str(), F_OK) == 0;
  if (up && state.listener < 0) open_listener();
  if (!up && state.listener >= 0) {
    ::close(state.listener);
    state.listener = -1;
  }
}

// Serves requests and signals until `end`; for ever without one.
void wait_until(const SteadyClock::time_point* end) {
  while (true) {
    int timeout = state.serves && !state.answers_while.empty() ? 20 : -1;
    if (state.serves) follow_switch();
    if (end != nullptr) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end - SteadyClock::now()).count();
      if (left <= 0) return;
      if (timeout < 0 || left < timeout) timeout = static_cast<int>(left);
    }
    pollfd fds[2] = {{state.signals, POLLIN, 0}, {state.listener, POLLIN, 0}};
    if (::poll(fds, 2, timeout) < 0 && errno != EINTR) fail("poll");
    if ((fds[0].revents & POLLIN) != 0) take_signal();
    if (state.listener >= 0 && (fds[1].revents & POLLIN) != 0) answer();
  }
}

std::chrono::milliseconds duration_of(const std::string& text) {
  char* unit = nullptr;
  const double number = std::strtod(text.c_str(), &unit);
  const bool millis = std::strcmp(unit, "ms") == 0;
  return std::chrono::milliseconds(static_cast<int64_t>(millis ? number : number * 1000));
}

void spin(const std::string& text) {
  const auto begin = SteadyClock::now();
  const auto end = begin + duration_of(text);
  volatile uint64_t work = 0;
  while (SteadyClock::now() < end) {
    for (int i = 0; i < 100'000; ++i) work = work + 1;
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                      (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begin).count();
  put(STDOUT_FILENO, "cpu_ms " + std::to_string(cpu_ms) + " wall_ms " + std::to_string(wall) + "\n");
}

void fork_many(int wanted) {
  int children = 0;
  int gate[2];  // children live until its writing end is closed
  if (::pipe(gate) != 0) fail("pipe");
  for (int i = 0; i < wanted; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(gate[1]);
      char byte = 0;
      while (::read(gate[0], &byte, 1) < 0 && errno == EINTR) continue;
      ::_exit(0);
    }
    children += child > 0;
  }
  ::close(gate[1]);
  while (::wait(nullptr) > 0) continue;
  ::close(gate[0]);
  put(STDOUT_FILENO, "forked " + std::to_string(children) + "\n");
}

void eat(int megabytes) {
  for (int i = 0; i < megabytes; ++i) {
    auto* memory = static_cast<volatile char*>(std::malloc(1 << 20));
    if (memory == nullptr) fail("malloc");
    for (size_t at = 0; at < 1 << 20; at += 512) memory[at] = static_cast<char>(i + 1);
  }
}

void die(int signal) {
  // The first process of a namespace cannot be killed by a signal that it sends itself; by a real fault it
  // can.
  if (signal == SIGSEGV) *static_cast<volatile int*>(nullptr) = 1;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void write_file(const std::string& argument, int flags) {
  const size_t space = argument.find(' ');
  const std::string path = argument.substr(0, space);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) fail(path);
  if (space != std::string::npos) put(fd, argument.substr(space + 1));
  ::close(fd);
}

void dump() {
  char folder[4096];
  if (::getcwd(folder, sizeof folder) == nullptr) fail("getcwd");
  put(STDOUT_FILENO, "argv " + hex(read_all("/proc/self/cmdline")) + "\nenviron " +
                         hex(read_all("/proc/self/environ")) + "\ncwd " + folder + "\nuid " +
                         std::to_string(::getuid()) + "\n");
}

void echo_input() {
  char buffer[16384];
  for (ssize_t got = 0; (got = ::read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
    put(STDOUT_FILENO, std::string(buffer, static_cast<size_t>(got)));
  }
}

void count(int last) {
  std::string text;
  for (int i = 1; i <= last; ++i) text += std::to_string(i) + "\n";
  put(STDOUT_FILENO, text);
}

void wait(const std::string& text) {
  const auto end = SteadyClock::now() + duration_of(text);
  wait_until(&end);
}

bool carry_out(const std::string& verb, const std::string& argument) {
  if (verb == "print") return put(STDOUT_FILENO, argument + "\n"), true;
  if (verb == "error") return put(STDERR_FILENO, argument + "\n"), true;
  if (verb == "count") return count(std::atoi(argument.c_str())), true;
  if (verb == "long") return put(STDOUT_FILENO, std::string(std::stoul(argument), 'x') + "\n"), true;
  if (verb == "wait") return wait(argument), true;
  if (verb == "forever") return wait_until(nullptr), true;
  if (verb == "listen") return state.serves = true, follow_switch(), true;
  if (verb == "while") return state.answers_while = argument, true;
  if (verb == "status") return state.status = argument + " X", true;
  if (verb == "mute") return state.mute = true;
  if (verb == "heed") return state.heed = argument, state.heeds = true;
  if (verb == "ignore") return state.ignore = argument, state.ignores = true;
  if (verb == "exit") std::exit(std::atoi(argument.c_str()));
  if (verb == "die") return die(std::atoi(argument.c_str())), true;
  if (verb == "eat") return eat(std::atoi(argument.c_str())), true;
  if (verb == "spin") return spin(argument), true;
  if (verb == "fork") return fork_many(std::atoi(argument.c_str())), true;
  if (verb == "dump") return dump(), true;
  if (verb == "write") return write_file(argument, O_TRUNC), true;
  if (verb == "append") return write_file(argument, O_APPEND), true;
  if (verb == "cat") return put(STDOUT_FILENO, read_all(argument.c_str()) + "\n"), true;
  if (verb == "need") return static_cast<void>(read_all(argument.c_str())), true;
  if (verb == "echo_input") return echo_input(), true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t mask;
  ::sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&mask, signal);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  state.signals = ::signalfd(-1, &mask, SFD_CLOEXEC);
  if (state.signals < 0) fail("signalfd");

  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    const std::string line = argv[i];
    const size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    if (!carry_out(verb, space == std::string::npos ? "" : line.substr(space + 1))) {
      put(STDERR_FILENO, "no instruction \"" + verb + "\"\n");
      return 2;
    }
  }
  return 0;
}
