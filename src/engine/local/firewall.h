// The host's packet filter, told to let a bridge of ours through.
//
// Outgoing connections of the subnet are masqueraded, forwarded and answered. Of the host itself tasks reach
// what the host's own rules let them, and what is named in a HostDoors. Rules carry a comment with the
// bridge's name, by which they are found again, so that ensure() and remove() disturb nobody else's: not
// Docker's (whose FORWARD policy drops), not ufw's. iptables is used where it is installed (legacy or
// nf_tables, whichever holds the host's rules), else a table of our own through nft.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/netlink.h"

namespace slipway::engine::local {

// What of the host tasks are to reach though the host's own rules may close it to everybody.
struct HostDoors {
  std::set<int> ports;                    // TCP: the proxy's
  std::vector<std::string> name_servers;  // addresses; those that are not the host's do no harm
};

class Firewall {
 public:
  Firewall(std::string bridge, Subnet subnet, const Clock& clock);

  // Puts the rules in place, at the top; idempotent, in one transaction for each table. Unavailable when
  // neither iptables nor nft is installed, or they refuse.
  Status ensure(const HostDoors& doors, Deadline deadline);
  // Removes every rule of this bridge, whichever program made it; none is fine.
  Status remove(Deadline deadline);

 private:
  std::string bridge_;
  Subnet subnet_;
  const Clock& clock_;
};

}  // namespace slipway::engine::local
