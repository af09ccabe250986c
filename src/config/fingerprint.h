// What a look at every name of a service's folder tells, without reading a file.
#pragma once

#include <filesystem>
#include <string>

namespace slipway::config {

// Changes when a file does that a service is compiled from: by names, sizes, times and inodes, in the folder
// and in the folders directly below. What lies deeper is built into images, and is none of the configuration.
// Hidden files do not count. A folder that cannot be read, or is gone, is a state like any other.
std::string fingerprint(const std::filesystem::path& folder);

}  // namespace slipway::config
