// How much memory this process has in use.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace bench {

// "VmRSS:" now, "VmHWM:" at the most. In KB; -1 where the system does not say.
inline long resident(std::string_view which) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(which)) return std::strtol(line.c_str() + which.size(), nullptr, 10);
  }
  return -1;
}

}  // namespace bench
