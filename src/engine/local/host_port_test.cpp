#include "engine/local/host_port.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "io/file.h"

namespace slipway::engine::local {
namespace {

TEST(HostPort, ThePreferredOneIsGivenOnceOnly) {
  const int free_port = choose_host_port(0, {}).value();
  EXPECT_EQ(choose_host_port(free_port, {}).value(), free_port);
  EXPECT_NE(choose_host_port(free_port, {free_port}).value(), free_port);
}

TEST(HostPort, OneThatSomebodyListensOnIsNotGiven) {
  const io::Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), generic, sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listener.get(), generic, &size), 0);
  EXPECT_NE(choose_host_port(ntohs(address.sin_port), {}).value(), ntohs(address.sin_port));
}

}  // namespace
}  // namespace slipway::engine::local
