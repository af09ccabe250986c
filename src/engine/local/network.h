// The cluster's network on this host: one bridge, one subnet, and for each task a network namespace with an
// address.
//
// A task's namespace is made here, configured, and handed over as a descriptor; nothing names it, so it goes,
// with its veth pair, when the last process in it ends. What outlives a control plane is the bridge, the
// firewall rules and <state>/network.json, which records the subnet and the
// ports of the host that tasks may reach.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/netlink.h"
#include "io/file.h"

namespace slipway::engine::local {

// Below /proc/sys/net, which shows the network namespace of the thread that looks.
Status write_setting(const char* path, const std::string& value);
// Of any cluster.
bool is_own_bridge(const Link& link);

// Thread-safe.
class Network {
 public:
  // Makes or finds the bridge, the firewall rules and forwarding. Nothing is changed on the host before the
  // record of it is on disk. Firewall rules that cannot be put in place, perhaps because no program for that
  // is installed, are ready()'s matter: tasks without a bridge do not need them. Forbidden without
  // CAP_NET_ADMIN; Exhausted when no private subnet is free of the host's routes. `host_notes` is a folder
  // that all clusters of the host share.
  static Result<std::unique_ptr<Network>> open(const std::filesystem::path& state, const std::string& cluster,
                                               const Clock& clock, Deadline deadline,
                                               const std::filesystem::path& host_notes = "/run/slipway");
  ~Network();

  const std::string& bridge() const;  // "slw-3f9c2b7a"
  Subnet subnet() const;
  std::string gateway() const;  // the host, as tasks see it

  // A free address, each after the last one given, so that an address rests before it is used again. The
  // caller records it with the task. Exhausted when the subnet is full.
  Result<std::string> allocate();
  // An address that a record says is in use, at adoption. Conflict when it is taken; Invalid when not of this
  // subnet.
  Status claim(const std::string& address);
  // It is free again. Unknown: fine.
  void release(const std::string& address);

  // A fresh network namespace with loopback and eth0 at `address`, connected to the bridge, which is made
  // again should it have gone. A veth left over from the task's last life is replaced.
  Result<io::Fd> attach(const std::string& address);
  // A fresh network namespace with loopback only (net: none).
  static Result<io::Fd> isolated();
  // Removes the task's veth at once rather than when the kernel gets round to it. Unknown: fine.
  Status detach(const std::string& address);

  // Ok once the host has let the bridge through; until then, why it did not. Cheap.
  Status ready() const;
  // Ports of the host that tasks are to reach whatever the host's own rules say; ensure() puts them in place.
  // False when nothing changes. They outlast this process.
  Result<bool> set_host_ports(const std::set<int>& ports);
  // Bridge, firewall rules and forwarding again: others take them away. Tasks whose bridge went are plugged
  // into the new one. Cheap enough for once a minute.
  Status ensure(Deadline deadline);
  // Removes rules and bridge, puts ip_forward back if a cluster of ours set it and no other bridge is left,
  // deletes network.json. Nothing may be attached.
  Status remove(Deadline deadline);

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  Status keep_connected();
  std::unique_ptr<State> state_;
};

}  // namespace slipway::engine::local
