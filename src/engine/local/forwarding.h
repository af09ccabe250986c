// The host's IPv4 forwarding, which bridges need and which is one setting for all of them.
//
// What it was before the first bridge of ours stands in one file of the host, whichever cluster made that
// bridge; the last one puts it back. The file is below /run: like the setting, it does not outlast a boot.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/local/netlink.h"

namespace slipway::engine::local {

class Forwarding {
 public:
  explicit Forwarding(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Switches it on; notes beforehand what it was, where no cluster has.
  Status ensure() const;
  // To be called when a bridge of ours has gone. Switches it off only if it was off before us and no bridge
  // is left to need it: one of another cluster, or of Docker, which may have found it on and so believes that
  // it always was.
  Status restore(Netlink& host) const;

 private:
  std::filesystem::path note() const { return folder_ / "ip_forward_before"; }

  std::filesystem::path folder_;
};

}  // namespace slipway::engine::local
