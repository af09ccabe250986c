// HaproxyProxy with the real HAProxy and small servers of ours.
#include "discovery/proxy.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <poll.h>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mutex.h"
#include "base/text.h"
#include "discovery/fake_proxy.h"
#include "discovery/haproxy_process.h"
#include "discovery/sockets.h"
#include "discovery/worker_user.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::discovery {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

io::Fd listen_anywhere(int& port) {
  io::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0) << std::strerror(errno);
  EXPECT_EQ(listen(fd.get(), 128), 0);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

// A port that was free a moment ago.
int free_port() {
  int port = 0;
  listen_anywhere(port);
  return port;
}

std::string read_until(int fd, std::string_view end) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.find(end) == std::string::npos) {
    pollfd item{fd, POLLIN, 0};
    if (poll(&item, 1, 20'000) <= 0) return text;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  return text;
}

// Answers every HTTP request with its name; one for /hold only when released.
class TestServer {
 public:
  explicit TestServer(std::string name, int port = 0) : name_(std::move(name)), port_(port) {
    listener_ = listen_anywhere(port_);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() { stop(); }

  int port() const { return port_; }
  int requests() const { return requests_; }
  void release() {
    const Lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void wait_for_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_ > 0; });
  }
  void stop() {
    release();
    if (!thread_.joinable()) return;
    stopping_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    for (std::thread& connection : connections_) connection.join();
    listener_.reset();
  }
  model::Route route(model::Traffic traffic = model::Traffic::In) const {
    return {model::TaskId(name_), {"127.0.0.1", port_, 80}, traffic};
  }

 private:
  void serve() {
    for (;;) {
      io::Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (stopping_) return;
      if (!connection.valid()) continue;  // it was gone before it was accepted
      connections_.emplace_back([this, fd = std::move(connection)] { answer(fd.get()); });
    }
  }
  void answer(int fd) {
    const std::string request = read_until(fd, "\r\n\r\n");
    if (request.empty()) return;  // a health check
    ++requests_;
    if (request.find("/hold") != std::string::npos) {
      std::unique_lock lock(mutex_);
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    const std::string response = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", name_.size(), name_);
    send(fd, response.data(), response.size(), MSG_NOSIGNAL);
  }

  const std::string name_;
  int port_;
  io::Fd listener_;
  std::thread thread_;
  std::vector<std::thread> connections_;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  Condition changed_;
  int held_ GUARDED_BY(mutex_) = 0;
  bool released_ GUARDED_BY(mutex_) = false;
};

// Invalid when nobody listens.
io::Fd connect_to(int port) {
  io::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
  return fd;
}

// The whole answer to one request, the last on its connection; empty when there was none.
std::string answer(const io::Fd& connection, const std::string& method, const std::string& path = "/",
                   const std::string& host = "localhost") {
  const std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method, path, host);
  send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL);
  return read_until(connection.get(), "never in an answer");
}

std::string get(int port, const std::string& path = "/", const std::string& host = "localhost") {
  return answer(connect_to(port), "GET", path, host);
}

class HaproxyProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!io::find_program("haproxy")) GTEST_SKIP() << "haproxy is not installed";
    Result<io::TemporaryDirectory> directory = io::TemporaryDirectory::create();
    ASSERT_TRUE(directory);
    directory_.emplace(*std::move(directory));
    settings_.directory = directory_->path() / "haproxy";
    settings_.http_port = free_port();
    proxy_ = make_haproxy_proxy(settings_, clock_);
  }
  void TearDown() override {
    if (HasFailure()) {
      const Result<std::string> log = io::read_file(settings_.directory + "/haproxy.log");
      ADD_FAILURE() << "HAProxy said: " << (log ? *log : log.error().text());
    }
    if (proxy_) {
      const Status stopped = proxy_->stop(soon());
      EXPECT_TRUE(stopped) << stopped.error().text();
    }
  }

  Deadline soon() const { return clock_.deadline_in(20s); }

  ProxyState sync(const std::vector<RoutedInstance>& wanted) {
    Result<ProxyState> state = proxy_->sync(wanted, soon());
    EXPECT_TRUE(state) << state.error().text();
    return state ? *std::move(state) : ProxyState{};
  }

  // A state in words, for failures.
  static std::string told(const ProxyState& state) {
    std::string text = state.trouble;
    for (const auto& [id, why] : state.refused) text += fmt::format("\n{} is refused: {}", id.text(), why);
    for (const auto& [task, server] : state.servers) {
      text += fmt::format("\n{}: in {}, draining {}, {} sessions", task.str(), server.in, server.draining,
                          server.sessions);
    }
    return text;
  }

  // Observes until `done` is true of the state; the state then. Bounded by the deadline.
  template <class Done>
  ProxyState until(Done done) {
    const Deadline deadline = soon();
    for (;;) {
      const Result<ProxyState> state = proxy_->observe(deadline);
      EXPECT_TRUE(state) << state.error().text();
      if (state && done(*state)) return *state;
      if (deadline.passed(clock_.steady_now())) {
        ADD_FAILURE() << "the load balancer did not get there: " << (state ? told(*state) : "");
        return {};
      }
      poll(nullptr, 0, 5);
    }
  }

  pid_t master() const {
    const Result<Processes> processes = MasterCli(settings_.directory, clock_).processes(soon());
    return processes ? processes->master : 0;
  }
  std::vector<pid_t> workers() const {
    const Result<Processes> processes = MasterCli(settings_.directory, clock_).processes(soon());
    return processes ? processes->workers : std::vector<pid_t>();
  }

  // Requests to `service` that HAProxy has moved to another task because the first refused the connection.
  int moved_requests(const std::string& service) const {
    const Result<std::vector<std::string>> table =
        MasterCli(settings_.directory, clock_).ask(workers().at(0), {"show stat"}, soon());
    EXPECT_TRUE(table);
    const std::vector<std::string> lines = split(table->at(0), '\n');
    const std::vector<std::string> names = split(lines.at(0), ',');
    const auto column = std::find(names.begin(), names.end(), "wredis") - names.begin();
    for (const std::string& line : lines) {
      if (line.starts_with(service + ".main,BACKEND,")) return std::stoi(split(line, ',').at(column));
    }
    return 0;
  }

  static RoutedInstance instance(const std::string& service, int port, std::vector<model::Route> routes) {
    return {{service, "main"}, {port, model::ProxyMode::Http, {}}, std::move(routes)};
  }

  SystemClock clock_;
  std::optional<io::TemporaryDirectory> directory_;
  ProxySettings settings_;
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(HaproxyProxyTest, SaysWhyNoneRunsUntilOneDoes) {
  const TestServer one("one");
  const std::vector<RoutedInstance> wanted = {instance("web", free_port(), {one.route()})};
  const std::string program = std::exchange(settings_.haproxy, directory_->path() / "missing");
  proxy_ = make_haproxy_proxy(settings_, clock_);
  EXPECT_FALSE(proxy_->sync(wanted, soon()));
  EXPECT_THAT(proxy_->observe(soon())->down, HasSubstr("missing is not installed"));
  std::filesystem::create_symlink(*io::find_program(program), settings_.haproxy);
  EXPECT_EQ(sync(wanted).down, "");
  ASSERT_EQ(kill(master(), SIGKILL), 0);
  EXPECT_THAT(until([](const ProxyState& state) { return !state.down.empty(); }).down,
              HasSubstr("has ended"));
  EXPECT_EQ(sync({}).down, "") << "nothing is to be served";
}

TEST_F(HaproxyProxyTest, StartsWithWhatIsWantedAndLeavesNothingWhenStopped) {
  const TestServer one("one");
  const int port = free_port();
  const ProxyState state = sync({instance("web", port, {one.route()})});
  EXPECT_TRUE(state.servers.at(model::TaskId("one")).in);
  EXPECT_TRUE(state.refused.empty());
  EXPECT_THAT(get(port), HasSubstr("one"));
  const pid_t pid = master();
  ASSERT_GT(pid, 0);
  ASSERT_TRUE(proxy_->stop(soon()));
  EXPECT_FALSE(io::exists(settings_.directory));
  EXPECT_NE(kill(pid, 0), 0);
  EXPECT_TRUE(proxy_->stop(soon()));
}

TEST_F(HaproxyProxyTest, AddsAndRemovesTasksWithoutAReload) {
  const TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one.route()})});
  const std::vector<pid_t> before = workers();
  ProxyState state = sync({instance("web", port, {one.route(), two.route()})});
  EXPECT_TRUE(state.servers.at(model::TaskId("two")).in);
  EXPECT_NE(get(port), get(port));  // by turns
  state = sync({instance("web", port, {two.route()})});
  EXPECT_FALSE(state.servers.contains(model::TaskId("one")));
  EXPECT_THAT(get(port), HasSubstr("two"));
  EXPECT_EQ(workers(), before);
}

TEST_F(HaproxyProxyTest, DrainsATaskWhileItsRequestsGoOn) {
  TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one.route()})});
  std::string held;
  std::thread client([&] { held = get(port, "/hold"); });
  one.wait_for_held();
  const std::vector<RoutedInstance> draining = {
      instance("web", port, {one.route(model::Traffic::Drain), two.route()})};
  const ProxyState state = sync(draining);
  EXPECT_FALSE(state.servers.at(model::TaskId("one")).in);
  EXPECT_TRUE(state.servers.at(model::TaskId("one")).draining);
  EXPECT_EQ(state.servers.at(model::TaskId("one")).sessions, 1);
  for (int i = 0; i < 6; ++i) EXPECT_THAT(get(port), HasSubstr("two"));
  one.release();
  client.join();
  EXPECT_THAT(held, HasSubstr("one"));
  until([](const ProxyState& now) { return now.servers.at(model::TaskId("one")).sessions == 0; });
}

TEST_F(HaproxyProxyTest, BringsADrainedTaskBack) {
  const TestServer one("one");
  const int port = free_port();
  sync({instance("web", port, {one.route()})});
  sync({instance("web", port, {one.route(model::Traffic::Drain)})});
  EXPECT_THAT(get(port), HasSubstr("no task of web.main is healthy"));
  EXPECT_TRUE(sync({instance("web", port, {one.route()})}).servers.at(model::TaskId("one")).in);
  EXPECT_THAT(get(port), HasSubstr("one"));
}

TEST_F(HaproxyProxyTest, CountsSessionsThatAReloadLeftInTheOldWorker) {
  TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one.route()})});
  std::string held;
  std::thread client([&] { held = get(port, "/hold"); });
  one.wait_for_held();
  // A second service makes it reload; then the task with the request in the old worker is drained.
  const RoutedInstance api = instance("api", free_port(), {two.route()});
  sync({api, instance("web", port, {one.route()})});
  const ProxyState state = sync({api, instance("web", port, {one.route(model::Traffic::Drain)})});
  EXPECT_EQ(state.servers.at(model::TaskId("one")).sessions, 1);
  one.release();
  client.join();
  EXPECT_THAT(held, HasSubstr("one"));
  until([](const ProxyState& now) { return now.servers.at(model::TaskId("one")).sessions == 0; });
}

TEST_F(HaproxyProxyTest, CountsAnIdleConnectionOfTheOldWorkerAsBusyBecauseItMayBringARequest) {
  const TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one.route()})});
  const io::Fd idle = connect_to(port);
  EXPECT_THAT(get(port), HasSubstr("one"));  // a later connection: this worker has accepted the idle one too
  const RoutedInstance api = instance("api", free_port(), {two.route()});
  const std::vector<RoutedInstance> draining = {
      api, instance("web", port, {one.route(model::Traffic::Drain), two.route()})};
  sync({api, instance("web", port, {one.route(), two.route()})});
  EXPECT_EQ(sync(draining).servers.at(model::TaskId("one")).sessions, 1);
  EXPECT_THAT(answer(idle, "GET"), HasSubstr("one"));
  until([](const ProxyState& now) { return now.servers.at(model::TaskId("one")).sessions == 0; });
}

TEST_F(HaproxyProxyTest, TakesInATaskThatIsNotReadyWhenItListens) {
  const TestServer one("one");
  const int port = free_port();
  const int late = free_port();
  const model::Route later{model::TaskId("late"), {"127.0.0.1", late, 80}, model::Traffic::In};
  sync({instance("web", port, {one.route()})});
  EXPECT_FALSE(sync({instance("web", port, {later, one.route()})}).servers.at(model::TaskId("late")).in);
  for (int i = 0; i < 6; ++i) EXPECT_THAT(get(port), HasSubstr("one"));
  const TestServer listens("late", late);
  until([](const ProxyState& now) { return now.servers.at(model::TaskId("late")).in; });
}

TEST_F(HaproxyProxyTest, TakesOutATaskThatDiedWithoutBeingTold) {
  TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one.route(), two.route()})});
  one.stop();
  for (int i = 0; i < 6; ++i) EXPECT_THAT(get(port), HasSubstr("two"));
  until([](const ProxyState& now) { return !now.servers.at(model::TaskId("one")).in; });
}

TEST_F(HaproxyProxyTest, TriesARefusedConnectionOnAnotherTaskWhateverTheMethod) {
  auto one = std::make_unique<TestServer>("one");
  const TestServer two("two");
  const int port = free_port();
  sync({instance("web", port, {one->route(), two.route()})});
  // HAProxy's own check may notice first that nobody listens; then once more.
  const Deadline deadline = soon();
  while (moved_requests("web") == 0 && !deadline.passed(clock_.steady_now())) {
    until([](const ProxyState& now) { return now.servers.at(model::TaskId("one")).in; });
    one->stop();
    for (int i = 0; i < 4; ++i) EXPECT_THAT(answer(connect_to(port), "POST"), HasSubstr("two"));
    one = std::make_unique<TestServer>("one", one->port());
  }
  EXPECT_GT(moved_requests("web"), 0);
}

TEST_F(HaproxyProxyTest, FindsTheRunningOneAgain) {
  const TestServer one("one");
  const int port = free_port();
  const std::vector<RoutedInstance> wanted = {instance("web", port, {one.route()})};
  sync(wanted);
  const std::vector<pid_t> before = workers();
  proxy_ = make_haproxy_proxy(settings_, clock_);
  EXPECT_TRUE(proxy_->observe(soon())->servers.at(model::TaskId("one")).in);
  EXPECT_TRUE(sync(wanted).servers.at(model::TaskId("one")).in);
  EXPECT_EQ(workers(), before);
}

TEST_F(HaproxyProxyTest, StartsAgainWhenItWasKilled) {
  const TestServer one("one");
  const int port = free_port();
  const std::vector<RoutedInstance> wanted = {instance("web", port, {one.route()})};
  sync(wanted);
  const pid_t pid = master();
  ASSERT_GT(pid, 0);
  kill(pid, SIGKILL);
  until([](const ProxyState& now) { return now.servers.empty() && !now.in_step; });
  EXPECT_TRUE(sync(wanted).servers.at(model::TaskId("one")).in);
  EXPECT_THAT(get(port), HasSubstr("one"));
}

// Stopped processes take connections and answer nothing. Its workers are stopped too, which then do not
// notice that their master is gone.
TEST_F(HaproxyProxyTest, KillsAndStartsAgainOneThatDoesNotAnswer) {
  const TestServer one("one");
  const int port = free_port();
  const std::vector<RoutedInstance> wanted = {instance("web", port, {one.route()})};
  sync(wanted);
  const pid_t silent = master();
  ASSERT_GT(silent, 1);
  // A control plane that has never heard of the workers.
  proxy_ = make_haproxy_proxy(settings_, clock_);
  for (const pid_t worker : workers()) ASSERT_EQ(kill(worker, SIGSTOP), 0);
  ASSERT_EQ(kill(silent, SIGSTOP), 0);
  for (int i = 1; i < kSilences; ++i) {
    const auto seen = proxy_->observe(clock_.deadline_in(50ms));
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code(), ErrorCode::Timeout);
    EXPECT_EQ(kill(silent, 0), 0) << "not yet";
  }
  static_cast<void>(proxy_->observe(clock_.deadline_in(50ms)));  // it is killed, and may take its time to end
  EXPECT_TRUE(sync(wanted).servers.at(model::TaskId("one")).in);
  EXPECT_NE(master(), silent);
  EXPECT_THAT(get(port), HasSubstr("one"));
}

TEST_F(HaproxyProxyTest, ReplacesAMasterWhosePresentWorkerDoesNotAnswer) {
  const TestServer one("one");
  const int port = free_port();
  const std::vector<RoutedInstance> wanted = {instance("web", port, {one.route()})};
  sync(wanted);
  const pid_t before = master();
  ASSERT_EQ(kill(workers().at(0), SIGSTOP), 0);
  for (int i = 0; i < kSilences; ++i) EXPECT_FALSE(proxy_->observe(clock_.deadline_in(1s)));
  EXPECT_TRUE(sync(wanted).servers.at(model::TaskId("one")).in);
  EXPECT_NE(master(), before);
  EXPECT_THAT(get(port), HasSubstr("one"));
}

TEST_F(HaproxyProxyTest, EndsOneThatDoesNotAnswer) {
  const TestServer one("one");
  sync({instance("web", free_port(), {one.route()})});
  const std::vector<pid_t> before = workers();
  ASSERT_EQ(kill(before.at(0), SIGSTOP), 0);
  ASSERT_EQ(kill(master(), SIGSTOP), 0);
  proxy_ = make_haproxy_proxy(settings_, clock_);
  const Status stopped = proxy_->stop(soon());
  EXPECT_TRUE(stopped) << stopped.error().text();
  EXPECT_FALSE(io::open_pidfd(before.at(0)));
}

TEST_F(HaproxyProxyTest, KeepsWhatRunsAndItsConnectionsWhereAReloadFails) {
  // A HAProxy that reads one more file, of ours, when it starts and reloads, but not when it checks.
  const std::string extra = directory_->path() / "extra.cfg";
  settings_.haproxy = directory_->path() / "haproxy.sh";
  ASSERT_TRUE(io::write_file(extra, "", false, 0600));
  const std::string script = fmt::format(
      "#!/bin/sh\ncase \" $* \" in *\" -c \"*) exec haproxy \"$@\";; esac\nexec haproxy \"$@\" -f '{}'\n",
      extra);
  ASSERT_TRUE(io::write_file(settings_.haproxy, script, false, 0700));
  proxy_ = make_haproxy_proxy(settings_, clock_);
  TestServer one("one");
  const TestServer two("two");
  const int port = free_port();
  const RoutedInstance web = instance("web", port, {one.route()});
  sync({web});
  const std::vector<pid_t> before = workers();
  std::string held;
  std::thread client([&] { held = get(port, "/hold"); });
  one.wait_for_held();

  ASSERT_TRUE(io::write_file(extra, "garbage\n", false, 0600));
  const RoutedInstance api = instance("api", free_port(), {two.route()});
  ProxyState state = sync({api, web});
  EXPECT_THAT(state.trouble, HasSubstr("unknown keyword 'garbage'"));
  EXPECT_THAT(state.refused.at(api.id), HasSubstr("unknown keyword 'garbage'"));
  EXPECT_FALSE(state.refused.contains(web.id));
  EXPECT_FALSE(state.in_step);
  EXPECT_EQ(workers(), before);
  // Tasks come and go on what runs.
  const RoutedInstance moved = instance("web", port, {one.route(model::Traffic::Drain), two.route()});
  state = sync({api, moved});
  EXPECT_NE(state.trouble, "");
  EXPECT_TRUE(state.servers.at(model::TaskId("two")).in);
  EXPECT_EQ(state.servers.at(model::TaskId("one")).sessions, 1);
  EXPECT_THAT(get(port), HasSubstr("two"));

  ASSERT_TRUE(io::write_file(extra, "", false, 0600));
  const Deadline deadline = soon();
  while (!state.trouble.empty() && !deadline.passed(clock_.steady_now())) {
    state = sync({api, moved});
    poll(nullptr, 0, 5);
  }
  EXPECT_EQ(state.trouble, "");
  EXPECT_TRUE(state.refused.empty());
  EXPECT_THAT(get(api.proxy.port.value()), HasSubstr("two"));
  one.release();
  client.join();
  EXPECT_THAT(held, HasSubstr("one"));
}

TEST_F(HaproxyProxyTest, ChangesTheModeOfAPortInPlace) {
  const TestServer one("one");
  const int port = free_port();
  RoutedInstance web = instance("web", port, {one.route()});
  sync({web});
  const pid_t pid = master();
  web.proxy.mode = model::ProxyMode::Tcp;
  EXPECT_EQ(sync({web}).trouble, "");
  EXPECT_THAT(get(port), HasSubstr("one"));
  EXPECT_EQ(master(), pid);
}

TEST_F(HaproxyProxyTest, ChangesTheAddressOfItsPortsInPlace) {
  const TestServer one("one");
  const int port = free_port();
  const RoutedInstance web = instance("web", port, {one.route()});
  sync({web});
  const pid_t pid = master();
  settings_.bind = "*";
  proxy_ = make_haproxy_proxy(settings_, clock_);
  EXPECT_EQ(sync({web}).trouble, "");
  EXPECT_THAT(get(port), HasSubstr("one"));
  EXPECT_EQ(master(), pid);
}

TEST_F(HaproxyProxyTest, LeavesOutATakenPortNamesWhoHasItAndMendsItself) {
  const TestServer one("one");
  const TestServer two("two");
  int taken = 0;
  io::Fd squatter = listen_anywhere(taken);
  const int port = free_port();
  const std::vector<RoutedInstance> wanted = {instance("api", taken, {one.route()}),
                                              instance("web", port, {two.route()})};
  ProxyState state = sync(wanted);
  EXPECT_THAT(state.refused.at({"api", "main"}),
              HasSubstr(fmt::format("port {} is taken by discovery_test (pid {})", taken, getpid())));
  EXPECT_THAT(get(port), HasSubstr("two"));
  EXPECT_FALSE(state.in_step);
  squatter.reset();
  state = sync(wanted);
  EXPECT_TRUE(state.refused.empty());
  EXPECT_TRUE(state.in_step);
  EXPECT_THAT(get(taken), HasSubstr("one"));
  EXPECT_THAT(get(port), HasSubstr("two"));
}

TEST_F(HaproxyProxyTest, DoesNotStartWhenEverythingIsRefused) {
  const TestServer one("one");
  int taken = 0;
  const io::Fd squatter = listen_anywhere(taken);
  EXPECT_EQ(sync({instance("api", taken, {one.route()})}).refused.size(), 1U);
  EXPECT_EQ(master(), 0);
}

TEST_F(HaproxyProxyTest, RoutesByHostOnTheSharedPort) {
  const TestServer one("one");
  const TestServer two("two");
  const RoutedInstance web{
      {"web", "main"}, {std::nullopt, model::ProxyMode::Http, {"Shop.test"}}, {one.route()}};
  const RoutedInstance api{
      {"api", "main"}, {std::nullopt, model::ProxyMode::Http, {"api.test"}}, {two.route()}};
  sync({api, web});
  EXPECT_THAT(get(settings_.http_port, "/", "SHOP.test:8080"), HasSubstr("one"));
  EXPECT_THAT(get(settings_.http_port, "/", "api.test"), HasSubstr("two"));
  EXPECT_THAT(get(settings_.http_port, "/", "other.test"), HasSubstr("no service has host other.test"));
}

TEST_F(HaproxyProxyTest, LeavesOutAnInstanceThatHaproxyRefuses) {
  const TestServer one("one");
  const int port = free_port();
  RoutedInstance bad = instance("bad", free_port(), {one.route()});
  bad.routes[0].address.ip = "not an address";
  const ProxyState state = sync({bad, instance("web", port, {one.route()})});
  EXPECT_THAT(state.refused.at({"bad", "main"}), HasSubstr("HAProxy refuses it"));
  EXPECT_THAT(get(port), HasSubstr("one"));
}

TEST_F(HaproxyProxyTest, LosesNoRequestWhileTasksAreReplacedAndServicesComeAndGo) {
  const int port = free_port();
  const int other = free_port();
  std::vector<std::unique_ptr<TestServer>> servers;
  servers.push_back(std::make_unique<TestServer>("task-0"));
  const TestServer two("two");
  sync({instance("web", port, {servers[0]->route()})});
  std::atomic<bool> done = false;
  std::atomic<int> served = 0;
  std::array<std::vector<std::string>, 4> failed;  // answers, by client
  std::vector<std::thread> clients;
  for (std::vector<std::string>& mine : failed) {
    clients.emplace_back([&] {
      while (!done) {
        const std::string answer = get(port);
        if (answer.starts_with("HTTP/1.1 200")) {
          ++served;
        } else {
          mine.push_back(answer);
        }
      }
    });
  }
  for (int i = 1; i <= 20; ++i) {
    servers.push_back(std::make_unique<TestServer>(fmt::format("task-{}", i)));
    const TestServer& old = *servers[servers.size() - 2];
    const TestServer& fresh = *servers.back();
    // As the planner does: nothing is drained before its successor is in.
    std::vector<RoutedInstance> wanted = {instance("web", port, {old.route(), fresh.route()})};
    if (i % 2 == 0) wanted.push_back(instance("other", other, {two.route()}));
    sync(wanted);
    const model::TaskId entering = fresh.route().task;
    until(
        [&](const ProxyState& now) { return now.servers.contains(entering) && now.servers.at(entering).in; });
    wanted[0].routes[0].traffic = model::Traffic::Drain;
    sync(wanted);
    const model::TaskId drained = old.route().task;
    until([&](const ProxyState& now) {
      return !now.servers.contains(drained) || now.servers.at(drained).sessions == 0;
    });
    servers[servers.size() - 2]->stop();
    const int so_far = served;
    until([&](const ProxyState&) { return served > so_far + 5; });
  }
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(served, 100);
  EXPECT_THAT(failed, Each(IsEmpty())) << "of " << served;
}

TEST_F(HaproxyProxyTest, WorkersAreNobodyInAnEmptyFolderAndReloadAllTheSame) {
  const auto user = worker_user();
  if (!user) GTEST_SKIP() << "needs root";
  settings_.user = user->user;
  settings_.group = user->group;
  proxy_ = make_haproxy_proxy(settings_, clock_);
  const TestServer one("one"), two("two");
  const int port = free_port(), later = free_port();
  sync({instance("web", port, {one.route()})});
  sync({instance("web", port, {one.route(), two.route()})});  // by the runtime interface
  EXPECT_THAT(get(port), HasSubstr("one"));
  EXPECT_THAT(get(port), HasSubstr("two"));
  const std::vector<pid_t> before = workers();
  const auto reloaded = sync({instance("web", port, {one.route()}), instance("api", later, {two.route()})});
  EXPECT_EQ(reloaded.trouble, "");
  EXPECT_NE(workers(), before);
  EXPECT_THAT(get(later), HasSubstr("two"));
  const std::string worker = fmt::format("/proc/{}", workers().at(0));
  const std::string status = io::read_file(worker + "/status").value_or("");
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_EQ(status.find("Uid:\t0"), std::string::npos) << status;
  EXPECT_EQ(std::filesystem::read_symlink(worker + "/root"), settings_.directory + "/empty");
  EXPECT_TRUE(std::filesystem::is_empty(settings_.directory + "/empty"));
  // Another control plane goes on with it.
  proxy_ = make_haproxy_proxy(settings_, clock_);
  EXPECT_TRUE(sync({instance("web", port, {one.route()}), instance("api", later, {two.route()})}).in_step);
}

TEST_F(HaproxyProxyTest, WorksInAFolderWhosePathIsLongerThanASocketsMayBe) {
  settings_.directory = directory_->path() / std::string(120, 'x') / "haproxy";
  proxy_ = make_haproxy_proxy(settings_, clock_);
  const TestServer one("one");
  const int port = free_port();
  EXPECT_TRUE(sync({instance("web", port, {one.route()})}).servers.at(model::TaskId("one")).in);
}

TEST_F(HaproxyProxyTest, PassesRawConnections) {
  const TestServer one("one");
  const int port = free_port();
  sync({{{"legacy", "main"}, {port, model::ProxyMode::Tcp, {}}, {one.route()}}});
  EXPECT_THAT(get(port), HasSubstr("one"));
}

TEST(HaproxyMissing, IsNotFoundAndNamesThePackage) {
  SystemClock clock;
  Result<io::TemporaryDirectory> directory = io::TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const auto proxy =
      make_haproxy_proxy({.directory = directory->path() / "haproxy", .haproxy = "no-haproxy"}, clock);
  const RoutedInstance web{{"web", "main"}, {free_port(), model::ProxyMode::Http, {}}, {}};
  const Result<ProxyState> state = proxy->sync({web}, clock.deadline_in(5s));
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(state.error().text(), HasSubstr("install the package haproxy"));
}

TEST(FakeProxy, DoesAsToldAndShowsItsKnobs) {
  FakeProxy proxy;
  const model::Route in{model::TaskId("a"), {"10.1.0.2", 80, 80}, model::Traffic::In};
  const model::Route out{model::TaskId("b"), {"10.1.0.3", 80, 80}, model::Traffic::Drain};
  const RoutedInstance web{{"web", "main"}, {18080, model::ProxyMode::Http, {}}, {in, out}};
  proxy.sessions[out.task] = 2;
  const Result<ProxyState> state = proxy.sync({web}, {});
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->servers.at(in.task).in);
  EXPECT_EQ(state->servers.at(out.task).sessions, 2);
  proxy.outage = Error(ErrorCode::Unavailable, "down");
  EXPECT_FALSE(proxy.observe({}));
}

}  // namespace
}  // namespace slipway::discovery
