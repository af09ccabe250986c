// Against servers of our own on the loopback, at ports that the kernel chose.
#include "engine/local/health_prober.h"

#include <algorithm>
#include <atomic>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mutex.h"
#include "engine/local/health_probe.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

using model::Health;

// Accepts connections and gives each the same answer; an empty one: takes the request and says nothing.
class Server {
 public:
  explicit Server(std::string answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    socklen_t size = sizeof name;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    port_ = ntohs(name.sin_port);
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    stop_read_ = io::Fd(ends[0]);
    stop_write_ = io::Fd(ends[1]);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_write_.reset();
    thread_.join();
  }
  Server(const Server&) = delete;

  model::Address address() const { return {"127.0.0.1", port_, port_}; }

 private:
  void serve() {
    std::vector<io::Fd> open;
    while (true) {
      pollfd fds[2] = {{listener_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 || fds[1].revents != 0) return;
      io::Fd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client.valid()) continue;
      if (!answer_.empty()) {
        char request[1024];
        static_cast<void>(!::recv(client.get(), request, sizeof request, 0));
        static_cast<void>(!::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL));
      } else {
        open.push_back(std::move(client));
      }
    }
  }

  const std::string answer_;
  io::Fd listener_, stop_read_, stop_write_;
  int port_ = 0;
  std::thread thread_;
};

class Prober : public testing::Test {
 protected:
  void start(HealthProber::CommandCheck command = {}) {
    prober_ = std::make_unique<HealthProber>(clock_, std::move(command), [this](HealthReport report) {
      const Lock lock(mutex_);
      reports_.push_back(std::move(report));
      changed_.notify_all();
    });
  }

  static ProbeTarget target(model::HealthMode mode, std::optional<model::Address> address,
                            const std::string& id = "t") {
    ProbeTarget result;
    result.task = model::TaskId(id);
    result.revision = model::RevisionId("r-" + id.substr(0, id.find('-')));
    result.run = 7;
    result.check.mode = mode;
    result.check.grace_period = 0ms;
    result.check.interval = 10ms;
    result.check.timeout = 5s;
    result.check.max_consecutive_failures = 2;
    result.address = std::move(address);
    result.started_at = SystemClock().steady_now();
    return result;
  }

  // The first report of this health.
  std::optional<HealthReport> wait_for(Health health, const std::string& id = "t") {
    const SteadyTime end = clock_.deadline_in(30s).at;
    std::unique_lock<Mutex> lock(mutex_);
    while (true) {
      for (const HealthReport& report : reports_) {
        if (report.health == health && report.task.str() == id) return report;
      }
      if (changed_.wait_until(lock, end) == std::cv_status::timeout) return std::nullopt;
    }
  }

  SystemClock clock_;
  Mutex mutex_;
  Condition changed_;
  std::vector<HealthReport> reports_;
  std::unique_ptr<HealthProber> prober_;
};

TEST_F(Prober, HttpPassesBelow400AndReportsTheRun) {
  const Server server("HTTP/1.1 204 No Content\r\n\r\n");
  start();
  prober_->watch(target(model::HealthMode::Http, server.address()));
  const auto report = wait_for(Health::Healthy);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->run, 7U);
  EXPECT_EQ(report->reason, "");
}

TEST_F(Prober, HttpStatusOf500IsAFailureThatSaysSo) {
  const Server server("HTTP/1.0 503 Service Unavailable\r\n\r\n");
  start();
  prober_->watch(target(model::HealthMode::Http, server.address()));
  const auto report = wait_for(Health::Unhealthy);
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("/status: status 503 (2 failures"), std::string::npos) << report->reason;
}

TEST_F(Prober, AnswerThatIsNotHttpIsAFailure) {
  const Server server("hello\n");
  start();
  prober_->watch(target(model::HealthMode::Http, server.address()));
  const auto report = wait_for(Health::Unhealthy);
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("not HTTP"), std::string::npos) << report->reason;
}

TEST_F(Prober, TcpPassesWhenTheConnectionIsMade) {
  const Server server("x");
  start();
  prober_->watch(target(model::HealthMode::Tcp, server.address()));
  EXPECT_TRUE(wait_for(Health::Healthy));
}

TEST_F(Prober, RefusedConnectionIsNamed) {
  int port = 0;
  {
    const Server server("x");
    port = server.address().port;
  }
  start();
  prober_->watch(target(model::HealthMode::Tcp, model::Address{"127.0.0.1", port, port}));
  const auto report = wait_for(Health::Unhealthy);
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("connection refused"), std::string::npos) << report->reason;
}

TEST_F(Prober, SilentServerFailsByTheTimeoutAndDelaysNoOther) {
  const Server silent(""), good("HTTP/1.1 200 OK\r\n\r\n");
  start();
  ProbeTarget slow = target(model::HealthMode::Http, silent.address(), "slow");
  slow.check.timeout = 50ms;
  prober_->watch(slow);
  prober_->watch(target(model::HealthMode::Http, good.address(), "good"));
  EXPECT_TRUE(wait_for(Health::Healthy, "good"));
  const auto report = wait_for(Health::Unhealthy, "slow");
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("no answer within 50ms"), std::string::npos) << report->reason;
}

TEST_F(Prober, HttpsSpeaksTlsAndSaysWhenTheOtherSideDoesNot) {
  const Server plain("HTTP/1.1 200 OK\r\n\r\n");
  start();
  prober_->watch(target(model::HealthMode::Https, plain.address()));
  const auto report = wait_for(Health::Unhealthy);
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("TLS handshake failed"), std::string::npos) << report->reason;
}

TEST_F(Prober, TaskWithoutAnAddressFailsAndSaysSo) {
  start();
  prober_->watch(target(model::HealthMode::Tcp, std::nullopt));
  const auto report = wait_for(Health::Unhealthy);
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("no address"), std::string::npos) << report->reason;
}

TEST_F(Prober, CommandDecidesByItsResult) {
  start([](const ProbeTarget& probed) -> Status {
    if (probed.task.str() == "good") return {};
    return Error(ErrorCode::Unavailable, "exit code 1: nope");
  });
  ProbeTarget good = target(model::HealthMode::Cmd, std::nullopt, "good");
  ProbeTarget bad = target(model::HealthMode::Cmd, std::nullopt, "bad");
  good.check.cmd = bad.check.cmd = {"test", "-e", "/ok"};
  prober_->watch(good);
  prober_->watch(bad);
  EXPECT_TRUE(wait_for(Health::Healthy, "good"));
  const auto report = wait_for(Health::Unhealthy, "bad");
  ASSERT_TRUE(report);
  EXPECT_NE(report->reason.find("command 'test -e /ok': exit code 1: nope"), std::string::npos)
      << report->reason;
}

TEST_F(Prober, CommandThatCouldNotBeRunSaysNothingAboutTheTask) {
  std::atomic<int> asked = 0;
  start([&asked](const ProbeTarget&) -> std::optional<Status> {
    const int times = ++asked;
    if (times == 1 || times > 5) return Status();
    return std::nullopt;
  });
  ProbeTarget checked = target(model::HealthMode::Cmd, std::nullopt);
  checked.check.interval = 1ms;
  checked.check.max_consecutive_failures = 1;
  prober_->watch(checked);
  EXPECT_TRUE(wait_for(Health::Healthy));
  const Deadline patience = clock_.deadline_in(30s);
  while (asked < 6 && !patience.passed(clock_.steady_now())) std::this_thread::yield();
  EXPECT_GE(asked, 6) << "it is asked again and again";
  prober_.reset();
  const Lock lock(mutex_);
  EXPECT_EQ(std::ranges::count(reports_, Health::Unhealthy, &HealthReport::health), 0);
}

TEST_F(Prober, RevisionWhoseCommandsHangDelaysNoOther) {
  std::atomic<bool> over = false;
  start([&over](const ProbeTarget& probed) -> Status {
    while (probed.task.str() != "good" && !over) std::this_thread::yield();
    return {};
  });
  for (int i = 0; i < 12; ++i) {
    prober_->watch(target(model::HealthMode::Cmd, std::nullopt, "hangs-" + std::to_string(i)));
  }
  prober_->watch(target(model::HealthMode::Cmd, std::nullopt, "good"));
  const bool healthy = wait_for(Health::Healthy, "good").has_value();
  over = true;
  EXPECT_TRUE(healthy);
}

TEST_F(Prober, RevisionWhoseServersAreSilentDelaysNoOther) {
  const Server silent(""), good("HTTP/1.1 200 OK\r\n\r\n");
  start();
  for (int i = 0; i < kSocketProbes + 10; ++i) {
    ProbeTarget slow = target(model::HealthMode::Http, silent.address(), "silent-" + std::to_string(i));
    slow.check.timeout = 10min;
    prober_->watch(slow);
  }
  prober_->watch(target(model::HealthMode::Http, good.address(), "good"));
  EXPECT_TRUE(wait_for(Health::Healthy, "good"));
}

TEST_F(Prober, ForgottenTargetIsReportedNoMore) {
  const Server server("x");
  start();
  prober_->watch(target(model::HealthMode::Tcp, server.address(), "gone"));
  prober_->forget(model::TaskId("gone"));
  prober_->watch(target(model::HealthMode::Tcp, server.address(), "kept"));
  EXPECT_TRUE(wait_for(Health::Healthy, "kept"));
  prober_.reset();
  // A connection that was made before the order came may have been reported; a second report cannot be.
  const Lock lock(mutex_);
  EXPECT_LE(std::ranges::count(reports_, model::TaskId("gone"), &HealthReport::task), 1);
}

}  // namespace
}  // namespace slipway::engine::local
