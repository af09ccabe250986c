#include "config/build_folders.h"

#include <filesystem>

#include <fmt/format.h>

#include "io/file.h"
#include "io/tree_stamp.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

Status check(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", folder));
  }
  if (!fs::is_regular_file(fs::path(folder) / "Dockerfile", error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no Dockerfile in {}", folder));
  }
  return {};
}

}  // namespace

const Result<std::string>& BuildFolders::content_of(const std::string& folder) {
  Known& known = folders_.try_emplace(folder, Known{{}, std::string(), 0}).first->second;
  if (known.look == look_ && look_ != 0) return known.content;
  known.look = look_;
  if (const Status fine = check(folder); !fine.has_value()) {
    known.stamp.clear();
    known.content = fine.error();
    return known.content;
  }
  // The stamp is of before the content: what changes while it is hashed is hashed again at the next look.
  auto stamp = io::stamp_tree(folder);
  if (stamp.has_value() && *stamp == known.stamp) return known.content;
  known.content = io::hash_tree(folder);
  known.stamp = stamp.has_value() && known.content.has_value() ? *stamp : "";
  return known.content;
}

void BuildFolders::forget_unused() {
  std::erase_if(folders_, [&](const auto& entry) { return entry.second.look != look_; });
}

}  // namespace slipway::config
