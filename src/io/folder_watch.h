// Tells which entries of a folder changed, in them or anywhere below, without looking at them all.
//
// Owned and used by one thread; its descriptor may be waited on by another.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"

namespace slipway::io {

struct FolderChanges {
  bool all = false;             // more happened than could be told
  std::set<std::string> names;  // of entries of the folder
  bool any() const { return all || !names.empty(); }
};

class FolderWatch {
 public:
  virtual ~FolderWatch() = default;
  // Readable while there is something to take. -1: never, so somebody has to look.
  virtual int fd() const = 0;
  // What happened since the last call. Folders that came are watched from now on. An error where that can no
  // longer be told, such as when the system allows no more: the watch is then of no use.
  virtual Result<FolderChanges> take() = 0;
};

// By inotify, one watch a folder, at most `limit`; hidden folders are left out, links are followed in the
// folder itself and not below. Exhausted where the system or `limit` allows no more, Unavailable where the
// filesystem cannot tell (a network's), NotFound where there is no such folder.
Result<std::unique_ptr<FolderWatch>> watch_folder(const std::filesystem::path& folder,
                                                  size_t limit = 500'000);

}  // namespace slipway::io
