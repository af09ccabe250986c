#include "engine/local/netlink.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include "base/check.h"

namespace slipway::engine::local {

namespace {

constexpr size_t kReceiveBytes = 64 << 10;

// A request under construction. Attributes follow a fixed header; a nested one is closed by the length it
// ended up with.
class Message {
 public:
  Message(uint16_t type, uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
    append(&header, sizeof(header));
  }

  template <class Header>
  Message& head(const Header& header) {
    append(&header, sizeof(header));
    return *this;
  }
  Message& add(uint16_t type, const void* data, size_t size) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
    append(&attribute, sizeof(attribute));
    append(data, size);
    return *this;
  }
  Message& add(uint16_t type, uint32_t value) { return add(type, &value, sizeof(value)); }
  Message& add(uint16_t type, std::string_view text) {
    const std::string terminated(text);
    return add(type, terminated.c_str(), terminated.size() + 1);
  }
  Message& add_ipv4(uint16_t type, Ipv4 address) { return add(type, htonl(address)); }

  size_t begin(uint16_t type) {
    const size_t start = bytes_.size();
    add(type, nullptr, 0);
    return start;
  }
  void end(size_t start) {
    const auto length = static_cast<uint16_t>(bytes_.size() - start);
    std::memcpy(bytes_.data() + start + offsetof(rtattr, rta_len), &length, sizeof(length));
  }

  std::string take() { return std::move(bytes_); }

 private:
  void append(const void* data, size_t size) {
    if (size > 0) bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()), '\0');
  }

  std::string bytes_;
};

ifinfomsg link_header(int index = 0, uint32_t flags = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  header.ifi_flags = flags;
  header.ifi_change = flags;
  return header;
}

// Calls `use(type, data, size)` for each attribute of a row of them.
template <class Use>
void each_attribute(std::string_view row, Use use) {
  size_t at = 0;
  while (at + sizeof(rtattr) <= row.size()) {
    rtattr attribute{};
    std::memcpy(&attribute, row.data() + at, sizeof(attribute));
    if (attribute.rta_len < sizeof(rtattr) || at + attribute.rta_len > row.size()) return;
    use(attribute.rta_type, row.data() + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
    at += RTA_ALIGN(attribute.rta_len);
  }
}

// The same for those of a message, behind a header of `header_size` bytes.
template <class Use>
void each_attribute(const std::string& message, size_t header_size, Use use) {
  const size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
  if (message.size() > start) each_attribute(std::string_view(message).substr(start), use);
}

// Of an IFLA_LINKINFO.
bool is_bridge(std::string_view info) {
  bool found = false;
  each_attribute(info, [&](int type, const char* data, size_t size) {
    found = found || (type == IFLA_INFO_KIND && std::string_view(data, size).starts_with("bridge"));
  });
  return found;
}

Status check(const Result<int>& answer, const std::string& what) {
  if (!answer) return answer.error().context(what);
  if (*answer != 0) return errno_error(-*answer, what);
  return {};
}

}  // namespace

std::string to_text_ipv4(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

Result<Netlink> Netlink::open() {
  io::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return errno_error(errno, "open a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return errno_error(errno, "bind a netlink socket");
  }
  // The kernel answers at once or not at all; this only guards against a kernel that does neither.
  const timeval patience{10, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return Netlink(std::move(socket));
}

Status Netlink::send(std::string& message) {
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof(header));
  header.nlmsg_len = static_cast<uint32_t>(message.size());
  header.nlmsg_seq = ++sequence_;
  std::memcpy(message.data(), &header, sizeof(header));
  if (::send(socket_.get(), message.data(), message.size(), 0) < 0)
    return errno_error(errno, "ask the kernel");
  return {};
}

Result<std::vector<std::string>> Netlink::receive() {
  std::string buffer(kReceiveBytes, '\0');
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno_error(errno == EAGAIN ? ETIMEDOUT : errno, "read the kernel's answer");
  std::vector<std::string> messages;
  for (size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<size_t>(got);) {
    nlmsghdr header{};
    std::memcpy(&header, buffer.data() + at, sizeof(header));
    if (header.nlmsg_len < sizeof(header) || at + header.nlmsg_len > static_cast<size_t>(got)) break;
    // What is left of an answer that an earlier call gave up on is not ours.
    if (header.nlmsg_seq == sequence_) messages.push_back(buffer.substr(at, header.nlmsg_len));
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  return messages;
}

namespace {
uint16_t type_of(const std::string& message) {
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof(header));
  return header.nlmsg_type;
}
// Of NLMSG_ERROR (and NLMSG_DONE): 0 or a negative errno.
int error_of(const std::string& message) {
  int number = 0;
  if (message.size() >= NLMSG_HDRLEN + sizeof(number)) {
    std::memcpy(&number, message.data() + NLMSG_HDRLEN, sizeof(number));
  }
  return number;
}
}  // namespace

Result<int> Netlink::transact(std::string message) {
  TRY(send(message));
  while (true) {
    for (const std::string& answer : TRY(receive())) {
      if (type_of(answer) == NLMSG_ERROR) return error_of(answer);
    }
  }
}

Result<std::vector<std::string>> Netlink::dump(std::string message) {
  TRY(send(message));
  std::vector<std::string> all;
  while (true) {
    for (std::string& answer : TRY(receive())) {
      if (type_of(answer) == NLMSG_ERROR) return errno_error(-error_of(answer), "list from the kernel");
      if (type_of(answer) == NLMSG_DONE) return all;
      all.push_back(std::move(answer));
    }
  }
}

Result<int> Netlink::link_index(const std::string& name) {
  for (const Link& link : TRY(links())) {
    if (link.name == name) return link.index;
  }
  return Error(ErrorCode::NotFound, "network link " + name);
}

Result<std::vector<Link>> Netlink::links() {
  Message message(RTM_GETLINK, NLM_F_DUMP);
  message.head(link_header());
  std::vector<Link> all;
  for (const std::string& answer : TRY(dump(message.take()))) {
    ifinfomsg header{};
    if (answer.size() < NLMSG_HDRLEN + sizeof(header)) continue;
    std::memcpy(&header, answer.data() + NLMSG_HDRLEN, sizeof(header));
    Link link{header.ifi_index, "", 0, false};
    each_attribute(answer, sizeof(ifinfomsg), [&](int type, const char* data, size_t size) {
      if (type == IFLA_IFNAME && size > 0) link.name.assign(data, size - 1);
      if (type == IFLA_MASTER && size == sizeof(link.master)) std::memcpy(&link.master, data, size);
      if (type == IFLA_LINKINFO) link.bridge = is_bridge({data, size});
    });
    all.push_back(std::move(link));
  }
  return all;
}

Status Netlink::add_bridge(const std::string& name, const MacAddress& mac) {
  Message message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.head(link_header(0, IFF_UP)).add(IFLA_IFNAME, name).add(IFLA_ADDRESS, mac.data(), mac.size());
  const size_t info = message.begin(IFLA_LINKINFO);
  message.add(IFLA_INFO_KIND, "bridge");
  message.end(info);
  return check(transact(message.take()), "add bridge " + name);
}

Status Netlink::add_veth(const VethPair& pair) {
  Message message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.head(link_header(0, IFF_UP)).add(IFLA_IFNAME, pair.outer_name);
  message.add(IFLA_MASTER, static_cast<uint32_t>(pair.bridge_index));
  const size_t info = message.begin(IFLA_LINKINFO);
  message.add(IFLA_INFO_KIND, "veth");
  const size_t data = message.begin(IFLA_INFO_DATA);
  const size_t peer = message.begin(VETH_INFO_PEER);
  message.head(link_header()).add(IFLA_IFNAME, pair.inner_name);
  message.add(IFLA_ADDRESS, pair.inner_mac.data(), pair.inner_mac.size());
  message.add(IFLA_NET_NS_FD, static_cast<uint32_t>(pair.inner_namespace));
  message.end(peer);
  message.end(data);
  message.end(info);
  return check(transact(message.take()), "add veth " + pair.outer_name);
}

Status Netlink::set_up(int index) {
  Message message(RTM_NEWLINK, NLM_F_ACK);
  message.head(link_header(index, IFF_UP));
  return check(transact(message.take()), fmt::format("set up link {}", index));
}

Status Netlink::set_master(int index, int bridge_index) {
  Message message(RTM_NEWLINK, NLM_F_ACK);
  message.head(link_header(index)).add(IFLA_MASTER, static_cast<uint32_t>(bridge_index));
  const Result<int> answer = transact(message.take());
  if (answer && *answer == -ENODEV) return {};
  return check(answer, fmt::format("plug link {} into bridge {}", index, bridge_index));
}

Status Netlink::add_address(int index, Ipv4 address, int prefix) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = static_cast<uint8_t>(prefix);
  header.ifa_index = static_cast<uint32_t>(index);
  Message message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.head(header).add_ipv4(IFA_LOCAL, address).add_ipv4(IFA_ADDRESS, address);
  const Ipv4 broadcast = prefix >= 31 ? address : address | ((1U << (32 - prefix)) - 1);
  message.add_ipv4(IFA_BROADCAST, broadcast);
  return check(transact(message.take()),
               fmt::format("add address {} to link {}", to_text_ipv4(address), index));
}

Status Netlink::add_default_route(Ipv4 gateway) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.head(header).add_ipv4(RTA_GATEWAY, gateway);
  return check(transact(message.take()), "add the default route by " + to_text_ipv4(gateway));
}

Status Netlink::delete_link(const std::string& name) {
  Message message(RTM_DELLINK, NLM_F_ACK);
  message.head(link_header()).add(IFLA_IFNAME, name);
  const Result<int> answer = transact(message.take());
  if (answer && *answer == -ENODEV) return {};
  return check(answer, "delete link " + name);
}

Result<std::vector<Subnet>> Netlink::routes() {
  rtmsg request{};
  request.rtm_family = AF_INET;
  Message message(RTM_GETROUTE, NLM_F_DUMP);
  message.head(request);
  std::vector<Subnet> all;
  for (const std::string& answer : TRY_CONTEXT(dump(message.take()), "list routes")) {
    rtmsg header{};
    if (answer.size() < NLMSG_HDRLEN + sizeof(header)) continue;
    std::memcpy(&header, answer.data() + NLMSG_HDRLEN, sizeof(header));
    if (header.rtm_table == RT_TABLE_LOCAL || header.rtm_dst_len == 0) continue;
    each_attribute(answer, sizeof(rtmsg), [&](int type, const char* data, size_t size) {
      uint32_t address = 0;
      if (type != RTA_DST || size != sizeof(address)) return;
      std::memcpy(&address, data, size);
      all.push_back({ntohl(address), header.rtm_dst_len});
    });
  }
  return all;
}

}  // namespace slipway::engine::local
