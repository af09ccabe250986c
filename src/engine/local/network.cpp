#include "engine/local/network.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sched.h>
#include <set>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <net/if.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/text.h"
#include "engine/local/firewall.h"
#include "engine/local/forwarding.h"
#include "engine/local/task_files.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

// A bridge takes 1,023 ports, and this many addresses fit.
constexpr int kPrefix = 22;
constexpr const char* kBridgePrefix = "slw-";
constexpr const char* kVethPrefix = "slv";
constexpr const char* kInner = "eth0";

// Where subnets are looked for, in this order.
constexpr Subnet kPrivate[] = {
    {0x0a400000, 10}, {0xac180000, 13}, {0xc0a80000, 16}};  // 10.64/10 172.24/13 192.168/16

// Locally administered, and the same for the same address, so that no neighbour's ARP table is ever wrong.
MacAddress mac_of(Ipv4 address) {
  return {0x02,
          0x51,
          static_cast<uint8_t>(address >> 24),
          static_cast<uint8_t>(address >> 16),
          static_cast<uint8_t>(address >> 8),
          static_cast<uint8_t>(address)};
}

std::string veth_name(Ipv4 address) {
  return fmt::format("{}{:08x}", kVethPrefix, address);
}

std::optional<Ipv4> address_of_veth(const std::string& name) {
  if (!name.starts_with(kVethPrefix)) return std::nullopt;
  const std::string_view digits = std::string_view(name).substr(std::string_view(kVethPrefix).size());
  Ipv4 address = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address, 16);
  const bool whole = digits.size() == 8 && error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(address) : std::nullopt;
}

// Runs `work` in a network namespace of its own making, on a thread that lives only for that.
template <class Work>
Result<io::Fd> in_new_namespace(Work work) {
  Result<io::Fd> made = Error(ErrorCode::Internal, "make a network namespace");
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      made = errno_error(errno, "make a network namespace");
      return;
    }
    io::Fd handle(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!handle.valid()) {
      made = errno_error(errno, "open a network namespace");
      return;
    }
    const Status worked = work(handle.get());
    made = worked ? Result<io::Fd>(std::move(handle)) : Result<io::Fd>(worked.error());
  }).join();
  return made;
}

// What every namespace of a task has: loopback, and, since no port of it is anybody else's, the freedom to
// bind any of them and to ping without a capability.
Status set_up_common(Netlink& inside) {
  TRY(write_setting("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"));
  TRY(write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647"));
  return inside.set_up(TRY(inside.link_index("lo")));
}

struct Record {
  std::string bridge;
  Subnet subnet;
  std::set<int> host_ports;
};

fs::path record_path(const fs::path& state) {
  return state / "network.json";
}

Result<Record> read_record(const fs::path& state) {
  const Json json = TRY(Json::parse(TRY(io::read_file(record_path(state)))));
  const std::optional<Ipv4> base = parse_ipv4(json.at("subnet").as_string());
  const int64_t prefix = json.at("prefix").as_int();
  Record record{json.at("bridge").as_string(), {base.value_or(0), static_cast<int>(prefix)}, {}};
  for (const Json& port : json.at("host_ports").as_array()) {
    record.host_ports.insert(static_cast<int>(port.as_int()));
  }
  if (!base || prefix < 8 || prefix > 30 || !record.bridge.starts_with(kBridgePrefix)) {
    return Error(ErrorCode::Invalid, "read " + record_path(state).string());
  }
  return record;
}

Status write_record(const fs::path& state, const Record& record) {
  Json json;
  json["bridge"] = record.bridge;
  json["subnet"] = to_text_ipv4(record.subnet.base);
  json["prefix"] = record.subnet.prefix;
  json["host_ports"] = Json::Array(record.host_ports.begin(), record.host_ports.end());
  return io::write_file(record_path(state), json.dump(2) + "\n", true);
}

// Starting at a place of the cluster's own, so that two clusters of one host seldom look at the same
// candidate.
Result<Subnet> choose_subnet(Netlink& host, const std::string& seed) {
  const std::vector<Subnet> taken = TRY(host.routes());
  const uint32_t start = static_cast<uint32_t>(std::stoul(seed.substr(0, 8), nullptr, 16));
  for (const Subnet& range : kPrivate) {
    const uint32_t count = 1U << (kPrefix - range.prefix);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t slot = (start + i) % count;
      const Subnet candidate{range.base + (slot << (32 - kPrefix)), kPrefix};
      const bool free = std::none_of(taken.begin(), taken.end(),
                                     [&](const Subnet& route) { return route.overlaps(candidate); });
      if (free) return candidate;
    }
  }
  return Error(ErrorCode::Exhausted, "find a private subnet that no route of this host covers");
}

// After a reboot the bridge is gone, and the host may have got a route to where it was.
Result<bool> is_still_free(Netlink& host, const Record& record) {
  for (const Link& link : TRY(host.links())) {
    if (link.name == record.bridge) return true;
  }
  const std::vector<Subnet> taken = TRY(host.routes());
  return std::none_of(taken.begin(), taken.end(),
                      [&](const Subnet& route) { return route.overlaps(record.subnet); });
}

Result<Record> make_record(Netlink& host, const fs::path& state, const std::string& cluster) {
  // Of the cluster and its state directory: two control planes that share a name do not share a bridge.
  const std::string seed = sha256_hex(cluster + "\n" + fs::absolute(state).string());
  Record record;
  record.bridge = kBridgePrefix + seed.substr(0, 8);
  record.subnet = TRY(choose_subnet(host, seed));
  TRY(write_record(state, record));
  return record;
}

Ipv4 gateway_of(const Subnet& subnet) {
  return subnet.base + 1;
}

Result<int> make_bridge(Netlink& host, const Record& record) {
  const Status added = host.add_bridge(record.bridge, mac_of(gateway_of(record.subnet)));
  if (!added && added.error().code() != ErrorCode::Conflict) return added.error();
  const int index = TRY(host.link_index(record.bridge));
  TRY(host.add_address(index, gateway_of(record.subnet), record.subnet.prefix));
  TRY(host.set_up(index));
  return index;
}

// The kernel takes the cables of ended tasks away when it gets round to it; after this none is left.
Status delete_veths(Netlink& host, const Record& record) {
  const std::vector<Link> links = TRY(host.links());
  const auto bridge =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == record.bridge; });
  if (bridge == links.end()) return {};
  for (const Link& link : links) {
    const bool ours =
        link.master == static_cast<uint32_t>(bridge->index) && link.name.starts_with(kVethPrefix);
    if (ours) TRY(host.delete_link(link.name));
  }
  return {};
}

// Those cables of the subnet's tasks that are not in the bridge; returns how many there were.
Result<int> plug_in(Netlink& host, const Record& record, int bridge_index) {
  int plugged = 0;
  for (const Link& link : TRY(host.links())) {
    const std::optional<Ipv4> address = address_of_veth(link.name);
    if (!address || !record.subnet.contains(*address)) continue;
    if (link.master == static_cast<uint32_t>(bridge_index)) continue;
    TRY(host.set_master(link.index, bridge_index));
    ++plugged;
  }
  return plugged;
}

Status remove_all_of(const fs::path& state, const Record& record, const Forwarding& forwarding,
                     const Clock& clock, Deadline deadline) {
  Netlink host = TRY(Netlink::open());
  TRY(Firewall(record.bridge, record.subnet, clock).remove(deadline));
  TRY(delete_veths(host, record));
  TRY(host.delete_link(record.bridge));
  TRY(forwarding.restore(host));
  return io::remove_all(record_path(state));
}

}  // namespace

// /proc/sys/net shows the network namespace of the thread that looks.
Status write_setting(const char* path, const std::string& value) {
  const io::Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.valid() || ::write(file.get(), value.data(), value.size()) < 0) {
    return errno_error(errno, fmt::format("write {} to {}", value, path));
  }
  return {};
}

bool is_own_bridge(const Link& link) {
  return link.bridge && link.name.starts_with(kBridgePrefix);
}

struct Network::State {
  State(fs::path folder, fs::path host_notes, const Clock& the_clock, Record the_record, int index)
      : state(std::move(folder)),
        forwarding(std::move(host_notes)),
        clock(the_clock),
        record(std::move(the_record)),
        firewall(record.bridge, record.subnet, clock),
        bridge_index(index),
        host_ports(record.host_ports) {}

  const fs::path state;
  const Forwarding forwarding;
  const Clock& clock;
  // The index of the bridge, which may have been taken away and is then made again.
  Result<int> hold_bridge(Netlink& host) EXCLUDES(bridge_mutex);

  const Record record;
  Firewall firewall;

  Mutex bridge_mutex;
  int bridge_index GUARDED_BY(bridge_mutex);

  Mutex mutex;
  std::set<Ipv4> used GUARDED_BY(mutex);
  std::set<int> host_ports GUARDED_BY(mutex);
  Status ready GUARDED_BY(mutex) = Error(ErrorCode::Unavailable, "the network is not set up yet");
  uint32_t last GUARDED_BY(mutex) = 1;  // offset in the subnet of the address given last; 1 is the gateway
};

Result<int> Network::State::hold_bridge(Netlink& host) {
  const Lock lock(bridge_mutex);
  // Asked of the kernel for each task that is started; without listing the links of all that run.
  if (static_cast<int>(::if_nametoindex(record.bridge.c_str())) == bridge_index) return bridge_index;
  bridge_index = TRY(make_bridge(host, record));
  const int plugged = TRY(plug_in(host, record, bridge_index));
  log::warning("engine.local", "bridge {} had been taken away: made again, with {} tasks plugged in",
               record.bridge, plugged);
  return bridge_index;
}

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;

Result<std::unique_ptr<Network>> Network::open(const fs::path& state, const std::string& cluster,
                                               const Clock& clock, Deadline deadline,
                                               const fs::path& host_notes) {
  const std::string what = "set up the network of cluster " + cluster;
  Netlink host = TRY_CONTEXT(Netlink::open(), what);
  TRY_CONTEXT(io::make_directories(state), what);
  Result<Record> record = read_record(state);
  if (!record && record.error().code() != ErrorCode::NotFound) {
    log::warning("engine.local", "{}; choosing anew", record.error().text());
  }
  if (!record || !TRY_CONTEXT(is_still_free(host, *record), what)) record = make_record(host, state, cluster);
  if (!record) return record.error().context(what);
  const int index = TRY_CONTEXT(make_bridge(host, *record), what);
  std::unique_ptr<Network> network(
      new Network(std::make_unique<State>(state, host_notes, clock, std::move(*record), index)));
  if (const Status ensured = network->ensure(deadline); !ensured) {
    log::warning("engine.local", "{}: {}", what, ensured.error().text());
  }
  return network;
}

const std::string& Network::bridge() const {
  return state_->record.bridge;
}
Subnet Network::subnet() const {
  return state_->record.subnet;
}
std::string Network::gateway() const {
  return to_text_ipv4(gateway_of(subnet()));
}

Result<std::string> Network::allocate() {
  const Lock lock(state_->mutex);
  const uint32_t size = subnet().size();
  // From 2 (after the network and the gateway) to the one before the broadcast address.
  for (uint32_t i = 0; i < size - 3; ++i) {
    state_->last = state_->last + 1 >= size - 1 ? 2 : state_->last + 1;
    const Ipv4 address = subnet().base + state_->last;
    if (state_->used.insert(address).second) return to_text_ipv4(address);
  }
  return Error(ErrorCode::Exhausted, "find a free address in " + subnet().text());
}

Status Network::claim(const std::string& address) {
  const std::optional<Ipv4> parsed = parse_ipv4(address);
  if (!parsed || !subnet().contains(*parsed) || *parsed == gateway_of(subnet())) {
    return Error(ErrorCode::Invalid,
                 fmt::format("address {} is not a task's in {}", address, subnet().text()));
  }
  const Lock lock(state_->mutex);
  if (!state_->used.insert(*parsed).second)
    return Error(ErrorCode::Conflict, "address " + address + " is taken");
  return {};
}

void Network::release(const std::string& address) {
  const std::optional<Ipv4> parsed = parse_ipv4(address);
  const Lock lock(state_->mutex);
  if (parsed) state_->used.erase(*parsed);
}

Result<io::Fd> Network::attach(const std::string& address) {
  const std::optional<Ipv4> parsed = parse_ipv4(address);
  if (!parsed || !subnet().contains(*parsed)) {
    return Error(ErrorCode::Invalid, fmt::format("address {} is not in {}", address, subnet().text()));
  }
  const std::string what = "connect " + address + " to bridge " + bridge();
  Netlink host = TRY_CONTEXT(Netlink::open(), what);
  const int bridge_index = TRY_CONTEXT(state_->hold_bridge(host), what);
  Result<io::Fd> made = in_new_namespace([&](int handle) -> Status {
    VethPair pair{veth_name(*parsed), bridge_index, kInner, mac_of(*parsed), handle};
    Status added = host.add_veth(pair);
    if (!added && added.error().code() == ErrorCode::Conflict) {
      TRY(host.delete_link(pair.outer_name));
      added = host.add_veth(pair);
    }
    TRY(std::move(added));
    Netlink inside = TRY(Netlink::open());
    TRY(set_up_common(inside));
    const int index = TRY(inside.link_index(kInner));
    TRY(inside.add_address(index, *parsed, subnet().prefix));
    TRY(inside.set_up(index));
    return inside.add_default_route(gateway_of(subnet()));
  });
  return std::move(made).context(what);
}

Result<io::Fd> Network::isolated() {
  return in_new_namespace([](int) -> Status {
    Netlink inside = TRY(Netlink::open());
    return set_up_common(inside);
  });
}

Status Network::detach(const std::string& address) {
  const std::optional<Ipv4> parsed = parse_ipv4(address);
  if (!parsed) return {};
  Netlink host = TRY(Netlink::open());
  return host.delete_link(veth_name(*parsed));
}

Status Network::ready() const {
  const Lock lock(state_->mutex);
  return state_->ready;
}

Result<bool> Network::set_host_ports(const std::set<int>& ports) {
  const Lock lock(state_->mutex);
  if (state_->host_ports == ports) return false;
  Record record = state_->record;
  record.host_ports = ports;
  TRY(write_record(state_->state, record));
  state_->host_ports = ports;
  return true;
}

// Bridge and cables: there, up, with the address, and plugged in.
Status Network::keep_connected() {
  Netlink host = TRY(Netlink::open());
  const int index = TRY(state_->hold_bridge(host));
  TRY(make_bridge(host, state_->record));
  TRY(state_->forwarding.ensure());
  const int plugged = TRY(plug_in(host, state_->record, index));
  if (plugged > 0)
    log::warning("engine.local", "{} tasks were not in bridge {}: plugged in", plugged, bridge());
  return {};
}

Status Network::ensure(Deadline deadline) {
  const Status connected = keep_connected();
  HostDoors doors{.ports = {}, .name_servers = name_servers_of_tasks()};
  {
    const Lock lock(state_->mutex);
    doors.ports = state_->host_ports;
  }
  Status ensured = connected ? state_->firewall.ensure(doors, deadline) : connected;
  const Lock lock(state_->mutex);
  // Rules that were put in place once stay there when putting them again fails.
  if (!state_->ready) state_->ready = ensured;
  return ensured;
}

Status Network::remove(Deadline deadline) {
  return remove_all_of(state_->state, state_->record, state_->forwarding, state_->clock, deadline);
}

}  // namespace slipway::engine::local
