// The host's packet filter, told to let a bridge of ours through.
//
// Outgoing connections of the subnet are masqueraded, forwarded and answered; tasks reach the host. Rules
// carry a comment with the bridge's name, by which they are found again, so that ensure() and remove()
// disturb nobody else's: not Docker's (whose FORWARD policy drops), not ufw's. iptables is used where it is
// installed (legacy or nf_tables, whichever holds the host's rules), else a table of our own through nft.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/local/netlink.h"

namespace slipway::engine::local {

class Firewall {
 public:
  Firewall(std::string bridge, Subnet subnet, const Clock& clock);

  // Puts the rules in place, at the top; idempotent, in one transaction for each table. Unavailable when
  // neither iptables nor nft is installed, or they refuse.
  Status ensure(Deadline deadline);
  // Removes every rule of this bridge, whichever program made it; none is fine.
  Status remove(Deadline deadline);

 private:
  std::string bridge_;
  Subnet subnet_;
  const Clock& clock_;
};

}  // namespace slipway::engine::local
