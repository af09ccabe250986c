#include "engine/local/node_facts.h"

#include <array>
#include <unistd.h>

#include <sys/utsname.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::string read_boot_id() {
  const auto text = io::read_file("/proc/sys/kernel/random/boot_id");
  return text ? std::string(trim(*text)) : "";
}

model::Node node_facts(const std::filesystem::path& state) {
  model::Node node;
  node.cpus = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  node.mem_mb = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGE_SIZE) >> 20;
  const auto free = io::free_bytes(state);
  if (free) {
    node.disk_mb = static_cast<int64_t>(*free >> 20);
  } else {
    node.ready = false;
    node.reason = free.error().text();
  }
  utsname names{};
  if (::uname(&names) == 0) {
    node.attributes["os"] = "linux";
    node.attributes["arch"] = names.machine;
    node.attributes["kernel"] = names.release;
  }
  return node;
}

}  // namespace slipway::engine::local
