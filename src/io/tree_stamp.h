// Whether a folder's content may have changed, told without reading a file.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace slipway::io {

// As hash_tree (file.h), over sizes, times and inodes in place of contents. Where it is as it was, so is the
// hash, unless somebody wrote in place and set the times back.
Result<std::string> stamp_tree(const std::filesystem::path& directory);

}  // namespace slipway::io
