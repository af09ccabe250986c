#include "discovery/worker_user.h"

#include <charconv>
#include <cstdint>
#include <grp.h>
#include <pwd.h>
#include <string_view>

#include <linux/capability.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::discovery {
namespace {

// Root may have been left without these, in a container for example: then HAProxy would not start.
bool may_confine() {
  const Result<std::string> status = io::read_file("/proc/self/status");
  if (!status) return false;
  for (const std::string& line : split(*status, '\n')) {
    if (!line.starts_with("CapEff:")) continue;
    const std::string_view digits = trim(std::string_view(line).substr(7));
    uint64_t held = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), held, 16);
    constexpr uint64_t kNeeded =
        uint64_t{1} << CAP_SETUID | uint64_t{1} << CAP_SETGID | uint64_t{1} << CAP_SYS_CHROOT;
    return (held & kNeeded) == kNeeded;
  }
  return false;
}

}  // namespace

std::optional<WorkerUser> worker_user() {
  if (!may_confine()) return std::nullopt;
  // Asked from the thread that wires the process, before there are others.
  const std::string user = getpwnam("haproxy") != nullptr ? "haproxy" : "nobody";
  for (const char* group : {user.c_str(), "nogroup", "nobody"}) {
    if (getpwnam(user.c_str()) != nullptr && getgrnam(group) != nullptr) return WorkerUser{user, group};
  }
  return std::nullopt;
}

}  // namespace slipway::discovery
