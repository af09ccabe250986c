// A real bridge and real network namespaces: needs root.
#include "engine/local/network.h"

#include <cstring>
#include <functional>
#include <poll.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/text.h"
#include "engine/local/firewall.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {
namespace {

TEST(Ipv4, ReadsAndWritesDottedQuads) {
  EXPECT_EQ(parse_ipv4("10.64.0.1"), 0x0a400001U);
  EXPECT_EQ(to_text_ipv4(0xc0a80102), "192.168.1.2");
  EXPECT_EQ(parse_ipv4("10.64.0"), std::nullopt);
  EXPECT_EQ(parse_ipv4("10.64.0.256"), std::nullopt);
}

TEST(Subnet, KnowsWhatItContainsAndOverlaps) {
  const Subnet small{0x0a400400, 22};
  EXPECT_TRUE(small.contains(0x0a4007ff));
  EXPECT_FALSE(small.contains(0x0a400800));
  EXPECT_TRUE(small.overlaps({0x0a000000, 8}));
  EXPECT_TRUE((Subnet{0x0a000000, 8}).overlaps(small));
  EXPECT_FALSE(small.overlaps({0x0a400000, 22}));
}

io::Fd listen_here() {
  io::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(8080);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) != 0) listener.reset();
  if (listener.valid() && ::listen(listener.get(), 8) != 0) listener.reset();
  return listener;
}

// Listens on port 8080 inside `name_space`; the thread that listens lives there.
io::Fd listen_inside(int name_space) {
  io::Fd listener;
  std::thread([&] {
    if (::setns(name_space, CLONE_NEWNET) == 0) listener = listen_here();
  }).join();
  return listener;
}

bool can_connect(const std::string& address, int name_space = -1) {
  bool connected = false;
  std::thread([&] {
    if (name_space >= 0 && ::setns(name_space, CLONE_NEWNET) != 0) return;
    const io::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{5, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(8080);
    ::inet_pton(AF_INET, address.c_str(), &target.sin_addr);
    connected = ::connect(client.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)) == 0;
  }).join();
  return connected;
}

// In a network namespace of their own, in which nobody else has bridges.
void in_own_namespace(const std::function<void()>& work) {
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root: makes a network namespace";
    work();
  }).join();
}

TEST(Forwarding, IsAsItWasOnceTheLastOfTwoClustersHasGone) {
  in_own_namespace([] {
    const SystemClock clock;
    const Deadline deadline = clock.deadline_in(30s);
    const auto state = io::TemporaryDirectory::create().value();
    for (const std::string before : {"0", "1"}) {
      ASSERT_TRUE(write_setting("/proc/sys/net/ipv4/ip_forward", before));
      const auto now = [] { return std::string(trim(*io::read_file("/proc/sys/net/ipv4/ip_forward"))); };
      const auto open = [&](const std::string& name) {
        return Network::open(state.path() / name, name, clock, deadline, state.path() / "run").value();
      };
      const auto first = open("first");
      auto second = open("second");
      EXPECT_EQ(now(), "1");
      ASSERT_TRUE(first->remove(deadline));
      EXPECT_EQ(now(), "1") << "the second needs it still";
      second.reset();
      second = open("second");  // a control plane that was started anew in between
      ASSERT_TRUE(second->remove(deadline));
      EXPECT_EQ(now(), before);
    }
  });
}

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes a bridge and firewall rules";
    forwarding_before_ = *io::read_file("/proc/sys/net/ipv4/ip_forward");
    network_ = open();
    ASSERT_NE(network_, nullptr);
  }
  void TearDown() override {
    if (!network_) return;
    const std::string bridge = network_->bridge();
    const Status removed = network_->remove(deadline());
    EXPECT_TRUE(removed) << removed.error().text();
    EXPECT_EQ(rules().find(bridge), std::string::npos);
    EXPECT_FALSE(io::exists("/sys/class/net/" + bridge));
    EXPECT_EQ(*io::read_file("/proc/sys/net/ipv4/ip_forward"), forwarding_before_);
    EXPECT_FALSE(io::exists(state_.path() / "network.json"));
  }

  std::unique_ptr<Network> open() {
    Result<std::unique_ptr<Network>> network = Network::open(state_.path(), "test", clock_, deadline());
    EXPECT_TRUE(network) << network.error().text();
    return network ? std::move(*network) : nullptr;
  }
  Deadline deadline() const { return clock_.deadline_in(30s); }

  std::string rules() {
    io::Command command;
    command.argv = {"iptables-save"};
    return io::run_ok(command, clock_, deadline()).value().out;
  }

  // How often the rules mention our bridge.
  size_t rule_count() {
    size_t count = 0;
    for (const std::string& line : split(rules(), '\n')) {
      if (line.find("slipway:" + network_->bridge()) != std::string::npos) ++count;
    }
    return count;
  }

  SystemClock clock_;
  io::TemporaryDirectory state_ = io::TemporaryDirectory::create().value();
  std::string forwarding_before_;
  std::unique_ptr<Network> network_;
};

TEST_F(NetworkTest, ConnectsTasksToTheHostAndToEachOther) {
  const std::string first = network_->allocate().value();
  const std::string second = network_->allocate().value();
  Result<io::Fd> one = network_->attach(first);
  ASSERT_TRUE(one) << one.error().text();
  Result<io::Fd> two = network_->attach(second);
  ASSERT_TRUE(two) << two.error().text();
  const io::Fd listener = listen_inside(one->get());
  ASSERT_TRUE(listener.valid());
  EXPECT_TRUE(can_connect(first)) << "from the host";
  EXPECT_TRUE(can_connect(first, two->get())) << "from another task";
  EXPECT_TRUE(network_->detach(first));
  EXPECT_TRUE(network_->detach(first)) << "idempotent";
  EXPECT_TRUE(network_->detach(second));
}

// As ufw has it: nobody reaches what is not let in.
TEST(HostDoors, TasksReachThePortsOfTheProxyAndNoOtherOfAClosedHost) {
  in_own_namespace([] {
    const SystemClock clock;
    const Deadline deadline = clock.deadline_in(60s);
    const auto state = io::TemporaryDirectory::create().value();
    const auto open = [&] {
      return Network::open(state.path(), "doors", clock, deadline, state.path() / "run").value();
    };
    auto network = open();
    io::Command close;
    close.argv = {"iptables", "-P", "INPUT", "DROP"};
    ASSERT_TRUE(io::run_ok(close, clock, deadline));
    const std::string address = network->allocate().value();
    const io::Fd task = network->attach(address).value();
    const io::Fd at_task = listen_inside(task.get());
    const io::Fd at_host = listen_here();
    ASSERT_TRUE(at_host.valid());
    EXPECT_TRUE(can_connect(address)) << "answers to the host come in";
    EXPECT_FALSE(can_connect(network->gateway(), task.get()));
    EXPECT_TRUE(network->set_host_ports({80, 8080}).value());
    ASSERT_TRUE(network->ensure(deadline));
    EXPECT_TRUE(can_connect(network->gateway(), task.get()));
    EXPECT_FALSE(network->set_host_ports({80, 8080}).value()) << "nothing to do";
    network.reset();
    network = open();
    EXPECT_TRUE(can_connect(network->gateway(), task.get())) << "before the next control plane is told";
    EXPECT_TRUE(network->set_host_ports({80}).value());
    ASSERT_TRUE(network->ensure(deadline));
    EXPECT_FALSE(can_connect(network->gateway(), task.get()));
    ASSERT_TRUE(network->remove(deadline));
  });
}

TEST_F(NetworkTest, ReplacesAVethThatWasLeftOver) {
  const std::string address = network_->allocate().value();
  const io::Fd first = network_->attach(address).value();
  const Result<io::Fd> second = network_->attach(address);
  ASSERT_TRUE(second) << second.error().text();
  const io::Fd listener = listen_inside(second->get());
  EXPECT_TRUE(can_connect(address));
}

TEST_F(NetworkTest, TakesItsVethAwayWithTheNamespace) {
  const std::string address = network_->allocate().value();
  io::Fd task = network_->attach(address).value();
  const std::string veth = "/sys/class/net/slv" + [&] {
    char text[9];
    std::snprintf(text, sizeof(text), "%08x", *parse_ipv4(address));
    return std::string(text);
  }();
  EXPECT_TRUE(io::exists(veth));
  task.reset();
  const Deadline patience = deadline();
  while (io::exists(veth) && !patience.passed(clock_.steady_now())) std::this_thread::yield();
  EXPECT_FALSE(io::exists(veth));
}

TEST_F(NetworkTest, IsFoundAgainByTheNextControlPlaneAsItWas) {
  const Subnet subnet = network_->subnet();
  const std::string bridge = network_->bridge();
  const size_t before = rule_count();
  EXPECT_GE(before, 4U);
  network_ = open();
  ASSERT_NE(network_, nullptr);
  EXPECT_EQ(network_->subnet(), subnet);
  EXPECT_EQ(network_->bridge(), bridge);
  EXPECT_EQ(rule_count(), before) << "rules are not doubled";
}

TEST_F(NetworkTest, PutsRulesBackThatOthersFlushed) {
  const size_t before = rule_count();
  io::Command flush;
  flush.argv = {"iptables",
                "-D",
                "INPUT",
                "-i",
                network_->bridge(),
                "-m",
                "conntrack",
                "--ctstate",
                "RELATED,ESTABLISHED",
                "-m",
                "comment",
                "--comment",
                "slipway:" + network_->bridge(),
                "-j",
                "ACCEPT"};
  ASSERT_TRUE(io::run_ok(flush, clock_, deadline()));
  EXPECT_EQ(rule_count(), before - 1);
  EXPECT_TRUE(network_->ensure(deadline()));
  EXPECT_EQ(rule_count(), before);
}

TEST_F(NetworkTest, BridgeThatWasTakenAwayIsMadeAgainWithItsTasksInIt) {
  const std::string first = network_->allocate().value();
  const io::Fd one = network_->attach(first).value();
  const io::Fd listener = listen_inside(one.get());
  ASSERT_TRUE(can_connect(first));
  ASSERT_TRUE(Netlink::open().value().delete_link(network_->bridge()));
  const Status ensured = network_->ensure(deadline());
  ASSERT_TRUE(ensured) << ensured.error().text();
  EXPECT_TRUE(can_connect(first)) << "a task that runs";
  // Now without anybody to notice before the next task.
  ASSERT_TRUE(Netlink::open().value().delete_link(network_->bridge()));
  const std::string second = network_->allocate().value();
  const Result<io::Fd> two = network_->attach(second);
  ASSERT_TRUE(two) << two.error().text();
  EXPECT_TRUE(can_connect(first, two->get()));
  EXPECT_TRUE(can_connect(first));
}

TEST_F(NetworkTest, BridgeThatWentWhileNobodyLookedAfterItHasItsTasksAgain) {
  const std::string first = network_->allocate().value();
  const io::Fd one = network_->attach(first).value();
  const io::Fd listener = listen_inside(one.get());
  const std::string bridge = network_->bridge();
  network_.reset();
  ASSERT_TRUE(Netlink::open().value().delete_link(bridge));
  network_ = open();
  ASSERT_NE(network_, nullptr);
  EXPECT_TRUE(can_connect(first));
}

TEST_F(NetworkTest, RulesOfNftGoThoughIptablesWasInstalledLater) {
  if (!io::find_program("nft")) GTEST_SKIP() << "needs nft";
  const std::string before = ::getenv("PATH");
  const std::filesystem::path links = state_.path() / "links";
  std::filesystem::create_directory(links);
  std::filesystem::create_symlink(*io::find_program("nft"), links / "nft");
  Firewall firewall("slw-later", Subnet{0xc6120000, 22}, clock_);
  ::setenv("PATH", links.c_str(), 1);
  const Status ensured = firewall.ensure({}, deadline());
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(ensured) << ensured.error().text();
  io::Command list;
  list.argv = {"nft", "list", "tables"};
  EXPECT_NE(io::run_ok(list, clock_, deadline()).value().out.find("slipway_slw_later"), std::string::npos);
  const Status removed = firewall.remove(deadline());
  EXPECT_TRUE(removed) << removed.error().text();
  EXPECT_EQ(io::run_ok(list, clock_, deadline()).value().out.find("slipway_slw_later"), std::string::npos);
}

TEST_F(NetworkTest, GivesEachAddressOnceAndRestsItBeforeTheNextUse) {
  const std::string first = network_->allocate().value();
  const std::string second = network_->allocate().value();
  EXPECT_NE(first, second);
  EXPECT_NE(first, network_->gateway());
  network_->release(first);
  EXPECT_NE(network_->allocate().value(), first);
  EXPECT_EQ(network_->claim(second).error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(network_->claim(first));
  EXPECT_EQ(network_->claim("8.8.8.8").error().code(), ErrorCode::Invalid);
  EXPECT_EQ(network_->claim(network_->gateway()).error().code(), ErrorCode::Invalid);
}

TEST_F(NetworkTest, RunsOutOfAddressesHonestly) {
  size_t given = 0;
  while (network_->allocate()) ++given;
  EXPECT_EQ(given, 1021U);
  EXPECT_EQ(network_->allocate().error().code(), ErrorCode::Exhausted);
}

}  // namespace
}  // namespace slipway::engine::local
