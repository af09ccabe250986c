#include "engine/local/forwarding.h"

#include <fcntl.h>
#include <unistd.h>

#include <sys/file.h>

#include "base/text.h"
#include "engine/local/network.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr const char* kForwarding = "/proc/sys/net/ipv4/ip_forward";

Result<std::string> read_setting() {
  const std::string text = TRY(io::read_file(kForwarding));
  return std::string(trim(text));
}

// One cluster at a time looks and changes; held for as long as that takes.
Result<io::Fd> lock_folder(const std::filesystem::path& folder) {
  TRY(io::make_directories(folder));
  io::Fd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid() || ::flock(lock.get(), LOCK_EX) != 0)
    return errno_error(errno, "lock " + folder.string());
  return lock;
}

}  // namespace

Status Forwarding::ensure() const {
  const io::Fd lock = TRY(lock_folder(folder_));
  const std::string now = TRY(read_setting());
  if (!io::exists(note())) TRY(io::write_file(note(), now));
  return now == "1" ? Status() : write_setting(kForwarding, "1");
}

Status Forwarding::restore(Netlink& host) const {
  const io::Fd lock = TRY(lock_folder(folder_));
  bool needed = false;
  for (const Link& link : TRY(host.links())) {
    if (is_own_bridge(link)) return {};  // whose end it will be to decide
    needed = needed || link.bridge;
  }
  const Result<std::string> before = io::read_file(note(), 16);
  if (before && trim(*before) == "0" && !needed) TRY(write_setting(kForwarding, "0"));
  return io::remove_all(note());
}

}  // namespace slipway::engine::local
