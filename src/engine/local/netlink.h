// The few things asked of the kernel's rtnetlink: links, addresses, routes. No `ip` processes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file.h"

namespace slipway::engine::local {

// Addresses are in host byte order: 10.0.0.1 is 0x0a000001.
using Ipv4 = uint32_t;
std::string to_text_ipv4(Ipv4 address);
std::optional<Ipv4> parse_ipv4(std::string_view text);

struct Subnet {
  Ipv4 base = 0;
  int prefix = 0;
  uint32_t size() const { return prefix == 0 ? UINT32_MAX : 1U << (32 - prefix); }
  bool contains(Ipv4 address) const { return address >= base && address - base < size(); }
  bool overlaps(const Subnet& other) const { return contains(other.base) || other.contains(base); }
  std::string text() const { return to_text_ipv4(base) + "/" + std::to_string(prefix); }
  bool operator==(const Subnet&) const = default;
};

using MacAddress = std::array<uint8_t, 6>;

// Both ends of a virtual cable: the outer one in the socket's namespace, the inner one elsewhere.
struct VethPair {
  std::string outer_name;
  int bridge_index = 0;  // that the outer end is plugged into
  std::string inner_name;
  MacAddress inner_mac{};
  int inner_namespace = -1;  // borrowed
};

struct Link {
  int index = 0;
  std::string name;
  uint32_t master = 0;  // index of the bridge it is plugged into; 0: none
  bool bridge = false;
};

// A netlink socket, which belongs to the network namespace in which it was opened. One thread. Every error
// names the link or address.
class Netlink {
 public:
  static Result<Netlink> open();
  Netlink(Netlink&&) noexcept = default;

  Result<int> link_index(const std::string& name);  // NotFound
  Result<std::vector<Link>> links();
  Status add_bridge(const std::string& name, const MacAddress& mac);  // Conflict when there is one
  Status add_veth(const VethPair& pair);  // both ends; the outer one is up; Conflict
  Status set_up(int index);
  Status set_master(int index, int bridge_index);           // plugs the link into the bridge
  Status add_address(int index, Ipv4 address, int prefix);  // there already: fine
  Status add_default_route(Ipv4 gateway);
  Status delete_link(const std::string& name);  // missing is fine
  // Destinations of all IPv4 routes of all tables but the default routes, broadcast and the local table.
  Result<std::vector<Subnet>> routes();

 private:
  explicit Netlink(io::Fd socket) : socket_(std::move(socket)) {}
  Status send(std::string& message);
  // The messages of one datagram that answer the present request.
  Result<std::vector<std::string>> receive();
  // Sends and waits for the acknowledgement: 0 or a negative errno.
  Result<int> transact(std::string message);
  Result<std::vector<std::string>> dump(std::string message);

  io::Fd socket_;
  uint32_t sequence_ = 0;
};

}  // namespace slipway::engine::local
